/** A client that hears of a prediction's end by itself is looked at then, and not after the next pause. */
import { expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { Catena, Functions, Pipeline, Step } from "../../../src/index.ts";

const models = { echo: { run: ({ text }: { readonly text?: unknown }) => `${String(text)}!` } };

const say = (name: string) =>
  Step.model(name, {
    input: Schema.String,
    output: Schema.String,
    model: "echo",
    request: (text) => ({ text }),
  });

const pipeline = Pipeline.make("echoes", { version: 1, input: Schema.String })
  .step(say("once"))
  .step(say("twice"))
  .output(Schema.String, ({ last }) => last);

it("a chain of functions does not wait for a poll", async () => {
  await using catena = await Catena.start({
    pipelines: [pipeline],
    store: "memory",
    models: Functions.client({ models }),
    // No test waits that long: only the end itself makes anybody look.
    pollEvery: "15 minutes",
  });
  const job = await catena.submit(pipeline, "hello");
  expect(await job.result()).toBe("hello!!");
});
