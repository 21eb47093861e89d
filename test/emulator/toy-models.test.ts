/** The toys: real sampling, real painting, real classification, all repeatable. */
import { expect, onTestFinished, test } from "vitest";
import { startEmulator } from "../../emulator/src/emulator.ts";
import { decodePng } from "../../emulator/src/images/png.ts";
import { loadCopywriter } from "../../emulator/src/models/copywriter/copywriter.ts";
import { readLabels } from "../../emulator/src/models/copywriter/labels.ts";
import { paint } from "../../emulator/src/models/painter/painter.ts";
import {
  CONCEPT_PROMPT,
  finished,
  FLUX,
  getPrediction,
  LLAMA,
  NSFW_VERSION,
  post,
  type WirePrediction,
  eventually,
} from "./emulator-client.ts";

const SAMPLING = { temperature: 0.6, topP: 0.9, maximumTokens: 512 };

test("the tokenizer gives back what it read, and knows its special tokens", () => {
  const { tokenizer } = loadCopywriter();
  const text = '<c>product: Kalori flask | audience: trail runners=>{"headline": "<P>: 24 h!"}<e>';
  const tokens = tokenizer.encode(text);
  expect(tokenizer.decode(tokens)).toBe(text);
  expect(tokens.length).toBeLessThan(text.length / 2);
});

test("the same seed samples the same text, another seed another one", async () => {
  const { write } = loadCopywriter();
  const first = await write(CONCEPT_PROMPT, { ...SAMPLING, seed: 1 });
  expect(await write(CONCEPT_PROMPT, { ...SAMPLING, seed: 1 })).toEqual(first);
  expect(await write(CONCEPT_PROMPT, { ...SAMPLING, seed: 2 })).not.toEqual(first);
  const concept: unknown = JSON.parse(first.join(""));
  expect(Object.keys(concept as object)).toEqual(["headline", "visual_direction", "tone"]);
});

test("max_tokens cuts the answer", async () => {
  const { write } = loadCopywriter();
  const pieces = await write(CONCEPT_PROMPT, { ...SAMPLING, seed: 1, maximumTokens: 5 });
  expect(pieces).toHaveLength(6);
});

test("labelled lines are read out of ordinary prompts", () => {
  expect(
    readLabels("Hi.\n- **Product name:** Lamp\nTARGET AUDIENCE: cooks\nvalue_prop: calm"),
  ).toEqual({
    task: "concept",
    product: "Lamp",
    audience: "cooks",
    value: "calm",
  });
  expect(readLabels("Headline: Glow.\nVisual direction: A lamp\nTone: warm")).toMatchObject({
    task: "image-prompt",
    headline: "Glow.",
    visual: "A lamp",
  });
  expect(
    readLabels('Repair this: {"headline": "Glow", "visual_direction": "A lamp"}'),
  ).toMatchObject({
    task: "image-prompt",
  });
  const repair = 'Product: Lamp\nYour answer was {"headline": "Glow", "visual_direction": "A lamp"';
  expect(readLabels(repair)).toMatchObject({ task: "concept", product: "Lamp" });
  const example =
    'Brief: {"product_name": "Lamp"}\nAnswer as {"headline": "…", "visual_direction": "..."}';
  expect(readLabels(example)).toMatchObject({ task: "concept", product: "Lamp" });
  expect(readLabels("Say hello")).toMatchObject({ task: "concept", product: "Say hello" });
});

test("the same prompt and seed paint the same picture", () => {
  const picture = { prompt: "a teal lamp", seed: 3, aspectRatio: "16:9" };
  const pixels = paint(picture);
  expect(pixels.width / pixels.height).toBeCloseTo(16 / 9, 1);
  expect(Buffer.compare(paint(picture).rgb, pixels.rgb)).toBe(0);
  expect(Buffer.compare(paint({ ...picture, seed: 4 }).rgb, pixels.rgb)).not.toBe(0);
});

test("brief to concept to prompt to picture to verdict, over HTTP", async () => {
  const emulator = await startEmulator({ models: "real", rateLimits: undefined });
  onTestFinished(() => emulator.stop());
  const run = async (path: string, body: unknown): Promise<WirePrediction> => {
    const answer = (await (
      await post(emulator, path, body, { prefer: "wait=20" })
    ).json()) as WirePrediction;
    return finished(emulator, answer.id);
  };
  const llama = `/v1/models/${LLAMA}/predictions`;
  const concept = await run(llama, { input: { prompt: CONCEPT_PROMPT, seed: 1 } });
  const { headline, visual_direction, tone } = JSON.parse(
    (concept.output as readonly string[]).join(""),
  ) as Record<string, string>;
  expect(concept.metrics?.["output_token_count"]).toBeGreaterThan(20);
  const prompt = `Headline: ${headline}\nVisual direction: ${visual_direction}\nTone: ${tone}`;
  const line = await run(llama, { input: { prompt, seed: 1 } });
  const picture = await run(`/v1/models/${FLUX}/predictions`, {
    input: { prompt: (line.output as readonly string[]).join(""), output_format: "png" },
  });
  const image = String((picture.output as readonly string[])[0]);
  const bytes = new Uint8Array(await (await fetch(image)).arrayBuffer());
  expect(decodePng(bytes)).toMatchObject({ width: 384, height: 384 });
  const dataUri = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
  for (const input of [{ image }, { image: dataUri }]) {
    const verdict = await run("/v1/predictions", { version: NSFW_VERSION, input });
    expect(verdict).toMatchObject({ status: "succeeded", output: "normal" });
    expect(verdict.logs).toContain("emulated: toy model");
  }
  const broken = { image: "data:image/png;base64,AAAA" };
  const unreadable = await run("/v1/predictions", { version: NSFW_VERSION, input: broken });
  expect(unreadable).toMatchObject({
    status: "failed",
    error: expect.stringContaining("image file"),
  });
  const total = emulator.ledger().reduce((sum, { costUsd }) => sum + costUsd, 0);
  expect(total).toBeGreaterThan(0.003);
});

test("requests are answered while a picture is painted", async () => {
  const emulator = await startEmulator({ models: "real", rateLimits: undefined });
  onTestFinished(() => emulator.stop());
  const body = { input: { prompt: "a lamp", num_outputs: 4 } };
  const response = await post(emulator, `/v1/models/${FLUX}/predictions`, body);
  const { id } = (await response.json()) as WirePrediction;
  await eventually(async () => (await getPrediction(emulator, id)).status).toBe("processing");
  await post(emulator, `/v1/predictions/${id}/cancel`, {});
  expect(await getPrediction(emulator, id)).toMatchObject({ status: "canceled" });
  expect(emulator.ledger()).toMatchObject([{ status: "canceled", costUsd: 0 }]);
});
