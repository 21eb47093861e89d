/** Users' values on their way into a model's request: plain JSON, with assets still as references. */
import { Effect, Schema } from "effect";
import { Asset } from "../../steps/asset.ts";

/** The value as JSON. Throws where it is not one, naming what it is; absent fields are left out. */
export const toJson = (request: Record<string, unknown>): Schema.JsonObject =>
  Object.fromEntries(
    Object.entries(request)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, jsonAt(key, value)]),
  );

const isJson = Schema.is(Schema.Json);

const jsonAt = (key: string, value: unknown): Schema.Json => {
  if (isJson(value)) return value;
  throw new TypeError(`the request's field "${key}" is not JSON: ${typeof value}`);
};

export const isAsset = Schema.is(Asset.Any);

/** The object with every matching value in it, however deep, replaced. */
export const mapJson = <A, E>(
  object: Schema.JsonObject,
  matches: (value: unknown) => value is A,
  replace: (value: A) => Effect.Effect<Schema.Json, E>,
): Effect.Effect<Schema.JsonObject, E> => {
  const walk = (value: Schema.Json): Effect.Effect<Schema.Json, E> => {
    if (matches(value)) return replace(value);
    if (typeof value !== "object" || value === null) return Effect.succeed(value);
    return isList(value) ? Effect.forEach(value, walk) : walkObject(value);
  };
  const walkObject = (parent: Schema.JsonObject): Effect.Effect<Schema.JsonObject, E> =>
    Effect.map(
      Effect.forEach(Object.entries(parent), ([key, value]) =>
        Effect.map(walk(value), (next) => [key, next] as const),
      ),
      (pairs) => Object.fromEntries(pairs),
    );
  return walkObject(object);
};

/** Array.isArray does not narrow readonly arrays. */
const isList = (value: Schema.JsonArray | Schema.JsonObject): value is Schema.JsonArray =>
  Array.isArray(value);
