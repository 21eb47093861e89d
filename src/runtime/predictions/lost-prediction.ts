/**
 * Finding the prediction of an intent whose answer was lost, or certainty that there is none.
 *
 * By the intent's key where the provider shows it, else by the canonical input among what the API made
 * in the intent's time window and nobody has claimed: equal inputs are interchangeable, unequal ones
 * never. Absent means: the grace has passed since the intent, and two complete listings at least ten
 * seconds apart, the later one after the grace, showed no match. Time is counted in what was slept
 * through here: a clock that jumps makes nobody give up, and pay again, too early.
 */
import { Effect } from "effect";
import { hashJson } from "../../steps/canonical-json.ts";
import type { ProviderFailure } from "../../steps/failure.ts";
import type { ModelClient, Prediction } from "../../steps/model-client.ts";
import type { JournalStore, PredictionRow } from "../journal-store.ts";

export interface Search {
  readonly row: PredictionRow;
  readonly graceMs: number;
  /** How long ago (ms) the intent was made. */
  readonly ageMs: number;
  /** Waits so long (ms), or until there is reason to look earlier; true where the time has passed. */
  readonly pause: (waitMs: number) => Effect.Effect<boolean>;
  /** Nobody else has answered the intent meanwhile. */
  readonly isOpen: Effect.Effect<boolean>;
  /** False where another intent has claimed this prediction first. */
  readonly adopt: (prediction: Prediction) => Effect.Effect<boolean>;
}

/** `answered`: found, or closed by somebody else. `uncertain`: something was made whose input is gone. */
export type Finding = "answered" | "absent" | "uncertain";

/** The provider's clock and ours may differ by this much. */
const clockSkewMs = 30_000;
const betweenListingsMs = 10_000;
const firstLookMs = 1_000;

/** Ends when the intent is answered, or when it is clear that nothing was made of it. */
export const findLost = Effect.fnUntraced(function* (
  client: ModelClient,
  store: JournalStore["Service"],
  { row, graceMs, ageMs, pause, isOpen, adopt }: Search,
): Effect.fn.Return<Finding> {
  if (!client.canFind) return "absent";
  const graceLeftMs = Math.min(Math.max(graceMs - ageMs, 0), graceMs);
  let elapsedMs = 0;
  let emptyAtMs: number | null = null;
  let waitMs = firstLookMs;
  while (true) {
    const isDue = yield* pause(waitMs);
    // A look before its time finds what is there; for being absent it does not count.
    if (isDue) elapsedMs += waitMs;
    if (!(yield* isOpen)) return "answered";
    const sighting = yield* sight(client, store, {
      row,
      graceMs,
      until: lastInstantOf(row, graceMs),
    });
    if (sighting !== null) {
      if (yield* adoptFirst([...sighting.byKey, ...sighting.byInput], adopt)) return "answered";
      const isConfirmed = emptyAtMs !== null && elapsedMs - emptyAtMs >= betweenListingsMs;
      if (isConfirmed && elapsedMs >= graceLeftMs)
        return sighting.isUncertain ? "uncertain" : "absent";
      emptyAtMs ??= elapsedMs;
    }
    if (isDue) waitMs = Math.min(waitMs * 2, betweenListingsMs);
  }
});

const adoptFirst = Effect.fnUntraced(function* (
  candidates: ReadonlyArray<Prediction>,
  adopt: Search["adopt"],
): Effect.fn.Return<boolean> {
  for (const candidate of candidates) if (yield* adopt(candidate)) return true;
  return false;
});

/** What a complete listing shows of an intent among what nobody has claimed. */
export interface Sighting {
  /** Its own, for certain. */
  readonly byKey: ReadonlyArray<Prediction>;
  /** Of equal input, made in the intent's time, and under no key that is known to be another's. */
  readonly byInput: ReadonlyArray<Prediction>;
  /** Among what was made in that time is something whose input is no longer shown. */
  readonly isUncertain: boolean;
}

interface Look extends Pick<Search, "row" | "graceMs"> {
  /** What was made later (ms) is of no interest. Default: all of it is. */
  readonly until?: number;
}

/**
 * When (ms, by the provider's clock) the prediction of an intent was made at the latest: it is sent at once.
 * After days without a process, reading all that was made since would be more than memory holds.
 */
const lastInstantOf = ({ intendedAt }: PredictionRow, graceMs: number): number =>
  intendedAt + graceMs + clockSkewMs;

/** Null where the listing, or a look at one of its candidates or their models, failed: what is incomplete proves nothing. */
export const sight = Effect.fnUntraced(function* (
  client: ModelClient,
  store: JournalStore["Service"],
  { row, graceMs, until }: Look,
): Effect.fn.Return<Sighting | null> {
  const listing = yield* Effect.result(client.find(row.intendedAt - clockSkewMs, until));
  if (listing._tag === "Failure") return null;
  const near = listing.success.filter(
    (one) => one.key === row.key || (one.key === null && isInTime(row, graceMs, one)),
  );
  const isOrphan = (one: Prediction): boolean =>
    one.key === row.key || isDataGone(one) || hashJson(one.input) === row.inputHash;
  const orphans = yield* unclaimed(store, row, near.filter(isOrphan));
  const shown = yield* Effect.result(Effect.forEach(orphans, (one) => withKey(client, one)));
  if (shown._tag === "Failure") return null;
  const keyless = shown.success.filter(({ key }) => key === null);
  const ours = yield* Effect.result(
    Effect.filter(keyless, (one) => mayBeOfModel(client, row, one)),
  );
  if (ours._tag === "Failure") return null;
  const anonymous = ours.success;
  return {
    byKey: shown.success.filter(({ key }) => key === row.key),
    byInput: anonymous.filter((one) => !isDataGone(one)),
    isUncertain: anonymous.some(isDataGone),
  };
});

const isDataGone = ({ input, isDataRemoved }: Prediction): boolean =>
  isDataRemoved || input === null;

const isInTime = (
  row: PredictionRow,
  graceMs: number,
  { createdAt, source }: Prediction,
): boolean => {
  if (source !== "api" || createdAt === null) return false;
  return createdAt >= row.intendedAt - clockSkewMs && createdAt <= lastInstantOf(row, graceMs);
};

/**
 * Models may take equal inputs; a provider that shows the model's name tells them apart. Only a name that can
 * be asked for does: providers run some models under names of their own, which nobody could look up.
 */
const mayBeOfModel = (
  client: ModelClient,
  { model }: PredictionRow,
  { raw }: Prediction,
): Effect.Effect<boolean, ProviderFailure> => {
  const [name = model] = model.split(":");
  const shown = shownModel(raw);
  if (shown === null || shown === name || !name.includes("/")) return Effect.succeed(true);
  return Effect.matchEffect(client.describe(shown), {
    onSuccess: () => Effect.succeed(false),
    onFailure: (failure) =>
      failure.isPermanent === true || failure.reason === "Unauthorized"
        ? Effect.succeed(true)
        : Effect.fail(failure),
  });
};

const shownModel = (raw: Prediction["raw"]): string | null =>
  typeof raw === "object" && raw !== null && "model" in raw && typeof raw.model === "string"
    ? raw.model
    : null;

/** Lists may leave out the webhook, and with it the key; a single prediction may show it. */
const withKey = (client: ModelClient, one: Prediction) =>
  one.key === null
    ? Effect.map(client.get(one.id), ({ key }) => ({ ...one, key }))
    : Effect.succeed(one);

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
