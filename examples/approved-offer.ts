/** Draft by a model -> price and approval by people -> sent: nothing leaves the house that nobody has read. */
import { Schema } from "effect";
import { Pipeline, Step, Steps } from "../src/index.ts";

export const Wish = Schema.Struct({
  customer: Schema.NonEmptyString,
  wish: Schema.NonEmptyString,
});
export const Draft = Schema.Struct({ subject: Schema.NonEmptyString, text: Schema.NonEmptyString });
export const Offer = Schema.Struct({ ...Draft.fields, euros: Schema.Finite });

const draft = Steps.llm("draft", {
  model: "meta/meta-llama-3-8b-instruct",
  input: Wish,
  output: Draft,
  prompt: ({ customer, wish }) => `An offer to ${customer}, who asks for ${wish}.`,
});

/** What the person decides who knows the margins; the offer is made of the draft and of that. */
const pricing = Step.signal("pricing", {
  input: Draft,
  output: Offer,
  signal: {
    schema: Schema.Struct({ euros: Schema.Finite.check(Schema.isGreaterThan(0)) }),
    toOutput: ({ input, signal }) => ({ ...input, euros: signal.euros }),
  },
  timeout: "3 days",
});

/** A no ends the job, until somebody retries it and is asked again. */
const review = Step.approval("review", { input: Offer, timeout: "7 days" });

export const offers = (folder: string) =>
  Pipeline.make("offers", { version: 1, input: Wish })
    .step(draft)
    .step(pricing)
    .step(review)
    .step(Steps.store("send", { input: Offer, output: Schema.String, put: Steps.folder(folder) }))
    .output(Schema.Struct({ sent: Schema.String }), ({ last }) => ({ sent: last }));
