/** JSON codecs of step schemas, compiled once each: what a step holds as values is JSON in the journal. */
import { Exit, Result, Schema } from "effect";
import type { AnySchema } from "../../steps/step.ts";
import type { Issue } from "../../steps/failure.ts";
import { issuesOf } from "../../steps/schema-issues.ts";

interface Codec {
  readonly decode: (json: unknown) => Result.Result<unknown, ReadonlyArray<Issue>>;
  /** As `decode`; a field that the schema does not have is an issue. */
  readonly decodeExactly: (json: unknown) => Result.Result<unknown, ReadonlyArray<Issue>>;
  readonly encode: (value: unknown) => Result.Result<Schema.Json, ReadonlyArray<Issue>>;
}

const compiled = new WeakMap<object, Codec>();

/** The schema's codec to and from JSON; both directions report every issue with its path. */
export const codecOf = (schema: AnySchema<unknown>): Codec => {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const json = Schema.toCodecJson(schema);
  const decode = Schema.decodeUnknownExit(json, { errors: "all" });
  const exactly = Schema.decodeUnknownExit(json, { errors: "all", onExcessProperty: "error" });
  const encode = Schema.encodeUnknownExit(json, { errors: "all" });
  const codec: Codec = {
    decode: (value) => outcomeOf(decode(value)),
    decodeExactly: (value) => outcomeOf(exactly(value)),
    encode: (value) => outcomeOf(encode(value)),
  };
  compiled.set(schema, codec);
  return codec;
};

const outcomeOf = <A>(
  exit: Exit.Exit<A, Schema.SchemaError>,
): Result.Result<A, ReadonlyArray<Issue>> => {
  if (Exit.isSuccess(exit)) return Result.succeed(exit.value);
  for (const reason of exit.cause.reasons) {
    if (reason._tag === "Fail") return Result.fail(issuesOf(reason.error.issue));
    if (reason._tag === "Die") throw reason.defect;
  }
  return Result.fail([{ path: "", message: "could not be checked" }]);
};
