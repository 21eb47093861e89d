/** The instance file `emulator.json`: where a running emulator of a state directory can be reached, and its name. */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, parseJson } from "./json.ts";

export interface Instance {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  readonly startedAt: string;
  /** The same as GET /emulator/health answers; another process on the same port or pid has another. */
  readonly nonce: string;
}

const HEALTH_TIMEOUT_MS = 2_000;

function instancePath(stateDirectory: string): string {
  return join(stateDirectory, "emulator.json");
}

/** Readers see the old file or the whole new one. */
export function writeInstance(stateDirectory: string, instance: Instance): void {
  const path = instancePath(stateDirectory);
  const temporary = `${path}.${instance.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(instance)}\n`);
  renameSync(temporary, path);
}

/** Removes the file if it is this instance's own. */
export function removeInstance(stateDirectory: string, nonce: string): void {
  if (readInstance(stateDirectory)?.nonce === nonce)
    rmSync(instancePath(stateDirectory), { force: true });
}

/** What the file says, dead or alive. */
export function readInstance(stateDirectory: string): Instance | undefined {
  try {
    const value = parseJson(readFileSync(instancePath(stateDirectory), "utf8"));
    return isInstance(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The instance of this directory if it is alive and answers under its own name. */
export async function findLiveInstance(stateDirectory: string): Promise<Instance | undefined> {
  const instance = readInstance(stateDirectory);
  if (instance === undefined || !isProcessAlive(instance.pid)) return undefined;
  try {
    const response = await fetch(`${instance.url}/emulator/health`, {
      signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
    });
    const health: unknown = await response.json();
    return isJsonObject(health) && health["nonce"] === instance.nonce ? instance : undefined;
  } catch {
    return undefined;
  }
}

/** True while a process with this id exists. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isInstance(value: unknown): value is Instance {
  return (
    isJsonObject(value) &&
    typeof value["pid"] === "number" &&
    typeof value["url"] === "string" &&
    typeof value["nonce"] === "string"
  );
}
