/** The input of a job from the command line: a JSON file or the standard input, with single fields set over it. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { Effect, Option, Schema } from "effect";
import { UsageError } from "./ending.ts";

const readJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json));

export interface InputRequest {
  readonly folder: string;
  /** A path, or `-` for the standard input; null: there are only `sets`. */
  readonly file: string | null;
  /** `field=value`, the field dotted; the value is JSON where it is JSON, else text. */
  readonly sets: ReadonlyArray<string>;
}

/** Fails with: UsageError. */
export const readInput = Effect.fnUntraced(function* ({
  folder,
  file,
  sets,
}: InputRequest): Effect.fn.Return<Schema.Json, UsageError> {
  if (file === null && sets.length === 0)
    return yield* refused('an input is needed: a JSON file, "-" for the standard input, or --set');
  let json: Schema.Json = file === null ? {} : yield* readFrom(folder, file);
  for (const set of sets) json = yield* withSet(json, set);
  return json;
});

const refused = (message: string) => Effect.fail(new UsageError({ message }));

const readFrom = Effect.fnUntraced(function* (
  folder: string,
  file: string,
): Effect.fn.Return<Schema.Json, UsageError> {
  const name = file === "-" ? "the standard input" : resolve(folder, file);
  const content = yield* Effect.tryPromise({
    try: () => (file === "-" ? text(process.stdin) : readFile(name, "utf8")),
    catch: (error) =>
      new UsageError({
        message: `The input ${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      }),
  });
  const json = readJson(content);
  if (Option.isSome(json)) return json.value;
  return yield* refused(`Expected ${name} to be JSON: ${problemOf(content)}`);
});

const problemOf = (content: string): string => {
  if (content.trim() === "") return "it is empty";
  try {
    JSON.parse(content);
    return "it cannot be read";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** Fails with: UsageError. */
const withSet = (json: Schema.Json, set: string): Effect.Effect<Schema.Json, UsageError> => {
  const equals = set.indexOf("=");
  const path = set.slice(0, equals).split(".");
  if (equals < 1 || path.includes(""))
    return refused(`Expected --set field=value, such as brief.tone=calm, got ${set}`);
  const said = set.slice(equals + 1);
  const value = Option.getOrElse(readJson(said), () => said);
  const changed = replaced(json, path, value);
  return changed === undefined
    ? refused(`--set ${set}: the input has no place ${path.join(".")}`)
    : Effect.succeed(changed);
};

const isRecord = (json: Schema.Json): json is { readonly [key: string]: Schema.Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json);

const isList = (json: Schema.Json): json is ReadonlyArray<Schema.Json> => Array.isArray(json);

/** Undefined where the path leads through a text, a number or a place beyond the end of a list. */
const replaced = (
  json: Schema.Json,
  [first, ...rest]: ReadonlyArray<string>,
  value: Schema.Json,
): Schema.Json | undefined => {
  if (first === undefined) return value;
  if (isList(json)) {
    const index = Number(first);
    if (!/^\d+$/.test(first) || index > json.length) return undefined;
    const inner = replaced(json[index] ?? {}, rest, value);
    return inner === undefined ? undefined : json.toSpliced(index, 1, inner);
  }
  if (!isRecord(json)) return undefined;
  const isThere = Object.hasOwn(json, first);
  const inner = replaced(isThere ? (json[first] ?? {}) : {}, rest, value);
  if (inner === undefined) return undefined;
  // By entries, not by a spread with a key: `__proto__` is a name as any other.
  const entries = Object.entries(json).map(([key, old]): [string, Schema.Json] => [
    key,
    key === first ? inner : old,
  ]);
  return Object.fromEntries<Schema.Json>(isThere ? entries : [...entries, [first, inner]]);
};
