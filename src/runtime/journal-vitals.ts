/** The part of the journal store's port that says whether work gets on: what waits longest, and for what. */
import type { Effect, Option } from "effect";

/** A job under way, without its payloads. Instants in ms. */
export interface UnfinishedJob {
  readonly jobId: string;
  readonly pipeline: string;
  readonly version: number;
  readonly step: string | null;
  readonly detail: string | null;
  readonly waitingFor: string | null;
  readonly until: number | null;
  /** When its last entry was written. */
  readonly updatedAt: number;
}

/** What waits longest, and since when (ms). */
export interface LongestWait {
  readonly jobId: string;
  readonly since: number;
}

/** Which of the queue, and of which pipeline. */
export interface LongestInQueue extends LongestWait {
  readonly pipeline: string;
  readonly version: number;
}

/** A prediction that has been open for long. */
export interface LongOpen {
  readonly key: string;
  readonly jobId: string;
  readonly provider: string;
  readonly predictionId: string | null;
  readonly intendedAt: number;
}

/** Predictions that somebody has to follow until they end; doubles, whose answers are nobody's, left out. */
export interface OpenPredictions {
  /** How many are open, by provider. */
  readonly counts: ReadonlyMap<string, number>;
  /** Those intended before the instant, oldest first. */
  readonly longOpen: ReadonlyArray<LongOpen>;
}

/** What the port answers about what waits; each fails with: StoreFailure. */
export interface JournalVitals<StoreFailure> {
  /**
   * Who waits longest in the queue, of whatever pipeline, owned by nobody: the first that is pending, since it was
   * made, or one that is `queued`, since it was told to go on.
   */
  readonly oldestPending: Effect.Effect<Option.Option<LongestInQueue>, StoreFailure>;
  /** The message that has lain longest in the inbox of a job that does not wait for a slot: there it is read with the job's turn. */
  readonly oldestMessage: Effect.Effect<Option.Option<LongestWait>, StoreFailure>;
  /** Of this owner's jobs and of jobs nobody owns; `before` in ms. */
  open(owner: string, before: number): Effect.Effect<OpenPredictions, StoreFailure>;
  /** Jobs that are processing, whoever owns them, oldest first, after the given one. */
  unfinished(
    after: string | null,
    limit: number,
  ): Effect.Effect<ReadonlyArray<UnfinishedJob>, StoreFailure>;
}
