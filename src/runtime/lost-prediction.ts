/**
 * Finding the prediction of an intent whose answer was lost, or certainty that there is none.
 *
 * By the intent's key where the provider shows it, else by the canonical input among what the API made
 * in the intent's time window and nobody has claimed: equal inputs are interchangeable, unequal ones
 * never. Absent means: the grace has passed since the intent, and two complete listings at least ten
 * seconds apart, the later one after the grace, showed no match.
 */
import { Clock, Effect } from "effect";
import { hashJson } from "../steps/canonical-json.ts";
import type { ModelClient, Prediction } from "../steps/model-client.ts";
import type { JournalStore, PredictionRow } from "./journal-store.ts";

export interface Search {
  readonly row: PredictionRow;
  readonly graceMs: number;
  /** False where another intent has claimed this prediction first. */
  readonly adopt: (prediction: Prediction) => Effect.Effect<boolean>;
}

/** The provider's clock and ours may differ by this much. */
export const clockSkewMs = 30_000;
const betweenListingsMs = 10_000;
const firstLookMs = 1_000;

/** True when a prediction was adopted, false when it is certain that there is none. */
export const findLost = Effect.fnUntraced(function* (
  client: ModelClient,
  store: JournalStore["Service"],
  search: Search,
): Effect.fn.Return<boolean> {
  if (!client.canFind) return false;
  const { row, graceMs, adopt } = search;
  let emptyAt: number | null = null;
  let waitMs = firstLookMs;
  while (true) {
    yield* Effect.sleep(waitMs);
    const listedAt = yield* Clock.currentTimeMillis;
    const listing = yield* Effect.result(client.find(row.intendedAt - clockSkewMs));
    if (listing._tag === "Success") {
      const candidates = yield* unclaimed(store, row, matching(row, graceMs, listing.success));
      for (const candidate of candidates) if (yield* adopt(candidate)) return true;
      const isConfirmed = emptyAt !== null && listedAt - emptyAt >= betweenListingsMs;
      if (isConfirmed && listedAt - row.intendedAt >= graceMs) return false;
      emptyAt ??= listedAt;
    }
    waitMs = Math.min(waitMs * 2, betweenListingsMs);
  }
});

/** Best candidates first: by key, then by equal input in the window. */
export const matching = (
  row: PredictionRow,
  graceMs: number,
  listing: ReadonlyArray<Prediction>,
): ReadonlyArray<Prediction> => {
  const byKey = listing.filter(({ key }) => key === row.key);
  const byInput = listing.filter((prediction) => isLookalike(row, graceMs, prediction));
  return [...byKey, ...byInput];
};

const isLookalike = (row: PredictionRow, graceMs: number, prediction: Prediction): boolean => {
  if (prediction.key !== null || prediction.source === "web" || prediction.createdAt === null)
    return false;
  if (prediction.input === null || prediction.isDataRemoved) return false;
  const isInWindow =
    prediction.createdAt >= row.intendedAt - clockSkewMs &&
    prediction.createdAt <= row.intendedAt + graceMs + clockSkewMs;
  return isInWindow && hashJson(prediction.input) === row.inputHash;
};

const unclaimed = (
  store: JournalStore["Service"],
  row: PredictionRow,
  candidates: ReadonlyArray<Prediction>,
): Effect.Effect<ReadonlyArray<Prediction>> => {
  if (candidates.length === 0) return Effect.succeed([]);
  const ids = candidates.map(({ id }) => id);
  return Effect.match(store.knownPredictions(row.provider, ids), {
    // The unique index decides in any case; not knowing only costs a conflict.
    onFailure: () => candidates,
    onSuccess: (known) => candidates.filter(({ id }) => !known.has(id)),
  });
};
