/** A model that says in words what a picture shows. */
import { Schema } from "effect";
import { Asset } from "../asset.ts";
import type { Failure } from "../failure.ts";
import type { Parse } from "../parse.ts";
import { type AnySchema, type ModelSettings, Step } from "../step.ts";
import { modelSettingNames, requestFrom, type RequestOption, settingsOf } from "./model-request.ts";
import { fileIn, pickedFrom, type PickedUnless, schemaOr } from "./picked.ts";
import { refuseUnknownOptions } from "../known-options.ts";

export interface CaptionParts<I> {
  readonly input: I;
  readonly image: Asset;
  readonly prompt: string | undefined;
}

export interface CaptionOptions<I> extends ModelSettings {
  /** Default: `Asset.Image`. */
  readonly input?: AnySchema<I>;
  /** Default: the input, where that is a file. */
  readonly image?: (input: NoInfer<I>) => Asset;
  /** What is asked about the picture. Default: nothing, as models for captions need no asking. */
  readonly prompt?: string;
  /** Further fields, or the whole request; default fields: `image`, `prompt`. */
  readonly request?: RequestOption<CaptionParts<NoInfer<I>>>;
  readonly parse?: Parse;
}

const optionNames = Object.keys({
  ...modelSettingNames,
  input: true,
  image: true,
  prompt: true,
  request: true,
  parse: true,
} satisfies Record<keyof CaptionOptions<unknown>, true>);

/** A step that describes a picture in words. Fails with: every failure of a model step. */
export const caption = <const Name extends string, I = Asset>(
  name: Name,
  options: CaptionOptions<I> & PickedUnless<Asset, NoInfer<I>, "image">,
): Step<Name, I, string, Failure, never> => {
  refuseUnknownOptions(name, options, optionNames);
  return Step.model(name, {
    ...settingsOf(options),
    input: schemaOr(options.input, Asset.Image),
    output: Schema.String,
    ...(options.parse === undefined ? {} : { parse: options.parse }),
    request: (input) => {
      const { prompt } = options;
      const picture = fileIn("image", pickedFrom(options.image, input));
      return requestFrom(
        options.request,
        { input, image: picture, prompt },
        { image: picture, prompt },
      );
    },
  });
};
