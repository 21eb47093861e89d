/**
 * The part of the journal store's port by which content leaves it again, and by which it is known whose
 * assets are whose.
 *
 * Guarantees of every adapter. A job is erased or loses its raw answers only while it rests: complete,
 * failed or cancelled, owned by nobody, with no message unread and no prediction open; otherwise the write
 * conflicts over the Job. What is erased is gone in one transaction, and nobody can append to an erased
 * job or leave it a message. An asset is named by a job from the entry on that says its SHA-256, or from
 * NameAssets on, whichever comes first, until the job is erased. A submit that finds its job there already has
 * named nothing.
 */
import type { Effect, Option } from "effect";

/**
 * A job's content goes: input, outputs, raw answers, requests, failures, messages, its idempotency key.
 * What stays is a tombstone: the record with its status and cost, and the ledger's receipts.
 */
export interface EraseJob {
  readonly type: "EraseJob";
  readonly jobId: string;
  /** The job's last seq as it was read: one that has gone on since is left alone. */
  readonly seq: number;
  readonly at: number;
  /**
   * Which assets that no other job names become leftovers, to be removed at once: all of them, or only
   * payloads that were too large for an entry.
   */
  readonly leavesBehind: "assets" | "payloads";
}

/** A job's raw answers go, from entries, ledger and record; the journal folds as before. */
export interface EraseRawAnswers {
  readonly type: "EraseRawAnswers";
  readonly jobId: string;
  readonly seq: number;
  readonly at: number;
}

/**
 * The job is about to name these assets: from now on they are its own, so that nobody takes away what is
 * put next. The job itself may come later. Repeating it changes nothing.
 */
export interface NameAssets {
  readonly type: "NameAssets";
  readonly jobId: string;
  readonly names: ReadonlyArray<NamedAsset>;
  readonly at: number;
}

export interface NamedAsset {
  readonly sha256: string;
  /** Named by a raw answer, with which it goes. */
  readonly isRaw: boolean;
  /** A value that was too large for its entry: nobody but the journal knows of it. */
  readonly isPayload: boolean;
  /** A file that the job was given or made itself: from now on its tenant holds it. Default: false. */
  readonly isOwn?: boolean;
}

/**
 * Leftovers that are gone, or named again; and names for jobs that never came. A leftover that such a name alone
 * keeps stays one, so that whoever looks after the name has been dropped takes it.
 */
export interface TidyAssets {
  readonly type: "TidyAssets";
  readonly gone: ReadonlyArray<string>;
  /** Names given before this instant (ms) to jobs that are still not there are dropped. */
  readonly earlyBefore: number;
}

/** What of a job at rest could be taken away. */
export interface JobContent {
  readonly jobId: string;
  readonly seq: number;
  /** When its last entry was written (ms): its age counts from then. */
  readonly restedAt: number;
  /** What its entries take, as text. */
  readonly bytes: number;
  readonly rawAnswers: number;
  readonly rawBytes: number;
  /** Values of it that lie in the asset store. */
  readonly payloads: ReadonlyArray<Pick<NamedAsset, "sha256" | "isRaw">>;
}

export interface RestedQuery {
  /** Only jobs that rest since before this instant (ms). */
  readonly before: number;
  /** Only those whose raw answers, if there are any, were not taken away since they rest. */
  readonly hasRaw: boolean;
  /** The last job of the page before; null for the first page. */
  readonly after: Pick<JobContent, "restedAt" | "jobId"> | null;
  readonly limit: number;
}

/** Which of these assets nobody names. */
export interface FreeQuery {
  readonly sha256s: ReadonlyArray<string>;
  /** As if jobs at rest since before these instants (ms) had been erased, or had lost their raw answers; null: as it is. */
  readonly asIf: { readonly jobsBefore: number; readonly rawBefore: number } | null;
}

/** What an answer that may be used again has to be. */
export interface ReuseQuery {
  readonly provider: string;
  readonly model: string;
  readonly inputHash: string;
  /** Settled at this instant (ms) or later. */
  readonly since: number;
  /** Not of this job. */
  readonly notOf: string;
  /** Of a job of this tenant, or of none where it is null; absent: of any job. */
  readonly tenant?: string | null;
}

/** An asset that an erased job left behind; `restedAt` is when that job had come to rest (ms). */
export interface Leftover {
  readonly sha256: string;
  readonly restedAt: number;
}

/** A value in the asset store from before names were kept. */
export interface UnreadPayload {
  readonly jobId: string;
  readonly sha256: string;
  readonly isRaw: boolean;
}

export type RetentionWrite = EraseJob | EraseRawAnswers | NameAssets | TidyAssets;

/** What the port answers about content; each fails with: StoreFailure. */
export interface JournalRetention<StoreFailure> {
  /** Jobs that may be erased now, who rests longest first. */
  rested(query: RestedQuery): Effect.Effect<ReadonlyArray<JobContent>, StoreFailure>;
  /** What could be taken away of a job; none where it may not be erased now. */
  content(jobId: string): Effect.Effect<Option.Option<JobContent>, StoreFailure>;
  freeAssets(query: FreeQuery): Effect.Effect<ReadonlySet<string>, StoreFailure>;
  /** Assets that erased jobs left behind, in order of their names, after the given one. */
  leftovers(after: string, limit: number): Effect.Effect<ReadonlyArray<Leftover>, StoreFailure>;
  /**
   * Payloads whose own names nobody has read yet: from before names were kept. NameAssets of their job,
   * with the payload among the names, says that they were read.
   */
  unreadPayloads(limit: number): Effect.Effect<ReadonlyArray<UnreadPayload>, StoreFailure>;
  /** Whatever was erased is in none of the store's files any more afterwards. Busy while others read on. */
  readonly scrub: Effect.Effect<void, StoreFailure>;
}
