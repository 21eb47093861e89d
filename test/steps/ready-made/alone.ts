/** A pipeline of one ready-made step, and files for those that take one. */
import { Effect, Schema } from "effect";
import { Asset, AssetStore, type Failure, Pipeline, Step } from "../../../src/index.ts";
import { type StepAnswer, testCatena } from "../../../src/testing.ts";

/** Any step that needs nothing which the runtime does not have. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it takes and returns is the test's business
type ReadyStep = Step<string, any, any, Failure, AssetStore>;

type Answers = Readonly<Record<string, StepAnswer>>;

/** The step as a pipeline of its own: its input in, its output out. */
export const alone = (step: ReadyStep) =>
  Pipeline.make("alone", { version: 1, input: step.input })
    .step(step)
    .output(step.output, ({ last }) => last);

/** One job of the step, whose model answers as said. */
export const runAlone = async (step: ReadyStep, input: unknown, answers: Answers = {}) => {
  const pipeline = alone(step);
  await using t = await testCatena({ pipelines: [pipeline], answers });
  return await t.run(pipeline, input);
};

const samples = {
  image:
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  audio: Buffer.from("ID3\u0004 a small recording").toString("base64"),
  pdf: Buffer.from("%PDF-1.7 a small document").toString("base64"),
} as const;

const types = { image: "image/png", audio: "audio/mpeg", pdf: "application/pdf" } as const;

/** Puts a small file into the asset store, whatever text it is given. */
const upload = (kind: keyof typeof samples) =>
  Step.make("upload", {
    input: Schema.String,
    output: Asset.Any,
    run: () =>
      AssetStore.use((assets) =>
        Effect.orDie(
          assets.put({
            bytes: Buffer.from(samples[kind], "base64"),
            contentType: types[kind],
          }),
        ),
      ),
  });

/** One job of the step on such a file. */
export const runOnFile = async (
  kind: keyof typeof samples,
  step: ReadyStep,
  answers: Answers = {},
) => {
  const pipeline = Pipeline.make("on-a-file", { version: 1, input: Schema.String })
    .step(upload(kind))
    .step(step)
    .output(step.output, ({ last }) => last);
  await using t = await testCatena({ pipelines: [pipeline], answers });
  return await t.run(pipeline, "");
};

type Request = Readonly<Record<string, unknown>>;

/** A model that answers one after the other (the last one stays) and keeps what it was asked. */
export const scripted = (...answers: ReadonlyArray<unknown>) => {
  const requests: Array<Request> = [];
  const answer = (request: Request, attempt: number): unknown => {
    requests.push(request);
    return answers[Math.min(attempt, answers.length) - 1];
  };
  return { requests, answer };
};
