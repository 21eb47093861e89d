/**
 * Requests made from an OpenAPI document and chance: for every operation that it describes, as described, and
 * spoilt in some place or other. What a service adds to its description is asked for by itself.
 */
import { Arbitrary, Effect, JsonSchema, Schema, SchemaRepresentation } from "effect";
import type { Chance } from "../../../reliability/simulation/chance.ts";

const Parameter = Schema.Struct({
  name: Schema.String,
  in: Schema.Literals(["path", "query", "header"]),
  schema: Schema.JsonObject,
});
const Operation = Schema.Struct({
  parameters: Schema.Array(Parameter),
  requestBody: Schema.optionalKey(
    Schema.Struct({
      content: Schema.Record(Schema.String, Schema.Struct({ schema: Schema.JsonObject })),
    }),
  ),
  responses: Schema.Record(Schema.String, Schema.Unknown),
});
const Document = Schema.Struct({
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Operation)),
  components: Schema.Struct({ schemas: Schema.Record(Schema.String, Schema.JsonObject) }),
});

export interface DescribedOperation {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly parameters: ReadonlyArray<typeof Parameter.Type>;
  readonly body: { readonly type: string; readonly samples: ReadonlyArray<unknown> } | null;
  /** The statuses it may answer with. */
  readonly statuses: ReadonlySet<number>;
}

/** Every operation of the document, with samples of its body drawn from the seed. */
export const operationsIn = (
  document: unknown,
  seed: number,
): ReadonlyArray<DescribedOperation> => {
  const { paths, components } = Schema.decodeUnknownSync(Document)(document);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody, responses }]) => {
      const [type, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
      const body =
        type === undefined || content === undefined
          ? null
          : { type, samples: samplesOf(content.schema, components.schemas, seed) };
      const statuses = new Set(Object.keys(responses).map(Number));
      return { method: method.toUpperCase(), path, parameters, body, statuses };
    }),
  );
};

type Schemas = Readonly<Record<string, Schema.JsonObject>>;

const samplesOf = (
  schema: Schema.JsonObject,
  components: Schemas,
  seed: number,
): ReadonlyArray<unknown> => {
  if (schema["format"] === "binary") return ["%PDF-1.7 a paper", "", "<html>", "\u0000\u0001"];
  const definitions = Object.fromEntries(
    Object.entries(components).map(([name, each]) => [
      name,
      JsonSchema.fromSchemaOpenApi3_1(each).schema,
    ]),
  );
  const { ast } = SchemaRepresentation.fromJsonSchemaDocument({
    ...JsonSchema.fromSchemaOpenApi3_1(schema),
    definitions,
  });
  const made = Arbitrary.schema(Schema.make<Schema.Codec<unknown>>(ast));
  return Effect.runSync(Arbitrary.sampleEffect(made, { seed, count: 40, size: 6 }));
};

/** What no parameter expects. */
const awkward = [
  "",
  "..",
  "%2f..%2f",
  "%",
  "null",
  "-1",
  "99999999999999999999",
  "a".repeat(3_000),
  "'; DROP TABLE jobs; --",
  "<script>1</script>",
  "__proto__",
  "\u00e9\u00ff",
];

/** What some parameters expect, whoever describes them as any text. */
const likely: Readonly<Record<string, ReadonlyArray<string>>> = {
  prefer: ["wait=0", "wait=-1", ",,;;=", "respond-async"],
  "idempotency-key": ["k", "x".repeat(300)],
  "last-event-id": ["0", "3", "99", "1.end"],
  range: ["bytes=0-", "bytes=9-1", "bytes=-2", "bytes=5000-", "lines=1-2"],
  status: ["failed", "complete", "pending"],
  kind: ["defect", "provider"],
  from: ["2026-01-01", "2026-01-01T00:00:00Z"],
  to: ["2026-01-01", "2126-01-01T00:00:00Z"],
  limit: ["1", "200", "0", "201"],
  text: ["a", "%", "\\"],
};

export interface MadeRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** Values that parameters in paths and queries may take, by name, and grow while the requests run. */
export type Known = ReadonlyMap<string, ReadonlyArray<string>>;

/** The next request for the operation. */
export const madeRequest = (
  operation: DescribedOperation,
  chance: Chance,
  known: Known,
): MadeRequest => {
  const valueOf = (name: string): string => {
    const good = [...(known.get(name) ?? []), ...(likely[name] ?? [])];
    return good.length > 0 && chance.isTrue(0.8) ? chance.pick(good) : chance.pick(awkward);
  };
  const headers = new Headers();
  const query = new URLSearchParams();
  let { path } = operation;
  for (const { name, in: place } of operation.parameters) {
    if (place === "path") path = path.replace(`{${name}}`, pathPart(valueOf(name)));
    else if (chance.isTrue(0.5)) {
      if (place === "query") query.append(name, valueOf(name));
      // A browser sends no other header either.
      else headers.set(name, valueOf(name).replaceAll(/[^\u0020-\u00ff]/g, ""));
    }
  }
  const { body } = operation;
  if (body !== null && chance.isTrue(0.95)) headers.set("content-type", body.type);
  return {
    path: `${path}?${query.toString()}`,
    method: operation.method,
    headers,
    body: body === null ? undefined : bodyOf(body, chance),
  };
};

/** Half an escape reaches the router as it is; of nothing at all another address would be made. */
const pathPart = (value: string): string =>
  value === "%" ? value : encodeURIComponent(value === "" ? " " : value);

const bodyOf = (body: NonNullable<DescribedOperation["body"]>, chance: Chance): string => {
  const sample = likelier(chance.pick(body.samples), chance);
  if (typeof sample === "string" && !body.type.includes("json")) return sample;
  const text = JSON.stringify(chance.isTrue(0.6) ? sample : spoilt(sample, chance));
  return chance.isTrue(0.1) ? text.slice(0, -1) : text;
};

/** Texts whose names say what they are, are often that. */
const likelier = (sample: unknown, chance: Chance): unknown => {
  if (typeof sample !== "object" || sample === null || Array.isArray(sample)) return sample;
  return Object.fromEntries(
    Object.entries(sample).map(([name, value]): [string, unknown] => {
      const good = likely[name];
      return [name, good !== undefined && chance.isTrue(0.8) ? chance.pick(good) : value];
    }),
  );
};

/** One place of it is something else. */
const spoilt = (value: unknown, chance: Chance): unknown => {
  if (typeof value !== "object" || value === null || chance.isTrue(0.3))
    return chance.pick([null, 1, -0.5, "", [], {}, [[[]]], true, chance.pick(awkward)]);
  if (Array.isArray(value)) return value.map((item: unknown) => spoilt(item, chance));
  const entries = Object.entries(value);
  const [name, child] = entries[chance.between(0, entries.length)] ?? [chance.pick(awkward), 1];
  return { ...value, [name]: spoilt(child, chance) };
};
