/** Child processes of measurements: one answer each, then gone. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

type Answer = Readonly<Record<string, number>>;

/** Runs the program until its first message, and kills it with SIGKILL. Rejects where it ends without one. */
export const answerOf = (program: string, args: ReadonlyArray<string>): Promise<Answer> =>
  withChild(program, args, (answer) => Promise.resolve(answer));

/** As `answerOf`, but kills the program only once the use of its answer is over. */
export const withChild = async <A>(
  program: string,
  args: ReadonlyArray<string>,
  use: (answer: Answer) => Promise<A>,
): Promise<A> => {
  const file = fileURLToPath(new URL(`processes/${program}.ts`, import.meta.url));
  const child = fork(file, args, { execArgv: ["--expose-gc"] });
  const ended = once(child, "exit");
  const answered = once(child, "message");
  try {
    const first = await Promise.race([
      answered,
      ended.then(([code]) => {
        throw new Error(`${program} ended with ${String(code)} before it answered`);
      }),
    ]);
    return await use(numbersIn(first[0]));
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
};

const numbersIn = (message: unknown): Answer =>
  Object.fromEntries(
    Object.entries(message ?? {}).map(([name, value]) => [name, Number(value)] as const),
  );
