/**
 * What moderators answer, as scores by category, and which scores are too high. Whatever cannot be read is
 * refused and never taken for harmless.
 */
import { Option, Result, Schema } from "effect";
import { PolicyFailure } from "../failure.ts";
import type { Parse } from "../parse.ts";

/** Scores by category, 0 (certainly not) … 1 (certainly). */
export const Scores = Schema.Record(Schema.String, Schema.Finite);
export type Scores = typeof Scores.Type;

export interface LimitOptions {
  /** What users read when they are blocked. Default: the step's name. */
  readonly rule?: string;
  /** By category, the score from which on it blocks; above 1 it never does. */
  readonly limits?: Readonly<Record<string, number>>;
  /** For categories without a limit of their own. Default: 0.5. */
  readonly limit?: number;
}

export const limitOptionNames = {
  rule: true,
  limits: true,
  limit: true,
} satisfies Record<keyof LimitOptions, true>;

/** The failure that the scores amount to, if any. */
export type Judgement = (scores: Scores) => PolicyFailure | undefined;

/** Judges by the limits. Throws a TypeError that names a limit that is no number. */
export const judgementBy = (name: string, options: LimitOptions): Judgement => {
  const { rule = name, limits = {}, limit = 0.5 } = options;
  for (const [category, value] of Object.entries({ ...limits, "(others)": limit }))
    if (typeof value !== "number" || !(value >= 0))
      throw new TypeError(
        `expected the limit of ${category} to be a number from 0, got ${String(value)}`,
      );
  const limitOf = (category: string) =>
    Object.hasOwn(limits, category) ? limits[category] : limit;
  return (scores) => {
    const categories = Object.entries(scores)
      .filter(([category, score]) => score >= (limitOf(category) ?? limit))
      .map(([category]) => category);
    return categories.length === 0 ? undefined : new PolicyFailure({ rule, categories, scores });
  };
};

/** Source: the labels of falcons-ai/nsfw_image_detection, Llama Guard, NSFW classifiers of the Hub. */
const usualHarmless = ["safe", "normal", "neutral", "sfw", "none", "ok"];

/**
 * Reads a label (`nsfw`, `safe`), Llama Guard's `unsafe` with its categories, scores or flags by category
 * (also under `category_scores`, `scores` or `categories`), and lists of labels with scores.
 */
export const parseScores =
  (harmless: ReadonlyArray<string> = usualHarmless): Parse =>
  (output) => {
    const found = findingsIn(typeof output === "string" ? jsonOr(output.trim()) : output);
    if (found !== undefined && found.length > 0) return Result.succeed(scoresOf(found, harmless));
    const message = `expected labels or scores by category, got ${JSON.stringify(output).slice(0, 80)}`;
    return Result.fail([{ path: "", message }]);
  };

type Finding = readonly [label: string, score: number];

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json));

const jsonOr = (text: string): Schema.Json =>
  /^[{[]/.test(text) ? Option.getOrElse(decodeJson(text), () => text) : text;

const Labelled = Schema.Struct({ label: Schema.String, score: Schema.optionalKey(Schema.Finite) });
const decodeLabelled = Schema.decodeUnknownOption(
  Schema.Union([Schema.NonEmptyArray(Labelled), Labelled]),
);

const findingsIn = (answer: Schema.Json): ReadonlyArray<Finding> | undefined => {
  if (typeof answer === "string") return findingsInText(answer);
  const labelled = Option.getOrUndefined(decodeLabelled(answer));
  if (labelled !== undefined)
    return [labelled].flat().map(({ label, score = 1 }) => [label, score]);
  const record = isList(answer) ? answer[0] : answer;
  return isRecord(record) ? findingsInRecord(record) : undefined;
};

/** One word is a label; `unsafe` may be followed by its categories. */
const findingsInText = (text: string): ReadonlyArray<Finding> | undefined => {
  const [first = "", ...rest] = text.split(/[\s,]+/).filter((word) => word !== "");
  const verdict = first.replace(/[.!:]$/, "").toLowerCase();
  if (verdict === "unsafe" && rest.length > 0) return rest.map((category) => [category, 1]);
  return rest.length === 0 && isWord(verdict) ? [[verdict, 1]] : undefined;
};

const isWord = (text: string): boolean => /^[\p{L}\p{N}][\p{L}\p{N}_/-]*$/u.test(text);

const findingsInRecord = (record: Schema.JsonObject): ReadonlyArray<Finding> | undefined => {
  for (const key of ["results", "category_scores", "scores", "categories"]) {
    const inner = record[key];
    const within = isList(inner) ? inner[0] : inner;
    if (isRecord(within)) return findingsInRecord(within);
  }
  return Object.entries(record).flatMap(([category, said]): ReadonlyArray<Finding> => {
    if (typeof said === "number") return [[category, said]];
    return typeof said === "boolean" ? [[category, said ? 1 : 0]] : [];
  });
};

/** Where a model only says how harmless something is, the rest to certainty is what it may be otherwise. */
const scoresOf = (found: ReadonlyArray<Finding>, harmless: ReadonlyArray<string>): Scores => {
  const isHarmless = ([label]: Finding) => harmless.includes(label.toLowerCase());
  const harmful = found.filter((finding) => !isHarmless(finding));
  const told =
    harmful.length > 0
      ? harmful
      : found.map(([label, score]): Finding => [`not ${label}`, 1 - score]);
  return Object.fromEntries(told);
};

const isList = (value: unknown): value is Schema.JsonArray => Array.isArray(value);

const isRecord = (value: unknown): value is Schema.JsonObject =>
  typeof value === "object" && value !== null && !isList(value);
