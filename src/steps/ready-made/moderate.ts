/**
 * A check that lets a value through as it came, or blocks the job. One check serves texts and pictures
 * alike, and so stands before a paid call and after it: `check.as("check-image", Asset.Image)`.
 */
import { Effect, Result, Schema } from "effect";
import type { Asset } from "../asset.ts";
import type { Failure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import { type AnySchema, type ModelSettings, Step, type StepContext } from "../step.ts";
import { modelSettingNames, requestFrom, type RequestOption, settingsOf } from "./model-request.ts";
import {
  type Judgement,
  judgementBy,
  limitOptionNames,
  type LimitOptions,
  parseScores,
  Scores,
} from "./moderation-scores.ts";
import { Content, contentIn } from "./picked.ts";
import { effectSettings, type EffectSettings } from "./effect-settings.ts";

export interface ModerateParts {
  /** Undefined where a picture is checked. */
  readonly text: string | undefined;
  /** Undefined where a text is checked. */
  readonly image: Asset | undefined;
}

/** A model judges: one paid prediction a check. */
export interface ModelModeration extends ModelSettings, LimitOptions {
  /** Further fields, or the whole request; default fields: `prompt` for a text, `image` for a picture. */
  readonly request?: RequestOption<ModerateParts>;
  /** Labels under which the model says that all is well. Default: safe, normal, neutral, sfw, none, ok. */
  readonly harmless?: ReadonlyArray<string>;
  /** The scores in an answer. Default: reads labels, flags and scores by category, and lists of labels with scores. */
  readonly scores?: (answer: Schema.Json) => Readonly<Record<string, number>>;
}

/** A function judges: scores 0…1 by category, none at all where all is well. What it throws beside a failure is a defect. */
export interface FunctionModeration<E, R>
  extends LimitOptions, Pick<EffectSettings, "timeout" | "retry"> {
  readonly judge: (
    content: Content,
    context: StepContext,
  ) => Effect.Effect<Scores, E, R> | Promise<Scores> | Scores;
}

const modelNames = Object.keys({
  ...modelSettingNames,
  ...limitOptionNames,
  request: true,
  harmless: true,
  scores: true,
} satisfies Record<keyof ModelModeration, true>);
const functionNames = Object.keys({
  ...limitOptionNames,
  judge: true,
  timeout: true,
  retry: true,
} satisfies Record<keyof FunctionModeration<never, never>, true>);

/** A check as a step: for texts and pictures alike, or under another name for values of a schema. */
export interface Check<Name extends string, R> extends Step<Name, Content, Content, Failure, R> {
  /** The same check for values of the schema, which go on as they came; `pick` says what of them is checked. */
  as<Other extends string, V>(
    name: Other,
    value: AnySchema<V>,
    ...pick: [V] extends [Content] ? [pick?: (value: V) => Content] : [pick: (value: V) => Content]
  ): Step<Other, V, V, Failure, R>;
  // Last, because pipelines infer what a step takes from the last signature.
  as<Other extends string>(name: Other): Step<Other, Content, Content, Failure, R>;
}

/**
 * A check of texts and pictures. Blocks with PolicyFailure, with categories and scores, where a score
 * reaches the limit of its category; an answer that cannot be read lets nothing through. Throws a
 * TypeError where a limit is no number. Fails with: PolicyFailure, and what the judge fails with.
 */
export function moderate<const Name extends string>(
  name: Name,
  options: ModelModeration,
): Check<Name, never>;
export function moderate<const Name extends string, E extends Failure = never, R = never>(
  name: Name,
  options: FunctionModeration<E, R>,
): Check<Name, R>;
export function moderate(
  name: string,
  options: ModelModeration | FunctionModeration<Failure, unknown>,
  // oxlint-disable-next-line typescript/no-explicit-any -- what comes back is said by the signatures above: one body serves both
): any {
  refuseUnknownOptions(name, options, "judge" in options ? functionNames : modelNames);
  const judgement = judgementBy(name, options);
  const stepFor = <V>(step: string, value: AnySchema<V>, pick: (value: V) => unknown) =>
    "judge" in options
      ? judgedByFunction(step, { value, pick, judgement, options })
      : judgedByModel(step, { value, pick, judgement, options });
  const own = stepFor(name, Content, (value) => value);
  return {
    ...own,
    as: <V>(other: string, value?: AnySchema<V>, pick: (value: V) => unknown = (same) => same) =>
      value === undefined ? own.as(other) : stepFor(other, value, pick),
  };
}

interface Checking<V, Options> {
  readonly value: AnySchema<V>;
  readonly pick: (value: V) => unknown;
  readonly judgement: Judgement;
  readonly options: Options;
}

const judgedByModel = <V>(
  name: string,
  { value, pick, judgement, options }: Checking<V, ModelModeration>,
): Step<string, V, V, Failure, never> => {
  const { harmless, scores } = options;
  return Step.model(name, {
    ...settingsOf(options),
    input: value,
    output: value,
    parse:
      scores === undefined ? parseScores(harmless) : (answer) => Result.succeed(scores(answer)),
    answer: { schema: Scores, toOutput: ({ input }) => input },
    refuse: ({ output }) => judgement(output),
    request: (input) => {
      const content = contentIn("pick", pick(input));
      const parts =
        typeof content === "string"
          ? { text: content, image: undefined }
          : { text: undefined, image: content };
      return requestFrom(options.request, parts, { prompt: parts.text, image: parts.image });
    },
  });
};

const decodeScores = Schema.decodeUnknownEffect(Scores);

const judgedByFunction = <V>(
  name: string,
  { value, pick, judgement, options }: Checking<V, FunctionModeration<Failure, unknown>>,
): Step<string, V, V, Failure, unknown> =>
  Step.make(name, {
    ...effectSettings(options),
    input: value,
    output: value,
    fails: ["policy", "provider"],
    run: Effect.fnUntraced(function* (input, context) {
      const judged = options.judge(contentIn("pick", pick(input)), context);
      const scores = yield* Effect.isEffect(judged) ? judged : Effect.promise(async () => judged);
      // A judge of plain JavaScript may answer anything, and NaN would block nothing.
      const blocked = judgement(yield* Effect.orDie(decodeScores(scores)));
      if (blocked !== undefined) return yield* blocked;
      return input;
    }),
  });
