/** The JSON in a text, wherever it stands: every outermost object and list, in order, in one pass. */
import { readJson } from "./json-reader.ts";
import type { Dialect } from "./json-tokens.ts";
import { type Trouble, worse } from "./trouble.ts";

export interface JsonFound {
  readonly values: ReadonlyArray<unknown>;
  /** The text is nothing but these values, one after another. */
  readonly isAll: boolean;
  /** The worst of what could not be read. */
  readonly trouble: Trouble | null;
}

export const findJson = (text: string, dialect: Dialect): JsonFound => {
  const bracket = /[{[]/g;
  const values: Array<unknown> = [];
  let isAll = true;
  let trouble: Trouble | null = null;
  let at: number | null = 0;
  while (at !== null) {
    bracket.lastIndex = at;
    const start = bracket.exec(text)?.index;
    isAll &&= /^[\s,]*$/.test(text.slice(at, start));
    if (start === undefined) break;
    const read = readJson(text, start, dialect);
    if ("json" in read) {
      values.push(JSON.parse(read.json));
      at = read.end;
    } else {
      isAll = false;
      trouble = worse(trouble, read);
      at = read.resumeAt;
    }
  }
  return { values, isAll, trouble };
};

/** The value that the text is as a whole; undefined where it is none. */
export const wholeJson = (text: string): { readonly value: unknown } | undefined => {
  if (/^\s*[{[]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
};
