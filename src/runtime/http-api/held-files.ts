/**
 * The files through which a job opens the asset store to its callers: those it was given and those of its
 * output. An operator may also see what its steps made on the way, which nobody may have approved yet.
 */
import { Effect, type Schema } from "effect";
import type { Entry, Value } from "../../machines/entry.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import type { Engine } from "../engine.ts";
import { filesIn } from "../file-references.ts";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import { placesIn } from "./asset-urls.ts";
import { keptValue } from "./kept-value.ts";

/** Whether the job holds the file for such a caller. Fails with: StoreFailure, AssetStoreFailure. */
export const holdsFile = Effect.fnUntraced(function* (
  engine: Engine,
  { record }: StoredJob,
  { sha256, isOperator }: { readonly sha256: string; readonly isOperator: boolean },
): Effect.fn.Return<boolean, StoreFailure | AssetStoreFailure> {
  const { inputPayload, normalizedOutput, status } = record;
  const values = [inputPayload, ...(status === "complete" ? [normalizedOutput] : [])];
  if (yield* anyNames(engine, values, sha256)) return true;
  if (!isOperator) return false;
  const entries = yield* engine.store.entries(record.jobId);
  if (entries.some((entry) => isSettledWith(entry, sha256))) return true;
  return yield* anyNames(engine, entries.map(outputOf), sha256);
});

const outputOf = (entry: Entry): Value | null =>
  entry.type === "StepSucceeded" || entry.type === "JobCompleted" ? entry.output : null;

const isSettledWith = (entry: Entry, sha256: string): boolean =>
  entry.type === "PredictionSettled" &&
  entry.files.some(({ asset }) => filesIn(asset).includes(sha256));

const anyNames = Effect.fnUntraced(function* (
  engine: Engine,
  values: ReadonlyArray<Value | null>,
  sha256: string,
): Effect.fn.Return<boolean, AssetStoreFailure> {
  for (const value of values) {
    const json = yield* keptValue(engine, value);
    if (json !== undefined && namesIn(json).includes(sha256)) return true;
  }
  return false;
});

const namesIn = (json: Schema.Json): ReadonlyArray<string> => [
  ...filesIn(json),
  ...placesIn(JSON.stringify(json)),
];
