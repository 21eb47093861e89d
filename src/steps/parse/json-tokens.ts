/**
 * What JSON is made of beside strings and brackets: space, numbers, words. The strict dialect is RFC 8259;
 * the lenient one adds what models write by mistake: comments, Python's words, numbers such as `+1` and `.5`.
 */

export type Dialect = "strict" | "lenient";

/** A place in a text; readers move `at` past what they have read. */
export interface Cursor {
  readonly text: string;
  at: number;
}

/** What lies between two tokens. */
export interface Space {
  readonly hasLineBreak: boolean;
  /** What is wrong with a comment; null where nothing is. */
  readonly objection: string | null;
}

const strictSpace = /[ \t\n\r]*/y;
const lenientSpace = /\s*/y;
const comment = /\/\/[^\n]*|#[^\n]*|\/\*/y;

const match = (pattern: RegExp, { text, at }: Cursor): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

/** Passes over space, in the lenient dialect over comments too. */
export const passSpace = (cursor: Cursor, dialect: Dialect): Space => {
  const start = cursor.at;
  let objection: string | null = null;
  while (true) {
    cursor.at += match(dialect === "strict" ? strictSpace : lenientSpace, cursor)?.length ?? 0;
    const opening = dialect === "strict" ? undefined : match(comment, cursor);
    if (opening === undefined) break;
    const end = opening === "/*" ? cursor.text.indexOf("*/", cursor.at + 2) : -1;
    const length = opening === "/*" ? (end < 0 ? Infinity : end + 2 - cursor.at) : opening.length;
    const from = cursor.at;
    cursor.at = Math.min(cursor.at + length, cursor.text.length);
    objection ??= objectionTo(cursor.text.slice(from, cursor.at));
  }
  return { hasLineBreak: cursor.text.slice(start, cursor.at).includes("\n"), objection };
};

/** Quotes in it may be the end of a text that it is part of: `"a 12" # 3 bottle"`. */
const objectionTo = (words: string): string | null => {
  if (/\.\.\.|…/.test(words)) return "a comment says that something is left out";
  return /["`“”]|(?<!\p{L})'|'(?!\p{L})/u.test(words)
    ? "a comment that may be part of a text"
    : null;
};

const strictNumber = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const lenientNumber = /[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const strictWord = /true|false|null/y;
const lenientWord = /[A-Za-z]+/y;

const words: ReadonlyMap<string, string> = new Map([
  ...["true", "True", "TRUE"].map((word) => [word, "true"] as const),
  ...["false", "False", "FALSE"].map((word) => [word, "false"] as const),
  ...["null", "Null", "NULL", "None"].map((word) => [word, "null"] as const),
]);

/** A number or one of the words for true, false and null, as strict JSON; undefined where there is none. */
export const readAtom = (cursor: Cursor, dialect: Dialect): string | undefined => {
  const strict = match(strictNumber, cursor) ?? match(strictWord, cursor);
  if (dialect === "strict") {
    cursor.at += strict?.length ?? 0;
    return strict;
  }
  const number = match(lenientNumber, cursor);
  if (number !== undefined) {
    cursor.at += number.length;
    return number === strict ? number : String(Number(number));
  }
  const word = match(lenientWord, cursor) ?? "";
  const atom = words.get(word);
  if (atom !== undefined) cursor.at += word.length;
  return atom;
};

const name = /[\p{L}_$][\p{L}\p{N}_$-]*/uy;

/** A key without quotes, as strict JSON. */
export const readName = (cursor: Cursor): string | undefined => {
  const found = match(name, cursor);
  cursor.at += found?.length ?? 0;
  return found === undefined ? undefined : JSON.stringify(found);
};
