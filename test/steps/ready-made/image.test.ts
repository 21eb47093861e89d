/** An image model's step hands its prompt over, with the fields of the model, and takes the first picture. */
import { Schema } from "effect";
import { expect, test } from "vitest";
import { Steps } from "../../../src/index.ts";
import { runAlone, runOnFile, scripted } from "./alone.ts";

const model = "painters/small";
const onePixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

test("a text is painted, and the first picture of several is kept", async () => {
  const { requests, answer } = scripted([onePixel, onePixel]);
  const step = Steps.image("paint", {
    model,
    request: { aspect_ratio: "16:9", output_format: "png", num_outputs: 2 },
  });
  const { outcome } = await runAlone(step, "a bottle in the rain", { paint: answer });
  expect(outcome).toMatchObject({
    status: "complete",
    output: { contentType: "image/png", sizeBytes: 70 },
  });
  expect(requests).toEqual([
    { prompt: "a bottle in the rain", aspect_ratio: "16:9", output_format: "png", num_outputs: 2 },
  ]);
});

test("the prompt and the whole request can be made of any input", async () => {
  const { requests, answer } = scripted(onePixel);
  const step = Steps.image("paint", {
    model,
    input: Schema.Struct({ scene: Schema.String, size: Schema.Int }),
    prompt: ({ scene }) => `${scene}, in oil`,
    request: ({ prompt, input }) => ({ text: prompt, width: input.size }),
  });
  await runAlone(step, { scene: "rain", size: 64 }, { paint: answer });
  expect(requests).toEqual([{ text: "rain, in oil", width: 64 }]);
});

test("an answer without a picture fails as an output that is not valid", async () => {
  const step = Steps.image("paint", { model, repair: 0 });
  const { outcome } = await runAlone(step, "rain", { paint: "I cannot paint this." });
  expect(outcome).toMatchObject({ status: "failed", kind: "validation" });
});

test("a file that is no picture does not become one", async () => {
  const step = Steps.image("paint", { model, input: Schema.Unknown, prompt: () => "rain" });
  const sound = `data:audio/mpeg;base64,${Buffer.from("ID3 a recording").toString("base64")}`;
  const { outcome } = await runOnFile("image", step, { paint: sound });
  expect(outcome).toMatchObject({ status: "failed", kind: "validation" });
});
