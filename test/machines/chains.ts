/** Pipelines that the tests of machines share. Their functions are never called. */
import { Schema } from "effect";
import { Asset } from "../../src/steps/asset.ts";
import { Retry } from "../../src/steps/retry.ts";
import { Step } from "../../src/steps/step.ts";
import { Pipeline } from "../../src/machines/pipeline.ts";

const Idea = Schema.Struct({ headline: Schema.NonEmptyString });

const write = Step.model("write", {
  input: Schema.String,
  output: Idea,
  model: "acme/writer",
  request: (topic) => ({ prompt: topic }),
  timeout: { attempt: "60 seconds", boot: "30 seconds", step: "5 minutes" },
  retry: Retry.transient({ attempts: 3 }),
  repair: 1,
  reuse: "7 days",
});

const paint = Step.model("paint-it", {
  input: Idea,
  output: Asset.Image,
  model: "acme/painter",
  request: ({ headline }) => ({ prompt: headline }),
  onUnknown: "ask",
});

const store = Step.make("store", {
  input: Asset.Image,
  output: Schema.String,
  fails: ["provider"],
  isRepeatable: false,
  run: ({ url }) => url,
});

/** Two model steps, one of which asks a person about lost answers, and a step that runs once. */
export const poster = Pipeline.make("poster", { version: 2, input: Schema.String })
  .step(write)
  .step(paint)
  .step(store, ({ outputs }) => outputs["paint-it"])
  .output(Schema.Struct({ url: Schema.String }), ({ outputs }) => ({ url: outputs.store }));

const price = Step.signal("price", { input: Schema.String, output: Idea });
const review = Step.approval("review", { input: Schema.String, timeout: "3 days" });
const announce = Step.make("announce", {
  input: Idea,
  output: Schema.String,
  run: ({ headline }) => headline,
});

/** Waits for a word before anything else, and for another in the end. */
export const asking = Pipeline.make("asking", { version: 1, input: Schema.String })
  .step(price)
  .step(announce)
  .step(review)
  .output(Schema.String, ({ last }) => last);
