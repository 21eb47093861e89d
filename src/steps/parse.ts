/** From a model's normalised output to the value its step's output schema decodes: strict, never guessing. */
import { Result, Schema, SchemaAST } from "effect";
import type { Issue } from "./failure.ts";

/** Takes the output as normalised by the model's own schema (text joined, files replaced by assets). */
export type Parse = (output: Schema.Json) => Result.Result<unknown, ReadonlyArray<Issue>>;

const problem = (message: string): Result.Result<never, ReadonlyArray<Issue>> =>
  Result.fail([{ path: "", message }]);

const text: Parse = (output) => {
  if (typeof output !== "string") return problem(`expected text, got ${kindOfJson(output)}`);
  const trimmed = output.trim();
  return trimmed === "" ? problem("expected text, got an empty answer") : Result.succeed(trimmed);
};

/** A fenced block anywhere in the answer; models like to wrap JSON in one. */
const fence = /```(?:json)?\s*\n([\s\S]*?)\n?```/i;

const json: Parse = (output) => {
  if (typeof output !== "string") return Result.succeed(output);
  const answer = output.trim();
  if (answer === "") return problem("expected JSON, got an empty answer");
  // Bare first: a text value may hold braces or a fence, and is no less itself for it.
  const candidates = [answer, fence.exec(answer)?.[1]?.trim(), enclosed(answer)];
  const read = candidates.filter((candidate) => candidate !== undefined).map(readJson);
  return read.find(Result.isSuccess) ?? read[1] ?? readJson(answer);
};

const readJson = (candidate: string): Result.Result<unknown, ReadonlyArray<Issue>> => {
  try {
    const value: unknown = JSON.parse(candidate);
    return Result.succeed(value);
  } catch (error) {
    return problem(`expected JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** The outermost object or array of an answer with words around it. */
const enclosed = (answer: string): string | undefined => {
  const start = answer.search(/[{[]/);
  if (start < 0) return undefined;
  const end = answer.lastIndexOf(answer[start] === "{" ? "}" : "]");
  return end > start ? answer.slice(start, end + 1) : undefined;
};

const isAsset = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "sha256" in value;

const file: Parse = (output) => {
  const first: unknown = Array.isArray(output) ? output[0] : output;
  return isAsset(first)
    ? Result.succeed(first)
    : problem(`expected a file, got ${kindOfJson(output)}`);
};

const kindOfJson = (value: Schema.Json): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
};

export const Parse = {
  /** Trimmed text; an empty answer is an issue. */
  text,
  /** The JSON in an answer: bare, in a fenced block, or with words around it. */
  json,
  /** The first file of the answer, already copied into our store. */
  file,
  /** The normalised output as it is. */
  none: (output: Schema.Json) => Result.succeed(output),
} as const;

/** Text for string schemas, the file for assets, JSON for everything else. */
export const defaultParse = (schema: Schema.Top): Parse => {
  const encoded = SchemaAST.toEncoded(schema.ast);
  if (SchemaAST.isString(encoded)) return text;
  const isFile =
    SchemaAST.isObjects(encoded) &&
    encoded.propertySignatures.some((property) => property.name === "sha256");
  return isFile ? file : json;
};
