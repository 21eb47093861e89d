/**
 * The emulator as a command: starts, says where it is, and stays until a signal, an idle time or the end of its
 * input. With a state directory it writes the instance file, by which others find it.
 */
import { startEmulator, type Emulator } from "../emulator.ts";
import { findLiveInstance, readInstance, removeInstance, writeInstance } from "../instance.ts";
import { readArguments, USAGE, UsageError, type Arguments } from "./arguments.ts";

/** What the command uses of its process. */
export type Host = Pick<NodeJS.Process, "pid" | "stdin" | "stdout" | "stderr" | "once">;

const LONGEST_IDLE_LOOK_MS = 10_000;

/** Runs until it is told to leave and returns the exit code: 0, or 1 where it did not start. */
export async function runEmulator(argv: readonly string[], host: Host): Promise<number> {
  try {
    const options = readArguments(argv);
    if (options.isHelp) host.stdout.write(USAGE);
    else await serveUntilTold(options, host);
    return 0;
  } catch (error) {
    const hint = error instanceof UsageError ? "\ncatena-emulator --help shows every flag" : "";
    host.stderr.write(
      `emulator: ${error instanceof Error ? error.message : String(error)}${hint}\n`,
    );
    return 1;
  }
}

async function serveUntilTold(options: Arguments, host: Host): Promise<void> {
  const { stateDirectory: state, port } = options;
  const other = state === undefined ? undefined : await findLiveInstance(state);
  if (other !== undefined)
    throw new Error(`an emulator of ${state} already runs at ${other.url} (pid ${other.pid})`);
  const emulator = await startEmulator({
    ...options.settings,
    stateDirectory: state,
    // A killed emulator comes back at its old port: URLs that clients hold go on working.
    port: port ?? (state === undefined ? 0 : (readInstance(state)?.port ?? 0)),
    isPortFixed: port !== undefined,
    isWarm: true,
  });
  const { url, nonce } = emulator;
  const startedAt = new Date().toISOString();
  const instance = { pid: host.pid, port: emulator.port, url, startedAt, nonce };
  if (state !== undefined) writeInstance(state, instance);
  const models = options.settings.models ?? "real";
  if (options.isJson)
    host.stdout.write(`${JSON.stringify({ ...instance, apiUrl: `${url}/v1`, models })}\n`);
  const log = options.isJson ? host.stderr : host.stdout;
  log.write(
    `emulator: ${url}/v1, toy models (${models}), state in ${state ?? "memory"}, control at ${url}/emulator/health\n`,
  );
  const reason = await farewell(options, emulator, host);
  if (state !== undefined) removeInstance(state, nonce);
  log.write(`emulator: leaving, ${reason}\n`);
  await emulator.stop();
}

/** Resolves with the reason to leave. */
function farewell(
  { idleMinutes, isTiedToInput }: Arguments,
  emulator: Emulator,
  host: Host,
): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) host.once(name, () => resolve(name));
    if (isTiedToInput) {
      host.stdin.once("end", () => resolve("its input ended"));
      host.stdin.once("error", () => resolve("its input broke"));
      host.stdin.resume();
    }
    if (idleMinutes === undefined) return;
    const idleMs = idleMinutes * 60_000;
    const look = (): void => {
      if (!emulator.isIdle(idleMs)) return;
      clearInterval(looking);
      resolve(`idle for ${idleMinutes} minutes`);
    };
    const looking = setInterval(look, Math.min(idleMs / 4, LONGEST_IDLE_LOOK_MS));
    looking.unref();
  });
}
