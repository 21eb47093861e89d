/**
 * Finds the emulator of a state directory or starts it as a process of its own, which outlives the caller. However
 * many ask at once, one process comes up; a file left behind by a killed one is no obstacle.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findLiveInstance } from "./instance.ts";
import { ownModule } from "./own-module.ts";
import { takeLock } from "./start-lock.ts";

export interface ConnectOptions {
  readonly stateDirectory: string;
  /** Default 10. */
  readonly idleMinutes?: number;
  /** The environment of a process that has to be started; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default `real`. */
  readonly models?: "real" | "instant";
  /** How long a start may take, ms. Default 15_000. */
  readonly startTimeoutMs?: number;
}

export interface Connection {
  /** Scheme, host and port; the API is under `/v1`. */
  readonly url: string;
  readonly pid: number;
  /** True when this call started the process. */
  readonly started: boolean;
}

const MAIN = fileURLToPath(ownModule("./main", import.meta.url));
const LOOK_INTERVAL_MS = 15;
const LOG_TAIL_CHARACTERS = 2_000;

/** The running emulator of the directory. Rejects with the end of its log if none comes up in time. */
export async function connectEmulator(options: ConnectOptions): Promise<Connection> {
  const { stateDirectory, startTimeoutMs = 15_000 } = options;
  mkdirSync(stateDirectory, { recursive: true });
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    const live = await findLiveInstance(stateDirectory);
    if (live !== undefined) return { url: live.url, pid: live.pid, started: false };
    const release = takeLock(join(stateDirectory, "start.lock"));
    if (release !== undefined) return startLocked(options, deadline).finally(release);
    await pause(LOOK_INTERVAL_MS);
  }
  throw new Error(
    `no emulator came up in ${startTimeoutMs} ms: another process is starting it in ${stateDirectory} and does not finish`,
  );
}

async function startLocked(options: ConnectOptions, deadline: number): Promise<Connection> {
  const { stateDirectory } = options;
  // Between the look and the lock another caller may have started it.
  const live = await findLiveInstance(stateDirectory);
  if (live !== undefined) return { url: live.url, pid: live.pid, started: false };
  const child = launch(options);
  let exit: string | undefined;
  child.once("error", (error) => (exit = error.message));
  child.once("exit", (code, signal) => (exit = `exit ${code ?? signal}`));
  while (performance.now() < deadline && exit === undefined) {
    const instance = await findLiveInstance(stateDirectory);
    if (instance !== undefined) {
      child.unref();
      return { url: instance.url, pid: instance.pid, started: true };
    }
    await pause(LOOK_INTERVAL_MS);
  }
  child.kill("SIGKILL");
  throw new Error(
    `the emulator did not come up (${exit ?? "too slow"}); the end of its log:\n${logTail(stateDirectory)}`,
  );
}

function launch({
  stateDirectory,
  idleMinutes = 10,
  env = process.env,
  models = "real",
}: ConnectOptions): ReturnType<typeof spawn> {
  const log = openSync(logPath(stateDirectory), "a");
  const flags = [
    "--state",
    stateDirectory,
    "--idle-minutes",
    String(idleMinutes),
    "--models",
    models,
  ];
  try {
    return spawn(process.execPath, [MAIN, ...flags], {
      detached: true,
      stdio: ["ignore", log, log],
      env,
    });
  } finally {
    closeSync(log);
  }
}

function logPath(stateDirectory: string): string {
  return join(stateDirectory, "emulator.log");
}

function logTail(stateDirectory: string): string {
  const path = logPath(stateDirectory);
  return existsSync(path)
    ? readFileSync(path, "utf8").slice(-LOG_TAIL_CHARACTERS).trim()
    : "(no log)";
}
