/** Commands as the process of `catena` obeys them, without a process: what they print and their exit code. */
import { Writable } from "node:stream";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { Effect, Layer, Logger } from "effect";
import { obey } from "../../../../src/runtime/cli/command-line.ts";
import { makeScreen, Screen } from "../../../../src/runtime/cli/screen.ts";
import { type Environment, Surroundings } from "../../../../src/runtime/cli/surroundings.ts";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Keeps what is written; no terminal. */
const recorder = () => {
  const written: Array<string> = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => written.join("") };
};

/** Obeys the words in that folder, with nothing else in the environment, on 80 columns. */
export const catena = async (
  folder: string,
  words: ReadonlyArray<string>,
  environment: Environment = {},
): Promise<Said> => {
  const [out, err] = [recorder(), recorder()];
  // Of a stream to a terminal only what any stream has is used, where there is no terminal.
  const stdout = out.stream as NodeJS.WriteStream;
  // As above.
  const stderr = err.stream as NodeJS.WriteStream;
  const around = Layer.mergeAll(
    NodeServices.layer,
    Logger.layer([]),
    Layer.succeed(Screen, makeScreen({ stdout, stderr }, { COLUMNS: "80", ...environment })),
    Layer.succeed(Surroundings, {
      environment,
      folder,
      catena: { version: "1.2.3", engines: ">=22.19", peers: { effect: "~4.1.0" } },
      onInterrupt: () => undefined,
    }),
  );
  const code = await Effect.runPromise(Effect.provide(obey(words), around));
  return { code, out: out.text(), err: err.text() };
};

export const jsonOf = ({ out }: Said): unknown => JSON.parse(out);
