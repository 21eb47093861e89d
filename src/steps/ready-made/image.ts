/** An image model: a prompt in, one picture out, copied into our own store. */
import { Schema } from "effect";
import { Asset } from "../asset.ts";
import type { Failure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import { type AnySchema, type ModelSettings, Step } from "../step.ts";
import { modelSettingNames, requestFrom, type RequestOption, settingsOf } from "./model-request.ts";
import { pickedFrom, type PickedUnless, schemaOr, textIn } from "./picked.ts";

/** Fields that most image models know by these names; others may stand beside them. */
export interface ImageFields {
  /** Such as `16:9`. */
  readonly aspect_ratio?: string;
  readonly output_format?: "png" | "jpg" | "webp";
  readonly output_quality?: number;
  readonly seed?: number;
  readonly num_outputs?: number;
  readonly negative_prompt?: string;
  readonly [field: string]: unknown;
}

export interface ImageParts<I> {
  readonly input: I;
  readonly prompt: string;
}

export interface ImageOptions<I> extends ModelSettings {
  /** Default: text. */
  readonly input?: AnySchema<I>;
  /** Default: the input, where that is text. */
  readonly prompt?: (input: NoInfer<I>) => string;
  /** Further fields, or the whole request; default field: `prompt`. */
  readonly request?: RequestOption<ImageParts<NoInfer<I>>, ImageFields>;
}

const optionNames = Object.keys({
  ...modelSettingNames,
  input: true,
  prompt: true,
  request: true,
} satisfies Record<keyof ImageOptions<unknown>, true>);

/**
 * A step that has a picture painted; of several, the first. The prompt is made from the input, or is the
 * input where that is text. Fails with: every failure of a model step.
 */
export const image = <const Name extends string, I = string>(
  name: Name,
  options: ImageOptions<I> & PickedUnless<string, NoInfer<I>, "prompt">,
): Step<Name, I, Asset, Failure, never> => {
  refuseUnknownOptions(name, options, optionNames);
  return Step.model(name, {
    ...settingsOf(options),
    input: schemaOr(options.input, Schema.String),
    output: Asset.Image,
    request: (input) => {
      const prompt = textIn("prompt", pickedFrom(options.prompt, input));
      return requestFrom(options.request, { input, prompt }, { prompt });
    },
  });
};
