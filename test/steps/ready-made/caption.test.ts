/** A picture goes to the model as a file, and comes back as words. */
import { Schema } from "effect";
import { expect, test } from "vitest";
import { Asset, Steps } from "../../../src/index.ts";
import { runAlone, runOnFile, scripted } from "./alone.ts";

const model = "captioners/small";

test("a picture is described", async () => {
  const { requests, answer } = scripted("a bottle in the rain");
  const { outcome } = await runOnFile("image", Steps.caption("describe", { model }), {
    describe: answer,
  });
  expect(outcome).toEqual({ status: "complete", output: "a bottle in the rain" });
  expect(requests).toEqual([{ image: expect.stringMatching(/^data:image\/png;base64,/) }]);
});

test("a question can go with it, and the field can have another name", async () => {
  const { requests, answer } = scripted("rain", "rain");
  const asking = Steps.caption("describe", { model, prompt: "What is the weather?" });
  await runOnFile("image", asking, { describe: answer });
  const named = Steps.caption("describe", {
    model,
    prompt: "What is the weather?",
    request: ({ image, prompt }) => ({ image_input: [image], prompt }),
  });
  await runOnFile("image", named, { describe: answer });
  const file = expect.stringMatching(/^data:image\/png/);
  expect(requests).toEqual([
    { image: file, prompt: "What is the weather?" },
    { image_input: [file], prompt: "What is the weather?" },
  ]);
});

test("a recording is refused before anything is paid", async () => {
  const { requests, answer } = scripted("words");
  const { outcome } = await runOnFile("audio", Steps.caption("describe", { model }), {
    describe: answer,
  });
  expect(outcome).toMatchObject({
    status: "failed",
    kind: "validation",
    failure: { at: "input", issues: [{ path: "contentType" }] },
  });
  expect(requests).toEqual([]);
});

test("a picture that is not where it should be is a bug that names the option", async () => {
  const step = Steps.caption("describe", {
    model,
    input: Schema.Struct({ photo: Schema.optionalKey(Asset.Image) }),
    // Plain JavaScript has no types to keep it from this.
    image: ({ photo }) => photo as never,
  });
  const { outcome } = await runAlone(step, {});
  expect(outcome).toMatchObject({
    kind: "defect",
    failure: { message: "TypeError: expected image to give a file, got undefined" },
  });
});
