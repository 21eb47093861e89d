/**
 * Checks a request against the schema a model publishes of its input, before anything is paid: a wrong
 * field is named here instead of in a provider's refusal, or in a bill for something else.
 */
import { JsonSchema, Option, Result, Schema, type SchemaIssue, SchemaRepresentation } from "effect";
import type { Issue } from "./failure.ts";
import type { ModelSchema } from "./model-client.ts";
import { issuesOf } from "./schema-issues.ts";

/** `Skipped` says that nothing was checked, and why, so that the caller can say so too. */
export type RequestCheck =
  | {
      readonly _tag: "Checked";
      readonly issues: ReadonlyArray<Issue>;
      /** Fields whose own schema says what cannot be checked here; the provider still does. */
      readonly unchecked: ReadonlyArray<string>;
    }
  | { readonly _tag: "Skipped"; readonly reason: string };

type FieldCheck = (value: unknown) => ReadonlyArray<SchemaIssue.Issue>;

interface CompiledInput {
  readonly fields: ReadonlyMap<string, FieldCheck | null>;
  readonly required: ReadonlyArray<string>;
  readonly isOpen: boolean;
}

/**
 * The issues of a request, each with the dotted path of its field. An asset may stand wherever the model
 * takes a URI, a null nowhere: providers refuse it, and leaving the field out means the same.
 */
export const checkRequest = (
  input: ModelSchema | null,
  request: Readonly<Record<string, unknown>>,
): RequestCheck => {
  if (input === null) return skipped("the model publishes no schema of its input");
  const compiled = compiledOf(input);
  if (compiled === null) return skipped("the schema of the model's input names no fields");
  const missing = compiled.required
    .filter((name) => request[name] === undefined)
    .map((name) => ({ path: name, message: "is required" }));
  const wrong = Object.entries(request)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => fieldIssues(compiled, name, value));
  const unchecked = Object.keys(request).filter((name) => compiled.fields.get(name) === null);
  return { _tag: "Checked", issues: [...missing, ...wrong], unchecked };
};

const skipped = (reason: string): RequestCheck => ({ _tag: "Skipped", reason });

const fieldIssues = (
  compiled: CompiledInput,
  name: string,
  value: unknown,
): ReadonlyArray<Issue> => {
  const check = compiled.fields.get(name);
  if (check === undefined) return compiled.isOpen ? [] : [unknownField(compiled, name)];
  if (value === null)
    return [{ path: name, message: "must not be null: leave the field out instead" }];
  return check === null ? [] : check(value).flatMap((issue) => issuesOf(issue, name));
};

const unknownField = ({ fields }: CompiledInput, name: string): Issue => ({
  path: name,
  message: `is not a field of the model; it takes: ${[...fields.keys()].join(", ")}`,
});

/** Compiled once for as long as the description lives; descriptions are cached by their client. */
const compiledInputs = new WeakMap<ModelSchema, CompiledInput | null>();

const compiledOf = (input: ModelSchema): CompiledInput | null => {
  const known = compiledInputs.get(input);
  if (known !== undefined) return known;
  const compiled = compile(input);
  compiledInputs.set(input, compiled);
  return compiled;
};

const decodeInput = Schema.decodeUnknownOption(
  Schema.Struct({
    properties: Schema.Record(Schema.String, Schema.JsonObject),
    required: Schema.optionalKey(Schema.Array(Schema.String)),
    additionalProperties: Schema.optionalKey(Schema.Json),
  }),
);

const compile = ({ schema, definitions }: ModelSchema): CompiledInput | null => {
  const input = Option.getOrNull(decodeInput(schema));
  if (input === null) return null;
  const referable = {
    ...converted(definitions),
    [assetDefinition]: { type: "object", required: ["sha256"] },
  };
  const { properties, required = [], additionalProperties: others = false } = input;
  const fields = Object.entries(properties).map(
    ([name, property]) => [name, fieldCheck(property, referable)] as const,
  );
  return { fields: new Map(fields), required, isOpen: others !== false };
};

const converted = (definitions: ModelSchema["definitions"]): JsonSchema.Definitions =>
  Object.fromEntries(
    Object.entries(definitions).flatMap(([name, definition]) => {
      const document = attempt(() => JsonSchema.fromSchemaOpenApi3_0(definition));
      return document === null ? [] : [[name, document.schema] as const];
    }),
  );

/** Null where the field's schema uses what Effect cannot import: one odd field must not hide the others. */
const fieldCheck = (
  property: JsonSchema.JsonSchema,
  definitions: JsonSchema.Definitions,
): FieldCheck | null =>
  attempt(() => {
    const document = { ...JsonSchema.fromSchemaOpenApi3_0(property), definitions };
    // Patterns would run a provider's regular expressions over a user's text; the provider checks them.
    const schema = SchemaRepresentation.fromJsonSchemaDocument(document, {
      patterns: "ignore",
      onEnter: readable(definitions),
    });
    const decode = Schema.decodeUnknownResult(Schema.make<Schema.Codec<unknown>>(schema.ast), {
      errors: "all",
    });
    return (value) =>
      Result.match(decode(value), { onFailure: ({ issue }) => [issue], onSuccess: () => [] });
  });

/** The importer throws for what it does not support. */
const attempt = <A>(make: () => A): A | null => {
  try {
    return make();
  } catch {
    return null;
  }
};

const definitionPrefix = "#/$defs/";
const assetDefinition = "AssetReference";

/** A URI may be text or one of our assets; what the text holds is the provider's to judge. */
const uriOrAsset: JsonSchema.JsonSchema = {
  anyOf: [{ type: "string" }, { $ref: `${definitionPrefix}${assetDefinition}` }],
};

/** A choice is written out where it is referred to, so that messages say what is allowed, not its name. */
const readable =
  (definitions: JsonSchema.Definitions) =>
  (schema: JsonSchema.JsonSchema): JsonSchema.JsonSchema => {
    if (schema["type"] === "string" && schema["format"] === "uri") return uriOrAsset;
    const { $ref } = schema;
    const name = typeof $ref === "string" ? $ref.slice(definitionPrefix.length) : "";
    const target = definitions[name];
    return withoutTitle(target?.["enum"] === undefined ? schema : target);
  };

const withoutTitle = ({ title: _, ...schema }: JsonSchema.JsonSchema): JsonSchema.JsonSchema =>
  schema;
