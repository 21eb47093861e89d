/** The pipeline that workers run while they are killed: two paid models with a file between two plain steps. */
import { Schema } from "effect";
import { Asset, Pipeline, Retry, Step } from "../../../src/index.ts";

const Brief = Schema.Struct({ product: Schema.String });
const Concept = Schema.Struct({
  headline: Schema.String,
  visual_direction: Schema.String,
  tone: Schema.String,
});
const Result = Schema.Struct({ sha256: Schema.String });

/** More attempts than a job meets faults; quick, because the emulator is. */
const retry = Retry.transient({ attempts: 10, baseMs: 20, maxMs: 200 });

const concept = Step.model("concept", {
  input: Brief,
  output: Concept,
  model: "meta/meta-llama-3-8b-instruct",
  request: ({ product }) => ({ prompt: `Product: ${product}`, max_tokens: 256 }),
  repair: 4,
  timeout: "60 seconds",
  retry,
});
const line = Step.make("line", {
  input: Concept,
  output: Schema.String,
  run: ({ headline, tone }) => `${headline}, ${tone}`,
});
const image = Step.model("image", {
  input: Schema.String,
  output: Asset.Image,
  model: "black-forest-labs/flux-schnell",
  request: (prompt) => ({ prompt, output_format: "png", num_outputs: 1 }),
  timeout: "60 seconds",
  retry,
});
const keep = Step.make("keep", {
  input: Asset.Image,
  output: Result,
  run: async ({ sha256 }) => ({ sha256 }),
});

export const chain = Pipeline.make("killed-chain", { version: 1, input: Brief })
  .step(concept)
  .step(line)
  .step(image)
  .step(keep)
  .output(Result, ({ last }) => last);

/** How many predictions a job that meets no fault pays for. */
export const paidSteps = 2;
