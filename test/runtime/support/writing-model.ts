/** A model whose every word is written by the test, and who is listening to it. */
import { Effect, Schema, Stream } from "effect";
import { Functions, type ModelClient, Pipeline, Step } from "../../../src/index.ts";

/** The hand on one prediction: what is written is seen by whoever listens, `end` makes it the answer. */
export interface Pen {
  readonly write: (text: string) => Promise<void>;
  readonly end: () => Promise<void>;
  readonly fail: (error: Error) => Promise<void>;
}

export interface WritingModel {
  readonly client: ModelClient;
  /** The hand on the nth prediction (1-based), once it has begun. */
  readonly pen: (ordinal: number) => Promise<Pen>;
  /** Connections that were ever opened, and those that are open. */
  readonly opened: () => number;
  readonly open: () => number;
  /** Resolves once no connection is open. */
  readonly silence: () => Promise<void>;
}

type Streaming = NonNullable<ModelClient["stream"]>;

/** `streamed`: what a listener is given instead of what is written. */
export const writingModel = (streamed?: Streaming): WritingModel => {
  const pens: Array<PromiseWithResolvers<Pen>> = [];
  const penAt = (index: number) => (pens[index] ??= Promise.withResolvers<Pen>());
  let [begun, opened, open] = [0, 0, 0];
  let silence = Promise.withResolvers<void>();
  const functions = Functions.client({
    models: {
      writer: {
        input: { type: "object", properties: { prompt: { type: "string" } } },
        run: () => {
          const paper = new TransformStream<string, string>();
          const writer = paper.writable.getWriter();
          // A reader that is interrupted breaks the pen as well.
          writer.closed.catch(() => undefined);
          penAt(begun).resolve({
            write: (text) => writer.write(text),
            end: () => writer.close(),
            fail: (error) => writer.abort(error),
          });
          begun += 1;
          return paper.readable;
        },
      },
    },
  });
  const counted: Streaming = (prediction) =>
    Stream.unwrap(
      Effect.gen(function* () {
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            opened += 1;
            open += 1;
          }),
          () =>
            Effect.sync(() => {
              open -= 1;
              if (open === 0) silence.resolve();
            }),
        );
        return streamed?.(prediction) ?? functions.stream?.(prediction) ?? Stream.empty;
      }),
    );
  return {
    client: { ...functions, stream: counted },
    pen: (ordinal) => penAt(ordinal - 1).promise,
    opened: () => opened,
    open: () => open,
    silence: () => {
      if (open === 0) return Promise.resolve();
      silence = Promise.withResolvers<void>();
      return silence.promise;
    },
  };
};

interface WriterOptions {
  readonly stream?: boolean;
  readonly repair?: number;
}

/** One step that asks the model: `{ slogan }` as JSON, `stream` as the test says. */
export const sloganOf = (options: WriterOptions = {}) => {
  const Slogan = Schema.Struct({ slogan: Schema.String });
  const write = Step.model("write", {
    input: Schema.String,
    output: Slogan,
    model: "writer",
    request: (prompt) => ({ prompt }),
    ...options,
  });
  return Pipeline.make("slogan", { version: 1, input: Schema.String })
    .step(write)
    .output(Slogan, ({ last }) => last);
};
