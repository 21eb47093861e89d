/** Why no value could be read, as data: an issue with its path, and whether the text simply ended too early. */
import type { Issue } from "../failure.ts";

export interface Trouble {
  readonly issue: () => Issue;
  /** The text ends inside the value: what is there may be right, but it is not all. */
  readonly isCutOff: boolean;
  /** More than a bracket was read, so that the text meant to be JSON. */
  readonly hasContent: boolean;
  /** Where another value may begin; null where whatever follows is still inside this one. */
  readonly resumeAt: number | null;
}

/** What speaks most of JSON: a value that is cut off, else a broken one. A lone bracket is prose, or a face. */
export const worse = (one: Trouble | null, other: Trouble | null): Trouble | null =>
  one === null || (other !== null && weight(other) > weight(one)) ? other : one;

const weight = ({ isCutOff, hasContent }: Trouble): number => (hasContent ? (isCutOff ? 2 : 1) : 0);

const excerptLength = 60;

/** The beginning of a text in quotes, in one line, for a sentence. */
export const excerpt = (text: string): string => {
  const start = text.trimStart().slice(0, excerptLength + 1);
  return start.length > excerptLength
    ? `${JSON.stringify(start.slice(0, excerptLength)).slice(0, -1)}…"`
    : JSON.stringify(start.trimEnd());
};

export const cutOff = (path: string, what: string): Issue => ({
  path,
  message: `the answer looks cut off: ${what}`,
});
