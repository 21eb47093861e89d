/**
 * The part of the journal store's port by which a provider's report is kept until its prediction is closed:
 * that there was one, nothing of what it said. Whoever watches the prediction looks, in whatever process.
 */
import type { Effect } from "effect";

/**
 * There was a report, at `at` (ms); null: it has been looked into. Conflicts over the Prediction where the
 * provider has none under this key that is open, or absent and may yet show a double.
 */
export interface HintPrediction {
  readonly type: "HintPrediction";
  readonly key: string;
  readonly provider: string;
  readonly at: number | null;
}

export interface Hint {
  readonly key: string;
  /** When the last report came (ms). */
  readonly hintedAt: number;
}

/** What the port answers about reports; fails with: StoreFailure. */
export interface JournalHints<StoreFailure> {
  /**
   * Reports on predictions that are not closed, and on absent ones, of this owner's jobs; null asks for jobs
   * nobody owns. Cheap enough to ask several times a second.
   */
  hints(owner: string | null): Effect.Effect<ReadonlyArray<Hint>, StoreFailure>;
}
