/** The campaign chain: a brief becomes a concept, a prompt, an image, a verdict, and a stored asset. */
import { Schema } from "effect";
import { Asset, Parse, Pipeline, PolicyFailure, Retry, Step } from "../../src/index.ts";
import { Gallery } from "./gallery.ts";

export const Brief = Schema.Struct({
  product_name: Schema.NonEmptyString,
  audience: Schema.NonEmptyString,
  value_prop: Schema.NonEmptyString,
});
export type Brief = typeof Brief.Type;

export const Concept = Schema.Struct({
  headline: Schema.NonEmptyString,
  visual_direction: Schema.NonEmptyString,
  tone: Schema.NonEmptyString,
});

export const Verdict = Schema.Struct({ label: Schema.Literals(["normal", "nsfw"]) });

export const CampaignAsset = Schema.Struct({
  prompt: Schema.String,
  image_url: Schema.String,
  status: Schema.Literal("complete"),
  sha256: Schema.String,
  model: Schema.String,
  verdict: Schema.String,
});

const writer = "meta/meta-llama-3-8b-instruct";
const painter = "black-forest-labs/flux-schnell";
/** A community model: it runs by version only. */
const moderator =
  "falcons-ai/nsfw_image_detection:97116600cabd3037e5f22ca08ffcc33b92cfacebf7ccd3609e9c1d29e43d3a8d";

const concept = Step.model("concept", {
  input: Brief,
  output: Concept,
  model: writer,
  request: (brief) => ({
    prompt: [
      "Write a campaign concept as one JSON object with the text fields headline, visual_direction and tone.",
      `Product: ${brief.product_name}`,
      `Audience: ${brief.audience}`,
      `Value proposition: ${brief.value_prop}`,
    ].join("\n"),
    max_tokens: 256,
  }),
  timeout: "60 seconds",
  retry: Retry.transient({ attempts: 4 }),
  repair: 2,
});

const prompt = Step.model("prompt", {
  input: Concept,
  output: Schema.NonEmptyString,
  model: writer,
  request: (idea) => ({
    prompt: [
      "Write one line that an image model can paint: specific, visual, concise.",
      `Headline: ${idea.headline}`,
      `Visual direction: ${idea.visual_direction}`,
      `Tone: ${idea.tone}`,
    ].join("\n"),
    max_tokens: 160,
  }),
  timeout: "60 seconds",
});

const image = Step.model("image", {
  input: Schema.NonEmptyString,
  output: Asset.Image,
  model: painter,
  request: (line) => ({ prompt: line, output_format: "png", num_outputs: 1 }),
  timeout: { attempt: "3 minutes", boot: "2 minutes" },
});

const check = Step.model("check", {
  input: Asset.Image,
  output: Verdict,
  model: moderator,
  request: (picture) => ({ image: picture }),
  parse: (output) => {
    const label = Parse.text(output);
    return label._tag === "Success" ? Parse.none({ label: String(label.success) }) : label;
  },
  refuse: ({ output }) =>
    output.label === "nsfw"
      ? new PolicyFailure({ rule: "image-moderation", categories: ["nsfw"] })
      : undefined,
  timeout: "60 seconds",
});

const store = Step.make("store", {
  input: Asset.Image,
  output: Schema.String,
  run: (picture, { key }) => Gallery.use((gallery) => gallery.hang(picture, key)),
});

export const campaignAssets = Pipeline.make("campaign-assets", { version: 1, input: Brief })
  .step(concept)
  .step(prompt)
  .step(image)
  .step(check)
  .step(store, ({ outputs }) => outputs.image)
  .output(CampaignAsset, ({ outputs }) => ({
    prompt: outputs.prompt,
    image_url: outputs.store,
    status: "complete",
    sha256: outputs.image.sha256,
    model: painter,
    verdict: outputs.check.label,
  }));
