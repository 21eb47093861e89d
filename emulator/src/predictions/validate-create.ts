/**
 * Checks a create request as the provider does before anything runs: unknown top-level fields and explicit nulls are
 * refused, the input must fit the model's published schema, and every wrong field is named.
 */
import { isJsonObject, type JsonObject } from "../json.ts";
import { inputFields } from "../models/catalog.ts";
import type { Model } from "../models/model.ts";
import type { InvalidField } from "../http/problems.ts";
import type { WebhookEvent } from "./prediction.ts";

const TOP_LEVEL = ["version", "input", "webhook", "webhook_events_filter", "stream"];
const EVENTS: readonly unknown[] = [
  "start",
  "output",
  "logs",
  "completed",
] satisfies readonly WebhookEvent[];

/** All problems of the body outside of `input`. */
export function topLevelProblems(body: JsonObject): readonly InvalidField[] {
  const unknown = Object.keys(body)
    .filter((key) => !TOP_LEVEL.includes(key))
    .map((key) => notAllowed("", key));
  const input = body["input"];
  const wrongInput = isJsonObject(input) ? [] : [invalidType("input", "object", input)];
  return [...unknown, ...wrongInput, ...webhookProblems(body)];
}

/** All problems of an input for this model. */
export function inputProblems(model: Model, input: JsonObject): readonly InvalidField[] {
  const fields = inputFields(model);
  const required = model.schemas["Input"]?.["required"];
  const missing = (Array.isArray(required) ? required : [])
    .filter((name) => !Object.hasOwn(input, String(name)))
    .map(
      (name): InvalidField => ({
        type: "required",
        field: "input",
        description: `${String(name)} is required`,
      }),
    );
  const wrong = Object.entries(input).flatMap(([name, value]) => {
    const schema = fields[name];
    return schema === undefined
      ? [notAllowed("input.", name)]
      : valueProblems(resolve(model, schema), `input.${name}`, value);
  });
  return [...missing, ...wrong, ...unsupported(model, input)];
}

function valueProblems(schema: JsonObject, field: string, value: unknown): readonly InvalidField[] {
  const expected = String(schema["type"]);
  if (!hasType(expected, value)) return [invalidType(field, expected, value)];
  const { enum: allowed, minimum, maximum, format } = schema;
  const problem = (type: string, description: string): readonly InvalidField[] => [
    { type, field, description },
  ];
  if (Array.isArray(allowed) && !allowed.includes(value)) {
    const list = allowed.map((item) => JSON.stringify(item)).join(", ");
    return problem("enum", `${field} must be one of the following: ${list}`);
  }
  if (typeof minimum === "number" && Number(value) < minimum)
    return problem("number_gte", `Must be greater than or equal to ${minimum}`);
  if (typeof maximum === "number" && Number(value) > maximum)
    return problem("number_lte", `Must be less than or equal to ${maximum}`);
  return format === "uri" && !URL.canParse(String(value))
    ? problem("format", "Does not match format 'uri'")
    : [];
}

/** What the toys cannot do is refused with its field's name, never answered with something else under its label. */
function unsupported(model: Model, input: JsonObject): readonly InvalidField[] {
  const format = input["output_format"];
  if (model.kind !== "painter" || (format !== "webp" && format !== "jpg")) return [];
  return [
    {
      type: "emulator_unsupported",
      field: "input.output_format",
      description: `the emulator encodes png only, given: ${format}`,
    },
  ];
}

function webhookProblems({
  webhook,
  webhook_events_filter: filter,
}: JsonObject): readonly InvalidField[] {
  const problems: InvalidField[] = [];
  if (webhook !== undefined && !(typeof webhook === "string" && isAllowedWebhook(webhook))) {
    problems.push({
      type: "format",
      field: "webhook",
      description: "Must be an HTTPS URL (the emulator also takes http to loopback)",
    });
  }
  if (
    filter !== undefined &&
    !(Array.isArray(filter) && filter.every((event) => EVENTS.includes(event)))
  ) {
    problems.push({
      type: "enum",
      field: "webhook_events_filter",
      description: `Must be a list of: ${EVENTS.join(", ")}`,
    });
  }
  return problems;
}

function isAllowedWebhook(webhook: string): boolean {
  const url = URL.canParse(webhook) ? new URL(webhook) : undefined;
  if (url?.protocol === "https:") return true;
  return url?.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
}

function resolve(model: Model, schema: JsonObject): JsonObject {
  const reference: unknown = Array.isArray(schema["allOf"]) ? schema["allOf"][0] : undefined;
  const name = isJsonObject(reference) ? String(reference["$ref"]).split("/").at(-1) : undefined;
  return (name === undefined ? undefined : model.schemas[name]) ?? schema;
}

function hasType(expected: string, value: unknown): boolean {
  if (expected === "integer") return Number.isInteger(value);
  if (expected === "number") return typeof value === "number";
  if (expected === "boolean") return typeof value === "boolean";
  return typeof value === "string";
}

function invalidType(field: string, expected: string, value: unknown): InvalidField {
  return {
    type: "invalid_type",
    field,
    description: `Invalid type. Expected: ${expected}, given: ${typeName(value)}`,
  };
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function notAllowed(parent: string, key: string): InvalidField {
  return {
    type: "additional_property_not_allowed",
    field: `${parent}${key}`,
    description: `Additional property ${key} is not allowed`,
  };
}
