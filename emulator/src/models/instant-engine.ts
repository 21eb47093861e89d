/**
 * Canned answers of the right shape, for tests that make thousands of calls: no model runs, the same input always
 * gives the same answer, and each answer fits the model's output schema.
 */
import { encodePng } from "../images/png.ts";
import { seedOf } from "../random.ts";
import { canonicalJson, type JsonObject } from "../json.ts";
import { readLabels } from "./copywriter/labels.ts";
import type { Model } from "./model.ts";
import { schemaAnswer } from "./schema-answer.ts";
import type { ModelAnswer, ModelEngine, ModelRequest, OutputFile } from "./engine.ts";

const LOGS = "emulated: toy model, canned answer\n";
const PREDICT_SECONDS = 0.001;

/** Answers at once, with metrics that depend on the input alone. */
export const instantEngine: ModelEngine = {
  run: async (model, request) => {
    request.onStart();
    return answer(model, request);
  },
  warm: () => undefined,
  close: async () => undefined,
};

function answer({ kind }: Model, { input }: ModelRequest): ModelAnswer {
  if (kind === "moderator")
    return { output: "normal", metrics: { predict_time: PREDICT_SECONDS }, logs: LOGS };
  if (kind === "painter") return picture(input);
  const text = write(String(input["prompt"]));
  const tokens = [...(text.match(/\s?\S+/gu) ?? []), ""];
  const metrics = {
    predict_time: PREDICT_SECONDS,
    input_token_count: String(input["prompt"]).split(/\s+/u).length,
    output_token_count: tokens.length,
  };
  return { output: tokens, metrics, logs: LOGS };
}

function write(prompt: string): string {
  const asked = schemaAnswer(prompt);
  if (asked !== undefined) return asked;
  const labels = readLabels(prompt);
  if (labels.task === "image-prompt") {
    return `${labels.visual}, ${labels.tone} mood, product advertising photograph for "${labels.headline}"`;
  }
  return JSON.stringify({
    headline: `Meet ${labels.product}.`,
    visual_direction: `${labels.product} in soft morning light, for ${labels.audience}`,
    tone: "calm and clear",
  });
}

function picture(input: JsonObject): ModelAnswer {
  const count = Number(input["num_outputs"] ?? 1);
  const files = Array.from(
    { length: count },
    (_, index): OutputFile => ({
      name: `out-${index}.png`,
      contentType: "image/png",
      bytes: flatColour(seedOf(`${canonicalJson(input)} ${index}`)),
    }),
  );
  return {
    output: null,
    files,
    metrics: { predict_time: PREDICT_SECONDS, image_count: count },
    logs: LOGS,
  };
}

function flatColour(seed: number): Buffer {
  const size = 8;
  const rgb = new Uint8Array(size * size * 3).map((_, index) => (seed >>> ((index % 3) * 8)) & 255);
  return encodePng({ width: size, height: size, rgb });
}
