/** Pipelines of steps that may not run again, and of steps that wait for somebody: what a crash hits hardest. */
import { Schema } from "effect";
import { Pipeline, Retry, Step } from "../../src/index.ts";

const Letter = Schema.Struct({ text: Schema.NonEmptyString });

const write = Step.model("write", {
  input: Schema.NonEmptyString,
  output: Letter,
  model: "acme/writer",
  request: (topic) => ({ prompt: topic }),
});

const notify = Step.make("notify", {
  input: Letter,
  output: Letter,
  isRepeatable: false,
  fails: ["provider"],
  retry: Retry.transient({ attempts: 2 }),
  run: (letter) => letter,
});

const confirm = Step.approval("confirm", { input: Letter, timeout: "3 days" });

export const careful = Pipeline.make("careful", { version: 1, input: Schema.NonEmptyString })
  .step(write)
  .step(notify)
  .step(confirm)
  .output(Letter, ({ last }) => last);

/** Every signal can come early at every place: that must not multiply the places. */
export const questions = Pipeline.make("questions", { version: 1, input: Letter })
  .step(confirm)
  .step(confirm.as("second"))
  .step(confirm.as("third"))
  .step(confirm.as("fourth"))
  .step(confirm.as("fifth"))
  .step(notify)
  .output(Letter, ({ last }) => last);
