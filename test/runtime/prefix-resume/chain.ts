/** A campaign-like chain: two writers, a painter with a file, a judge of it, and a function that keeps it. */
import { Effect, Schema } from "effect";
import { Asset, Parse, Pipeline, Step } from "../../../src/index.ts";

export interface Cast {
  readonly writer: string;
  readonly painter: string;
  readonly judge: string;
}

const Idea = Schema.Struct({
  headline: Schema.NonEmptyString,
  visual_direction: Schema.NonEmptyString,
  tone: Schema.NonEmptyString,
});

/** `onStore` sees every run of the last step. */
export const chainOf = ({ writer, painter, judge }: Cast, onStore: (key: string) => void) =>
  Pipeline.make("campaign-like", { version: 1, input: Schema.NonEmptyString })
    .step(
      Step.model("concept", {
        input: Schema.NonEmptyString,
        output: Idea,
        model: writer,
        request: (product) => ({
          prompt: `Product: ${product}\nAudience: everybody\nValue proposition: it works`,
        }),
        timeout: "10 minutes",
      }),
    )
    .step(
      Step.model("prompt", {
        input: Idea,
        output: Schema.NonEmptyString,
        model: writer,
        request: ({ headline, visual_direction, tone }) => ({
          prompt: `Headline: ${headline}\nVisual direction: ${visual_direction}\nTone: ${tone}`,
        }),
        timeout: "10 minutes",
      }),
    )
    .step(
      Step.model("image", {
        input: Schema.NonEmptyString,
        output: Asset.Image,
        model: painter,
        request: (prompt) => ({ prompt, output_format: "png" }),
        timeout: "10 minutes",
      }),
    )
    .step(
      Step.model("check", {
        input: Asset.Image,
        output: Schema.NonEmptyString,
        model: judge,
        request: (image) => ({ image }),
        parse: Parse.text,
        timeout: "10 minutes",
      }),
    )
    .step(
      Step.make("store", {
        input: Asset.Image,
        output: Schema.String,
        // It takes its time, so that its start is a commit of its own.
        run: ({ sha256 }, { key }) => {
          onStore(key);
          return Effect.as(Effect.sleep("500 millis"), `kept ${sha256}`);
        },
      }),
      ({ outputs }) => outputs.image,
    )
    .output(Schema.Struct({ stored: Schema.String, verdict: Schema.String }), ({ outputs }) => ({
      stored: outputs.store,
      verdict: outputs.check,
    }));
