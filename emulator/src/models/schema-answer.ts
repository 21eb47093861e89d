/**
 * A canned answer for whoever asks a language model for JSON of a schema of their own, which no toy has learned: the
 * JSON Schema is read out of the prompt, and the smallest value that fits it is the answer. Patterns are not read.
 */
import { isJsonObject, parseJson, type JsonObject } from "../json.ts";

/** What the copywriter writes by itself. */
const LEARNED = ["headline", "visual_direction", "tone"];
const KEYWORDS = ["type", "properties", "anyOf", "oneOf", "allOf", "enum", "const", "$ref"];
/** Recursive types end here. */
const MAXIMUM_DEPTH = 6;

/** JSON for the last schema that stands in the prompt on a line of its own; undefined where none does, or the copywriter knows the task. */
export function schemaAnswer(prompt: string): string | undefined {
  const schema = prompt
    .split("\n")
    .flatMap((line) => (line.trimStart().startsWith("{") ? [parseJson(line)] : []))
    .filter(isJsonObject)
    .findLast((found) => KEYWORDS.some((keyword) => keyword in found));
  if (schema === undefined || isLearned(schema)) return undefined;
  return JSON.stringify(valueOf(schema, { root: schema, name: "answer", depth: 0 }));
}

function isLearned({ properties }: JsonObject): boolean {
  if (!isJsonObject(properties)) return false;
  const names = Object.keys(properties);
  return names.length > 0 && names.every((name) => LEARNED.includes(name));
}

interface Place {
  readonly root: JsonObject;
  /** Of the property, for texts that say where they belong. */
  readonly name: string;
  readonly depth: number;
}

function valueOf(given: unknown, place: Place): unknown {
  const schema = resolved(given, place);
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"])) return schema["enum"][0];
  const { anyOf, oneOf, ...beside } = schema;
  const choices = [anyOf, oneOf].find(Array.isArray);
  if (choices !== undefined) {
    const all = choices.map((choice) => resolved(choice, place));
    const chosen = all.find((choice) => choice["type"] !== "null") ?? all[0];
    return valueOf({ ...beside, ...chosen }, { ...place, depth: place.depth + 1 });
  }
  const types = [schema["type"]].flat();
  const type = types.find((one) => one !== "null") ?? types[0];
  switch (type) {
    case "integer":
    case "number":
      return numberIn(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    case "array":
      return listOf(schema, place);
    case "string":
      return textOf(schema, place);
    default:
      return isJsonObject(schema["properties"]) || type === "object"
        ? objectOf(schema, place)
        : textOf(schema, place);
  }
}

/** With references followed, and the parts of `allOf` put together. */
function resolved(given: unknown, place: Place): JsonObject {
  if (!isJsonObject(given)) return {};
  const { $ref: reference, allOf, ...own } = given;
  const parts = Array.isArray(allOf) ? allOf.map((part) => resolved(part, place)) : [];
  const target = typeof reference === "string" ? resolved(at(reference, place.root), place) : {};
  return [target, own, ...parts].reduce((all, part) => ({ ...all, ...part }), {});
}

function at(reference: string, root: JsonObject): unknown {
  const names = reference.replace(/^#\//u, "").split("/");
  return names.reduce<unknown>(
    (found, name) => (isJsonObject(found) ? found[name.replaceAll("~1", "/")] : undefined),
    root,
  );
}

function objectOf({ properties, required }: JsonObject, place: Place): object {
  const wanted = Array.isArray(required) ? required : [];
  const depth = place.depth + 1;
  const fields = Object.entries(isJsonObject(properties) ? properties : {}).filter(
    ([name]) => depth < MAXIMUM_DEPTH || wanted.includes(name),
  );
  return Object.fromEntries(
    fields.map(([name, schema]) => [name, valueOf(schema, { ...place, name, depth })]),
  );
}

function listOf({ prefixItems, items, minItems }: JsonObject, place: Place): readonly unknown[] {
  const depth = place.depth + 1;
  const first: readonly unknown[] = Array.isArray(prefixItems) ? prefixItems : [];
  const least = countOf(minItems) ?? (depth < MAXIMUM_DEPTH && isJsonObject(items) ? 1 : 0);
  const more = Array.from({ length: Math.max(0, least - first.length) }, () => items);
  return [...first, ...more].map((schema) => valueOf(schema, { ...place, depth }));
}

function numberIn(schema: JsonObject): number {
  const [least, above] = [countOf(schema["minimum"]), countOf(schema["exclusiveMinimum"])];
  const [most, below] = [countOf(schema["maximum"]), countOf(schema["exclusiveMaximum"])];
  const low = least ?? above ?? 0;
  const high = most ?? below ?? low + 2;
  const fits = (value: number): boolean =>
    (least === undefined || value >= least) &&
    (above === undefined || value > above) &&
    (most === undefined || value <= most) &&
    (below === undefined || value < below) &&
    (schema["type"] !== "integer" || Number.isInteger(value));
  return [1, low, low + 1, high, high - 1, (low + high) / 2].find(fits) ?? low;
}

function textOf({ format, minLength, maxLength }: JsonObject, { name }: Place): string {
  if (format === "date-time") return "2026-01-01T00:00:00.000Z";
  if (format === "date") return "2026-01-01";
  const text = `An emulated ${name.replaceAll(/[_-]/gu, " ")}`;
  // JSON Schema counts characters; whoever counts the halves of wide ones asks for half as many.
  const least = 2 * (countOf(minLength) ?? 0);
  return text.padEnd(least, ".").slice(0, countOf(maxLength) ?? Infinity);
}

function countOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
