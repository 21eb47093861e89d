/**
 * The JSON in an answer, chosen by the schema that will decode it. A tier with exactly one value that the
 * schema decodes decides; two different ones are refused, as is a value that is cut off: it was paid for,
 * but what it says is not all of it. Where no value decodes, the closest is handed on, so that decoding
 * says by path what is wrong with it.
 */
import { Result, Schema } from "effect";
import { canonicalJson } from "../canonical-json.ts";
import type { Issue } from "../failure.ts";
import { findJson } from "./json-in-text.ts";
import { jsonTiers } from "./json-tiers.ts";
import type { Shape } from "./schema-shape.ts";
import { excerpt, type Trouble, worse } from "./trouble.ts";

export type Issues = ReadonlyArray<Issue>;

/** What JSON there is in a text. `isMeant`: the text is JSON, well or ill; it is not to be read otherwise. */
export interface JsonAnswer {
  readonly result: Result.Result<unknown, Issues>;
  readonly isMeant: boolean;
}

const fail = (issue: Issue): JsonAnswer => ({ result: Result.fail([issue]), isMeant: true });
const succeed = (value: unknown): JsonAnswer => ({ result: Result.succeed(value), isMeant: true });

/** Without a shape every value fits. */
export const jsonIn = (text: string, shape: Shape | null): JsonAnswer => {
  let seen: ReadonlyArray<unknown> = [];
  let trouble: Trouble | null = null;
  for (const tier of jsonTiers(text)) {
    const fitting = fittingOf(tier.values, shape);
    const end = cutOffIn(tier.trouble);
    if (end !== null && fitting.length > 0) return fail(end);
    if (fitting.length > 1) return fail(several(fitting.length));
    if (fitting.length === 1) return succeed(fitting[0]);
    seen = seen.concat(tier.values);
    // The strict reader trips over what the lenient one may read.
    if (tier.dialect === "lenient") trouble = worse(trouble, tier.trouble);
  }
  return unfitting(text, { seen, trouble, shape });
};

/** The object or list that a text is as a whole, by the letter; nothing where it is none. */
export const soleJson = (text: string): ReadonlyArray<unknown> => {
  const { values, isAll } = findJson(text, "strict");
  return isAll && values.length === 1 ? values : [];
};

/** A lone bracket at the end is not an answer that is cut off. */
const cutOffIn = (trouble: Trouble | null): Issue | null =>
  trouble?.isCutOff === true && trouble.hasContent ? trouble.issue() : null;

const several = (count: number): Issue => ({
  path: "",
  message: `expected one answer, got ${count} different ones`,
});

/** The different values that fit; those inside a wrapping only where none fits as it is. */
const fittingOf = (values: ReadonlyArray<unknown>, shape: Shape | null): ReadonlyArray<unknown> => {
  if (shape === null) return different(values);
  const fitting = values.filter(shape.fits);
  return different(fitting.length > 0 ? fitting : values.flatMap(inner(shape)).filter(shape.fits));
};

const different = (values: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  values.length < 2 ? values : [...new Map(values.map((value) => [textOf(value), value])).values()];

const textOf = (value: unknown): string =>
  isJson(value) ? canonicalJson(value) : JSON.stringify(value);
const isJson = Schema.is(Schema.Json);

/** What is wrapped: JSON written as a text, and, for an object with fields, a list or an object around it alone. */
const inner =
  ({ kind, fields }: Shape) =>
  (value: unknown): ReadonlyArray<unknown> => {
    if (typeof value === "string") return soleJson(value);
    const isWrapping = kind === "object" && fields.some(({ isRequired }) => isRequired);
    if (!isWrapping || typeof value !== "object" || value === null) return [];
    const parts: ReadonlyArray<unknown> = Object.values(value);
    return parts.length === 1 ? parts : [];
  };

interface Unfitting {
  readonly seen: ReadonlyArray<unknown>;
  readonly trouble: Trouble | null;
  readonly shape: Shape | null;
}

/** What is said of a text without a value that fits. */
const unfitting = (text: string, { seen, trouble, shape }: Unfitting): JsonAnswer => {
  const end = cutOffIn(trouble);
  if (end !== null) return fail(end);
  const closest = shape === null ? [] : closestOf(seen, shape);
  if (closest.length > 0) return succeed(closest[0]);
  if (trouble?.hasContent === true) return fail(trouble.issue());
  if (seen.length > 0) return { result: Result.succeed(seen[0]), isMeant: false };
  const message = `expected JSON, got text without any: ${excerpt(text)}`;
  return { result: Result.fail([{ path: "", message }]), isMeant: false };
};

/** The values of the schema's kind; of objects those with most of its fields first. */
const closestOf = (values: ReadonlyArray<unknown>, shape: Shape): ReadonlyArray<unknown> => {
  const { kind, fields } = shape;
  if (kind === "list") return values.filter((value) => Array.isArray(value));
  if (kind !== "object") return values.filter((value) => typeof value === "object");
  const known = (value: unknown): number =>
    typeof value === "object" && value !== null
      ? fields.filter(({ name }) => Object.hasOwn(value, name)).length
      : 0;
  return [...values, ...values.flatMap(inner(shape))]
    .filter((value) => known(value) > 0 || fields.length === 0)
    .toSorted((one, other) => known(other) - known(one));
};

/** Of a value that is no text; undefined where the schema refuses it. */
export const jsonInValue = (
  value: unknown,
  shape: Shape | null,
): Result.Result<unknown, Issues> | undefined => {
  const [fitting] = shape === null ? [] : fittingOf([value], shape);
  return fitting === undefined ? undefined : Result.succeed(fitting);
};
