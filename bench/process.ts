/** Child processes of measurements: one answer each, then gone. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Runs the program until its first message, and kills it with SIGKILL. Rejects where it ends without one. */
export const answerOf = async (
  program: string,
  args: ReadonlyArray<string>,
): Promise<Readonly<Record<string, number>>> => {
  const file = fileURLToPath(new URL(`processes/${program}.ts`, import.meta.url));
  const child = fork(file, args, { execArgv: ["--expose-gc"] });
  const ended = once(child, "exit");
  const answered = once(child, "message");
  const first = await Promise.race([
    answered,
    ended.then(([code]) => {
      throw new Error(`${program} ended with ${String(code)} before it answered`);
    }),
  ]);
  child.kill("SIGKILL");
  await ended;
  return numbersIn(first[0]);
};

const numbersIn = (message: unknown): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(message ?? {}).map(([name, value]) => [name, Number(value)] as const),
  );
