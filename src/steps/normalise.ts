/**
 * A model's raw output as its step reads it: token lists joined, files replaced by our own assets. What
 * a value means is read from the model's output schema, never guessed where there is one.
 *
 * Without a schema (or below a part of it that says nothing) the rule is: a string that is as a whole an
 * http, https or data URL is a file; everything else stays as it is. Nothing is joined then, because a
 * list of strings may as well be a list of labels.
 */
import type { Schema } from "effect";
import type { Asset } from "./asset.ts";
import type { ModelSchema } from "./model-client.ts";

/** The URLs of the files in an output, each once, in order: what settlement copies. */
export const filesIn = (schema: ModelSchema | null, output: Schema.Json): ReadonlyArray<string> => {
  const urls = new Set<string>();
  visit(positionOf(schema), output, (url) => {
    urls.add(url);
    return url;
  });
  return [...urls];
};

/**
 * The output with text joined and files replaced by the assets they were copied to. Null stays null, and
 * a URL that is not among `files` stays a string: parsing refuses both where a value is due.
 */
export const normaliseOutput = (
  schema: ModelSchema | null,
  output: Schema.Json,
  files: ReadonlyMap<string, Asset>,
): Schema.Json => visit(positionOf(schema), output, (url) => files.get(url) ?? url);

/**
 * True where the output is one text, or a list whose parts make one: what a model with a list of files or
 * labels sends piece by piece is no text. Where nothing is known of the output it may be one.
 */
export const isTextOutput = (schema: ModelSchema | null): boolean => {
  const branches = branchesOf(positionOf(schema));
  if (branches.some(isConcatenated) || !branches.some(saysSomething)) return true;
  return branches.some(isText) && !branches.some(isUri);
};

/** Where in a schema a value stands; `schema` null means that nothing is known of it. */
interface Position {
  readonly schema: unknown;
  readonly definitions: ModelSchema["definitions"];
}

type OnFile = (url: string) => Schema.Json;

const positionOf = (model: ModelSchema | null): Position => ({
  schema: model?.schema ?? null,
  definitions: model?.definitions ?? {},
});

const visit = (position: Position, value: Schema.Json, onFile: OnFile): Schema.Json => {
  const branches = branchesOf(position);
  if (typeof value === "string") return isFile(branches, value) ? onFile(value) : value;
  if (isList(value)) {
    if (branches.some(isConcatenated) && value.every((item) => typeof item === "string"))
      return value.join("");
    const items = below(position, branches, (fields) => fields["items"]);
    return value.map((item) => visit(items, item, onFile));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      visit(
        below(position, branches, (fields) => propertyOf(fields, key)),
        field,
        onFile,
      ),
    ]),
  );
};

type Fields = Readonly<Record<string, unknown>>;

const referencePrefix = "#/components/schemas/";

/**
 * The schemas a value may follow: the schema itself with `$ref`, `allOf`, `anyOf` and `oneOf` followed,
 * each once, so that references in circles come to an end.
 */
const branchesOf = ({ schema, definitions }: Position): ReadonlyArray<Fields> => {
  const branches = new Set<Fields>();
  const waiting: Array<unknown> = [schema];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (!isRecord(next) || branches.has(next)) continue;
    branches.add(next);
    const reference = next["$ref"];
    if (typeof reference === "string" && reference.startsWith(referencePrefix))
      waiting.push(definitions[reference.slice(referencePrefix.length)]);
    for (const key of ["allOf", "anyOf", "oneOf"]) {
      const parts: unknown = next[key];
      if (isList(parts)) waiting.push(...parts);
    }
  }
  return [...branches];
};

const saysSomething = (fields: Fields): boolean =>
  fields["type"] !== undefined || fields["enum"] !== undefined || fields["const"] !== undefined;

/** OpenAPI 3.1 has null among the types, 3.0 beside them as `nullable`. */
const isText = ({ type }: Fields): boolean =>
  type === "string" || (isList(type) && type.includes("string"));

const isUri = (fields: Fields): boolean => fields["format"] === "uri" && isText(fields);

const isConcatenated = (fields: Fields): boolean => fields["x-cog-array-display"] === "concatenate";

const isFile = (branches: ReadonlyArray<Fields>, text: string): boolean =>
  (branches.some(isUri) || !branches.some(saysSomething)) && isUrl(text);

/** A data URL has a comma before its data; without one, `data:` is only a word. */
const isUrl = (text: string): boolean =>
  /^(?:https?:\/\/\S|data:[^\s,]*,)\S*$/i.test(text) && URL.canParse(text);

/** Where an item or field of a value stands. */
const below = (
  { definitions }: Position,
  branches: ReadonlyArray<Fields>,
  childOf: (fields: Fields) => unknown,
): Position => {
  const found = branches.map(childOf).filter((child) => child !== undefined);
  return { schema: found.length === 0 ? null : { anyOf: found }, definitions };
};

const propertyOf = (fields: Fields, key: string): unknown => {
  const properties = fields["properties"];
  const own = isRecord(properties) ? properties[key] : undefined;
  return own ?? fields["additionalProperties"];
};

const isList = (value: unknown): value is Schema.JsonArray => Array.isArray(value);

const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isObject = (value: Schema.Json): value is Schema.JsonObject => isRecord(value);
