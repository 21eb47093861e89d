/** What stood where a schema expected something else: looked up in the answer or input as it was kept. */
import { Result } from "effect";
import type { Schema } from "effect";
import { Parse } from "../../steps/parse.ts";

/** The value at a dotted path of an input, as JSON; `nothing` where there is none. */
export const receivedAt = (input: unknown, path: string): string => {
  const found = path === "" ? input : at(input, path.split("."));
  return found === undefined ? "nothing" : JSON.stringify(found);
};

/** As `receivedAt`, of a model's answer. Null where the path leads into a text that is no JSON at all. */
export const answeredAt = (answer: Schema.Json, path: string): string | null => {
  const value = path === "" ? joined(answer) : readable(answer);
  return value === undefined ? null : receivedAt(value, path);
};

/** Models answer in text, some in pieces: what a step would have read from it. */
const readable = (answer: Schema.Json): unknown => {
  const parsed = Parse.json(joined(answer));
  return Result.isSuccess(parsed) ? parsed.success : undefined;
};

const joined = (answer: Schema.Json): Schema.Json => {
  const pieces: ReadonlyArray<unknown> = Array.isArray(answer) ? answer : [];
  const isText = pieces.length > 0 && pieces.every((piece) => typeof piece === "string");
  return isText ? pieces.join("") : answer;
};

const at = (value: unknown, [first, ...rest]: ReadonlyArray<string>): unknown => {
  if (first === undefined) return value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, first)) return undefined;
  return at(Reflect.get(value, first), rest);
};

/** The answer in lines: text as it is, everything else as indented JSON. */
export const answerLines = (answer: Schema.Json): ReadonlyArray<string> => {
  const text = joined(answer);
  return (typeof text === "string" ? text : JSON.stringify(text, null, 2)).split("\n");
};
