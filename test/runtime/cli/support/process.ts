/** The command as a process of its own: what it says, when it says something, and how it ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const main = fileURLToPath(new URL("../../../../src/runtime/cli/main.ts", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface CatenaProcess {
  readonly pid: number;
  /** Resolves once it has said that on either stream; rejects with all it said if it ends or stays silent. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<Ended>;
}

interface ProcessOptions {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Default: the source of the command. */
  readonly program?: ReadonlyArray<string>;
}

const silenceMs = 60_000;

/** Starts it; it is killed, at the latest, when the test is over. */
export const start = (
  words: ReadonlyArray<string>,
  { folder, environment = {}, input, program = [main] }: ProcessOptions,
): CatenaProcess => {
  const child = spawn(process.execPath, [...program, ...words], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", STEPS_PRINT: "yes", CATENA_PORT: "0", ...environment },
  });
  let [out, err] = ["", ""];
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    tell();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    tell();
  });
  if (input !== undefined) child.stdin.end(input);
  const ended = once(child, "close").then(
    (): Ended => ({ code: child.exitCode, signal: child.signalCode, out, err }),
  );
  void ended.then(tell);
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await ended;
  });
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const listen = (): void => {
        const found = pattern.exec(out) ?? pattern.exec(err);
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (found === null && !isOver) return;
        listeners.delete(listen);
        clearTimeout(timer);
        if (found === null) reject(new Error(`it never said ${String(pattern)}:\n${out}\n${err}`));
        else resolve(found);
      };
      const timer = setTimeout(() => {
        listeners.delete(listen);
        reject(
          new Error(`silent for ${silenceMs} ms, without ${String(pattern)}:\n${out}\n${err}`),
        );
      }, silenceMs);
      listeners.add(listen);
      listen();
    });
  return {
    pid: child.pid ?? 0,
    says,
    kill: (signal) => {
      child.kill(signal);
    },
    ended,
  };
};

/** Runs it to its end. */
export const ran = (words: ReadonlyArray<string>, options: ProcessOptions): Promise<Ended> =>
  start(words, options).ended;
