/** What stood where a schema expected something else: looked up in the answer or input as it was kept. */
import { Result } from "effect";
import type { Schema } from "effect";
import { Parse } from "../../steps/parse.ts";

/** The value at a dotted path as JSON; `nothing` where there is none. Null where the text is no JSON at all. */
export const receivedAt = (answer: Schema.Json, path: string): string | null => {
  const value = path === "" ? answer : readable(answer);
  if (value === undefined) return null;
  const found = path === "" ? value : at(value, path.split("."));
  return found === undefined ? "nothing" : JSON.stringify(found);
};

/** Models answer in text, some in pieces: what a step would have read from it. */
const readable = (answer: Schema.Json): unknown => {
  const pieces: ReadonlyArray<unknown> = Array.isArray(answer) ? answer : [];
  const isText = pieces.length > 0 && pieces.every((piece) => typeof piece === "string");
  const parsed = Parse.json(isText ? pieces.join("") : answer);
  return Result.isSuccess(parsed) ? parsed.success : undefined;
};

const at = (value: unknown, [first, ...rest]: ReadonlyArray<string>): unknown => {
  if (first === undefined) return value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, first)) return undefined;
  return at(Reflect.get(value, first), rest);
};

/** The answer in lines: text as it is, everything else as indented JSON. */
export const answerLines = (answer: Schema.Json): ReadonlyArray<string> => {
  const pieces: ReadonlyArray<unknown> = Array.isArray(answer) ? answer : [];
  const isText = pieces.length > 0 && pieces.every((piece) => typeof piece === "string");
  const text = isText ? pieces.join("") : answer;
  return (typeof text === "string" ? text : JSON.stringify(text, null, 2)).split("\n");
};
