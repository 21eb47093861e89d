/** State directories and processes of a test, gone when it is over. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { isProcessAlive, readInstance } from "../../emulator/src/instance.ts";

/** A fresh directory; an emulator that still runs there at the end is killed. */
export async function stateDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "catena-emulator-"));
  onTestFinished(async () => {
    const instance = readInstance(directory);
    if (instance !== undefined && instance.pid !== process.pid) await kill(instance.pid);
    await rm(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Sends SIGKILL and returns when the process is gone. */
export async function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (isProcessAlive(pid)) process.kill(pid, signal);
  await gone(pid);
}

/** Returns when the process is gone; fails after five seconds. */
export async function gone(pid: number): Promise<void> {
  await vi.waitUntil(() => !isProcessAlive(pid), { timeout: 5_000, interval: 10 });
}
