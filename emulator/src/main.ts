/**
 * The emulator as a process of its own: `node emulator/src/main.ts --state DIR`. Writes the instance file when it
 * can be reached, removes it on SIGTERM and SIGINT, and ends by itself after some idle minutes.
 */
import { parseArgs } from "node:util";
import { startEmulator } from "./emulator.ts";
import { findLiveInstance, readInstance, removeInstance, writeInstance } from "./instance.ts";

const { values } = parseArgs({
  options: {
    state: { type: "string" },
    port: { type: "string" },
    token: { type: "string" },
    models: { type: "string", default: "real" },
    "idle-minutes": { type: "string", default: "10" },
  },
});

async function main(): Promise<void> {
  const { state, port, token, models } = values;
  if (state === undefined)
    throw new Error(
      "--state DIR is needed: the directory that keeps predictions, files and ledger",
    );
  if (models !== "real" && models !== "instant")
    throw new Error(`--models is real or instant, given: ${models}`);
  const idleMs = Number(values["idle-minutes"]) * 60_000;
  if (!(idleMs > 0))
    throw new Error(`--idle-minutes is a positive number, given: ${values["idle-minutes"]}`);
  const other = await findLiveInstance(state);
  if (other !== undefined)
    throw new Error(`an emulator of ${state} already runs at ${other.url} (pid ${other.pid})`);
  const emulator = await startEmulator({
    stateDirectory: state,
    // A killed emulator comes back at its old port: URLs that clients hold go on working.
    port: Number(port ?? readInstance(state)?.port ?? 0),
    models,
    isWarm: true,
    ...(token && { token }),
  });
  const { url, nonce } = emulator;
  writeInstance(state, {
    pid: process.pid,
    port: emulator.port,
    url,
    startedAt: new Date().toISOString(),
    nonce,
  });
  process.stdout.write(`emulator: ${url}/v1, toy models (${models}), state in ${state}\n`);
  const leave = async (reason: string): Promise<void> => {
    removeInstance(state, nonce);
    process.stdout.write(`emulator: leaving, ${reason}\n`);
    await emulator.stop();
    process.exit(0);
  };
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => void leave(name));
  const looking = setInterval(
    () => {
      if (!emulator.isIdle(idleMs)) return;
      clearInterval(looking);
      void leave(`idle for ${values["idle-minutes"]} minutes`);
    },
    Math.min(idleMs / 4, 10_000),
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`emulator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
