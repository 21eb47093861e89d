/** A language model: text or a structured value out, asked again with what was wrong where it does not fit. */
import { Schema } from "effect";
import type { Failure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import type { Parse } from "../parse.ts";
import { type AnySchema, type ModelSettings, type Repair, Step } from "../step.ts";
import { promptForAnswer } from "./answer-shape.ts";
import { modelSettingNames, requestFrom, type RequestOption, settingsOf } from "./model-request.ts";
import { pickedFrom, type PickedUnless, schemaOr, textIn } from "./picked.ts";

/** What a model is asked; the system prompt is sent as `system_prompt`. */
export type Prompt = string | { readonly system: string; readonly prompt: string };

/** What a request is made of. `prompt` says already what shape the answer must have, and what was wrong with the last one. */
export interface LlmParts<I> {
  readonly input: I;
  readonly prompt: string;
  readonly system: string | undefined;
  readonly repair: Repair | undefined;
}

/** Repair: 1 by default. */
export interface LlmOptions<I, O> extends ModelSettings {
  /** Default: text. */
  readonly input?: AnySchema<I>;
  /** Default: text. Everything else is asked for and read as JSON of this schema. */
  readonly output?: AnySchema<O>;
  /** Default: the input, where that is text. */
  readonly prompt?: (input: NoInfer<I>) => Prompt;
  /** Further fields (`{ max_tokens: 256 }`), or the whole request; default fields: `prompt`, `system_prompt`. */
  readonly request?: RequestOption<LlmParts<NoInfer<I>>>;
  readonly parse?: Parse;
}

const optionNames = Object.keys({
  ...modelSettingNames,
  input: true,
  output: true,
  prompt: true,
  request: true,
  parse: true,
} satisfies Record<keyof LlmOptions<unknown, unknown>, true>);

/**
 * A step that asks a language model. Its prompt is made from the input, or is the input where that is
 * text. Fails with: every failure of a model step.
 */
export const llm = <const Name extends string, I = string, O = string>(
  name: Name,
  options: LlmOptions<I, O> & PickedUnless<string, NoInfer<I>, "prompt">,
): Step<Name, I, O, Failure, never> => {
  refuseUnknownOptions(name, options, optionNames);
  const output = schemaOr(options.output, Schema.String);
  return Step.model(name, {
    repair: 1,
    ...settingsOf(options),
    input: schemaOr(options.input, Schema.String),
    output,
    ...(options.parse === undefined ? {} : { parse: options.parse }),
    request: (input, { repair }) => {
      const asked = questionOf(pickedFrom(options.prompt, input));
      const prompt = promptForAnswer(asked.prompt, output, repair);
      const { system } = asked;
      const own = { prompt, system_prompt: system };
      return requestFrom(options.request, { input, prompt, system, repair }, own);
    },
  });
};

interface Question {
  readonly prompt: string;
  readonly system: string | undefined;
}

const questionOf = (asked: unknown): Question => {
  const isPair = typeof asked === "object" && asked !== null && "prompt" in asked;
  if (!isPair) return { prompt: textIn("prompt", asked), system: undefined };
  const system = "system" in asked ? textIn("prompt.system", asked.system) : undefined;
  return { prompt: textIn("prompt.prompt", asked.prompt), system };
};
