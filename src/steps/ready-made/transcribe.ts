/** A model that writes down what is said in a recording: its words, or its segments with their times as well. */
import { Schema } from "effect";
import { Asset } from "../asset.ts";
import type { Failure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import type { Parse } from "../parse.ts";
import { type AnySchema, type ModelSettings, Step } from "../step.ts";
import { modelSettingNames, requestFrom, type RequestOption, settingsOf } from "./model-request.ts";
import { fileIn, isText, pickedFrom, type PickedUnless, schemaOr } from "./picked.ts";
import { parseSpeech, parseTranscript } from "./transcript.ts";

export interface TranscribeParts<I> {
  readonly input: I;
  readonly audio: Asset;
}

export interface TranscribeOptions<I, O> extends ModelSettings {
  /** Default: `Asset.Audio`. */
  readonly input?: AnySchema<I>;
  /** Default: text. `Steps.Transcript`, or a schema that reads one, for segments as well. */
  readonly output?: AnySchema<O>;
  /** Default: the input, where that is a file. */
  readonly audio?: (input: NoInfer<I>) => Asset;
  /** Further fields (`{ language: "en" }`), or the whole request; default field: `audio`. */
  readonly request?: RequestOption<TranscribeParts<NoInfer<I>>>;
  /** Default: reads what Whisper and its ports write. */
  readonly parse?: Parse;
}

const optionNames = Object.keys({
  ...modelSettingNames,
  input: true,
  output: true,
  audio: true,
  request: true,
  parse: true,
} satisfies Record<keyof TranscribeOptions<unknown, unknown>, true>);

/** A step that writes down a recording. Fails with: every failure of a model step. */
export const transcribe = <const Name extends string, I = Asset, O = string>(
  name: Name,
  options: TranscribeOptions<I, O> & PickedUnless<Asset, NoInfer<I>, "audio">,
): Step<Name, I, O, Failure, never> => {
  refuseUnknownOptions(name, options, optionNames);
  const output = schemaOr(options.output, Schema.String);
  return Step.model(name, {
    ...settingsOf(options),
    input: schemaOr(options.input, Asset.Audio),
    output,
    parse: options.parse ?? (isText(output) ? parseSpeech : parseTranscript),
    request: (input) => {
      const audio = fileIn("audio", pickedFrom(options.audio, input));
      return requestFrom(options.request, { input, audio }, { audio });
    },
  });
};
