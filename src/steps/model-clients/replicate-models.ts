/** How Replicate names models, and the schemas a model publishes of itself. */
import { Option, Schema } from "effect";
import type { JsonSchema } from "effect";
import type { ModelDescription, ModelSchema } from "../model-client.ts";

/** `owner/name`, `owner/name:version`, or a bare version id. */
export interface ModelName {
  readonly path: string | null;
  readonly version: string | null;
}

// A segment of dots would climb to another route.
const pattern = /^(?<path>[a-z0-9][\w.-]*\/[a-z0-9][\w.-]*)(?::(?<version>[a-z0-9][\w.-]*))?$/i;
const versionPattern = /^[0-9a-f]{64}$/;

/** None where the text names no model. */
export const parseModelName = (model: string): Option.Option<ModelName> => {
  if (versionPattern.test(model)) return Option.some({ path: null, version: model });
  const { path, version } = pattern.exec(model)?.groups ?? {};
  return path === undefined ? Option.none() : Option.some({ path, version: version ?? null });
};

/**
 * Where a prediction of the model is created. A bare name goes to the model's own route: only that one
 * is seen in recorded answers and used by the official client, while `version: "owner/name"` is known
 * from documentation alone. Both serve official models only; a community model needs its version.
 */
export const createRoute = ({ path, version }: ModelName): string =>
  version === null ? `/models/${path}/predictions` : "/predictions";

/** Where the schemas stand; null for a bare version id, which the API cannot look up. */
export const describeRoute = ({ path, version }: ModelName): string | null => {
  if (path === null) return null;
  return version === null ? `/models/${path}` : `/models/${path}/versions/${version}`;
};

const Version = Schema.Struct({
  id: Schema.optionalKey(Schema.NullOr(Schema.String)),
  openapi_schema: Schema.optionalKey(Schema.Json),
});
const Model = Schema.Struct({ latest_version: Schema.optionalKey(Schema.NullOr(Version)) });
const OpenApi = Schema.Struct({
  components: Schema.Struct({ schemas: Schema.Record(Schema.String, Schema.JsonObject) }),
});

const decodeModel = Schema.decodeUnknownOption(Model);
const decodeVersion = Schema.decodeUnknownOption(Version);
const decodeOpenApi = Schema.decodeUnknownOption(OpenApi);

/** A description without schemas, for a model that cannot be looked up. */
export const unknownDescription = (model: string, version: string | null): ModelDescription => ({
  model,
  version,
  input: null,
  output: null,
});

/** None where the answer is neither a model nor a version. */
export const readDescription = (
  model: string,
  name: ModelName,
  body: Schema.Json,
): Option.Option<ModelDescription> => {
  const version =
    name.version === null
      ? Option.map(decodeModel(body), ({ latest_version }) => latest_version ?? {})
      : decodeVersion(body);
  return Option.map(version, ({ id, openapi_schema }) => {
    const schemas = Option.match(decodeOpenApi(openapi_schema), {
      onNone: () => ({}),
      onSome: ({ components }) => components.schemas,
    });
    return {
      model,
      version: id ?? name.version,
      input: modelSchema("Input", schemas),
      output: modelSchema("Output", schemas),
    };
  });
};

const modelSchema = (
  name: "Input" | "Output",
  definitions: Readonly<Record<string, JsonSchema.JsonSchema>>,
): ModelSchema | null => {
  const schema = definitions[name];
  return schema === undefined ? null : { schema, definitions };
};
