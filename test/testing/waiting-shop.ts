/** A shop that waits for a price before anything else, and for an approval in the middle. */
import { Schema } from "effect";
import { Pipeline, Retry, Step } from "../../src/index.ts";

export const Draft = Schema.Struct({ text: Schema.NonEmptyString });
const Price = Schema.Struct({ cents: Schema.Int });

const pricing = Step.signal("pricing", {
  input: Schema.NonEmptyString,
  output: Schema.NonEmptyString,
  signal: { schema: Price, toOutput: ({ input, signal }) => `${input} at ${signal.cents}` },
});
const write = Step.model("write", {
  input: Schema.NonEmptyString,
  output: Draft,
  model: "acme/writer",
  request: (topic) => ({ prompt: topic }),
  retry: Retry.none,
});
const review = Step.approval("review", { input: Draft, timeout: "3 days" });
const publish = Step.make("publish", {
  input: Draft,
  output: Schema.NonEmptyString,
  run: ({ text }) => text,
});

export const shop = Pipeline.make("shop", { version: 1, input: Schema.NonEmptyString })
  .step(pricing)
  .step(write)
  .step(review)
  .step(publish)
  .output(Schema.String, ({ last }) => last);
