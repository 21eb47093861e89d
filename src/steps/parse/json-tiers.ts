/**
 * The values an answer may mean, in tiers of falling trust: what is JSON by the letter goes before what
 * has to be mended, the whole answer before its parts, a fenced block before prose. Lazy: what is not
 * asked for is not read.
 */
import { fencedBlocks, withoutLabel } from "./answer-text.ts";
import { findJson, type JsonFound, wholeJson } from "./json-in-text.ts";
import type { Dialect } from "./json-tokens.ts";
import { type Trouble, worse } from "./trouble.ts";

export interface Tier {
  readonly values: ReadonlyArray<unknown>;
  readonly dialect: Dialect;
  /** What could not be read beside the values, and may have been the answer. */
  readonly trouble: Trouble | null;
}

export function* jsonTiers(text: string): Generator<Tier> {
  yield plainTier(text);
  const strict = findJson(text, "strict");
  if (strict.isAll) yield tierOf("strict", [strict]);
  const lenient = once(() => findJson(text, "lenient"));
  if (/^[{[]/.test(text) && lenient().isAll) yield tierOf("lenient", [lenient()]);
  const blocks = fencedBlocks(text);
  yield blockTier(blocks);
  yield { ...strict, dialect: "strict" };
  yield tierOf(
    "lenient",
    blocks.map((block) => findJson(block, "lenient")),
  );
  yield { ...lenient(), dialect: "lenient" };
  yield escapedTier([text, ...blocks]);
  // A prompt that ends with the opening brace has it there, and the answer goes on from it.
  if (/^"[^"\n]*"\s*:/.test(text)) yield tierOf("lenient", [findJson(`{${text}`, "lenient")]);
}

/** The whole answer as text, number, truth value or null; objects and lists are looked for elsewhere. */
const plainTier = (text: string): Tier => {
  const plain = wholeJson(withoutLabel(text));
  return { values: plain === undefined ? [] : [plain.value], dialect: "strict", trouble: null };
};

const blockTier = (blocks: ReadonlyArray<string>): Tier => {
  const found = blocks.map((block): JsonFound => {
    const plain = wholeJson(block);
    return plain === undefined
      ? findJson(block, "strict")
      : { values: [plain.value], isAll: true, trouble: null };
  });
  return tierOf("strict", found);
};

/** Values one after another and nothing else are one list, as in JSON lines. */
const tierOf = (dialect: Dialect, found: ReadonlyArray<JsonFound>): Tier => ({
  values: found.flatMap(({ isAll, values }) => (isAll && values.length > 1 ? [values] : values)),
  dialect,
  trouble: found.map(({ trouble }) => trouble).reduce(worse, null),
});

/** JSON escaped as if for a string, without the quotes around it: `{\"a\":1}`. */
const escapedTier = (texts: ReadonlyArray<string>): Tier => {
  const found = texts.filter((text) => /[{[]\s*\\"/.test(text)).map(unescaped);
  return tierOf(
    "strict",
    found.flatMap((text) => (text === undefined ? [] : [findJson(text, "strict")])),
  );
};

const unescaped = (text: string): string | undefined => {
  const whole = wholeJson(`"${text.replaceAll("\r", "").replaceAll("\n", "\\n")}"`);
  return typeof whole?.value === "string" ? whole.value : undefined;
};

const once = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined;
  return () => (made ??= { value: make() }).value;
};
