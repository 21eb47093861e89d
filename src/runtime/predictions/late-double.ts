/**
 * Doubles: predictions that appear after their intent was closed, because the provider showed them later
 * than it may, or made two of one request. Looked for some times after the search has ended.
 */
import { Clock, Effect } from "effect";
import type { ModelClient, Prediction } from "../../steps/model-client.ts";
import type { PredictionRow } from "../journal-store.ts";
import { sight } from "./lost-prediction.ts";
import type { WatcherHost } from "./watcher-host.ts";

/** After the search ended (ms): most of what is late at all comes within minutes. */
const looksAfterMs = [30_000, 120_000, 600_000];
const lastLookMs = 600_000;

export interface DoubleSearch {
  readonly row: PredictionRow;
  /** When the search ended (ms). */
  readonly since: number;
  /** Whether another intent of equal input is still without its prediction: then it is that one's. */
  readonly isAwaited: Effect.Effect<boolean>;
  readonly onDouble: (prediction: Prediction) => Effect.Effect<void>;
}

/** The earliest instant (ms) at which a search may have ended: all a later process knows of it. */
export const searchEndOf = (row: PredictionRow, graceMs: number): number =>
  row.intendedAt + graceMs;

/** Absent intents older (ms) than this are looked for no more. */
export const searchedForMs = (graceMs: number): number => graceMs + lastLookMs;

export const mayHaveDoubles = (since: number, now: number): boolean => now - since < lastLookMs;

export const lookForDoubles = Effect.fnUntraced(function* (
  client: ModelClient,
  { store, settings }: Pick<WatcherHost, "store" | "settings">,
  { row, since, isAwaited, onDouble }: DoubleSearch,
): Effect.fn.Return<void> {
  if (!client.canFind) return;
  for (const afterMs of looksAfterMs) {
    const waitMs = since + afterMs - (yield* Clock.currentTimeMillis);
    if (waitMs <= 0) continue;
    yield* Effect.sleep(Math.min(waitMs, afterMs));
    const sighting = yield* sight(client, store, { row, graceMs: settings.orphanGraceMs });
    if (sighting === null) continue;
    yield* Effect.forEach(sighting.byKey, onDouble, { discard: true });
    // An adopted intent has its prediction; others of equal input are not known to be its own.
    const mayBeOurs = row.state === "absent" && !(yield* isAwaited);
    if (mayBeOurs) yield* Effect.forEach(sighting.byInput, onDouble, { discard: true });
  }
});

/** The ledger's row of a double: to be cancelled at once, watched, and booked. */
export const doubleOf = (row: PredictionRow, { id }: Prediction, now: number): PredictionRow => ({
  ...row,
  key: `${row.key}#${id}`,
  state: "duplicate",
  predictionId: id,
  status: null,
  cancelRequestedAt: now,
  isUnconfirmed: false,
  copying: null,
  settledAt: null,
  raw: null,
  receipt: null,
});
