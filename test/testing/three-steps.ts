/** A small pipeline with one step of each temper: a model that may repair, one that asks a person, a function. */
import { Effect, Schema } from "effect";
import { Pipeline, Retry, Step } from "../../src/index.ts";

const Idea = Schema.Struct({ title: Schema.NonEmptyString });

const draft = Step.model("draft", {
  input: Schema.NonEmptyString,
  output: Idea,
  model: "acme/writer",
  request: (topic) => ({ prompt: topic }),
  repair: 1,
  retry: Retry.transient({ attempts: 2 }),
});

const polish = Step.model("polish", {
  input: Idea,
  output: Schema.NonEmptyString,
  model: "acme/editor",
  request: (idea) => ({ prompt: idea.title }),
  onUnknown: "ask",
  retry: Retry.none,
});

const publish = Step.make("publish", {
  input: Schema.NonEmptyString,
  output: Schema.NonEmptyString,
  fails: ["provider"],
  retry: Retry.transient({ attempts: 2 }),
  run: (text) => Effect.succeed(`published: ${text}`),
});

export const article = Pipeline.make("article", { version: 1, input: Schema.NonEmptyString })
  .step(draft)
  .step(polish)
  .step(publish)
  .output(Schema.String, ({ last }) => last);
