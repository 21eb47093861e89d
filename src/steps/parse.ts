/**
 * From a model's normalised output to the value its step's output schema decodes. What models add or get
 * wrong is accepted where the value is certain, and refused, for `repair` to ask again, where it would
 * have to be guessed: docs/parsing.md says which is which.
 */
import { Result, type Schema } from "effect";
import type { Issue } from "./failure.ts";
import { answerOf } from "./parse/answer.ts";
import { withoutThoughts } from "./parse/answer-text.ts";
import { fieldsIn } from "./parse/fields.ts";
import { type OutputSchema, shapeOf } from "./parse/schema-shape.ts";

/** Takes the output as normalised by the model's own schema (text joined, files replaced by assets). */
export type Parse = (output: Schema.Json) => Result.Result<unknown, ReadonlyArray<Issue>>;

const problem = (message: string): Result.Result<never, ReadonlyArray<Issue>> =>
  Result.fail([{ path: "", message }]);

const text: Parse = (output) => {
  if (typeof output !== "string") return problem(`expected text, got ${kindOfJson(output)}`);
  return Result.flatMap(withoutThoughts(output), (said) =>
    said === "" ? problem("expected text, got an empty answer") : Result.succeed(said),
  );
};

const isAsset = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "sha256" in value;

const file: Parse = (output) => {
  const first: unknown = Array.isArray(output) ? output[0] : output;
  return isAsset(first)
    ? Result.succeed(first)
    : problem(`expected a file, got ${kindOfJson(output)}`);
};

const fields = (schema: OutputSchema): Parse => {
  const shape = shapeOf(schema);
  if (shape.fields.length === 0)
    throw new TypeError("Parse.fields: expected a schema of an object with named fields");
  return (output) => {
    if (typeof output !== "string") return problem(`expected text, got ${kindOfJson(output)}`);
    return Result.flatMap(withoutThoughts(output), (said) => fieldsIn(said, shape).result);
  };
};

const kindOfJson = (value: Schema.Json): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
};

const parseFor = (schema: OutputSchema): Parse => {
  const shape = shapeOf(schema);
  if (shape.kind === "text") return text;
  return shape.kind === "file" ? file : (output) => answerOf(output, shape);
};

export const Parse = {
  /**
   * The parser of a step that names none: text for string schemas, the file for assets; for everything
   * else the JSON that the schema decodes, and for an object labelled lines where there is no JSON.
   */
  for: parseFor,
  /** Trimmed text, without the thoughts before it; an empty answer is an issue. */
  text,
  /** The JSON in an answer, whatever it is: bare, in a fenced block, or with words around it. */
  json: (output: Schema.Json) => answerOf(output, null),
  /**
   * Labelled lines, a field of the schema each: `Headline: …`, `- **tone:** …`, `## Scene`, tables and
   * tags. Throws TypeError where the schema is of no object with named fields.
   */
  fields,
  /** The first file of the answer, already copied into our store. */
  file,
  /** The normalised output as it is. */
  none: (output: Schema.Json) => Result.succeed(output),
} as const;
