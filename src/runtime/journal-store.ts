/**
 * The port to where journals live: entries, state records, the inbox, the ledger of predictions, timers.
 *
 * Guarantees of every adapter. `commit` writes all its writes in one transaction; when it has returned,
 * they are as durable as the adapter says (SQLite with FULL: power loss; NORMAL: death of the process;
 * memory: nothing). A write that conflicts leaves nothing of itself behind and does not disturb the
 * others. Any other trouble fails the whole call with StoreFailure and leaves nothing of it behind:
 * after an unclear COMMIT the adapter looks before it answers. An append is conditional on the job's
 * epoch and last seq, so that who no longer owns a job appends nothing.
 *
 * A released job keeps its owner until its last prediction is closed, so that someone watches on. The
 * ledger never goes back: a change that says less than the ledger knows changes nothing, one that
 * contradicts it is a conflict. A message's id stays known after the message was consumed. Oldest and
 * newest are told by the order of arrival, never by a clock.
 */
import { Context, Schema } from "effect";
import type { Effect, Option, Scope } from "effect";
import type { Entry, Receipt, Timer, Value } from "../machines/entry.ts";
import type { PredictionStatus } from "../steps/model-client.ts";
import type { RestKind } from "../steps/failure.ts";
import type { JournalDeadLetters, LetterWrite } from "./journal-dead-letters.ts";
import type { HoldingWrite, JournalHoldings } from "./journal-holdings.ts";
import type { HintPrediction, JournalHints } from "./journal-hints.ts";
import type { JournalOutbox, NewNotification, OutboxWrite } from "./journal-outbox.ts";
import type { JournalRetention, RetentionWrite, ReuseQuery } from "./journal-retention.ts";
import type { Budgets, JournalSpending, OverBudget } from "./journal-spending.ts";
import type { JournalVitals } from "./journal-vitals.ts";

const advice = {
  Full: "Free some space; nothing was written, and the same call works again then.",
  Busy: "Another process holds the file; try again.",
  ReadOnly: "Make the file and its folder writable for this process.",
  Broken: "Restore the file from a copy, or open it with the version that wrote it.",
  Io: "Look after the disk and the path; nothing was written unless the cause says so.",
};

/** `Full`: no space left. `Busy`: another process holds the file. All but `Broken` may pass by themselves. */
export class StoreFailure extends Schema.TaggedError<StoreFailure>()("StoreFailure", {
  operation: Schema.String,
  reason: Schema.Literals(["Full", "Busy", "ReadOnly", "Broken", "Io"]),
  cause: Schema.Defect(),
}) {
  override get message(): string {
    return `The journal store could not ${this.operation} (${this.reason}): ${String(this.cause)}. ${advice[this.reason]}`;
  }
}

export type JobStatus = "pending" | "processing" | "failed" | "complete" | "cancelled";

/** What a job that is not terminal waits for; instants in ms. */
export interface Waiting {
  readonly waitingFor: string;
  readonly since: number;
  readonly until: number | null;
  readonly next: string;
}

/** The row a person reads. Instants in ms since the epoch, cost in millionths of a US dollar. */
export interface StateRecord {
  readonly jobId: string;
  readonly pipeline: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly status: JobStatus;
  /** Finer than the status: `active`, `backingOff`, `waiting`, `unknown`, `paused`, `queued`, `cancelling`; null where there is none. */
  readonly detail: string | null;
  readonly currentStep: string | null;
  readonly attempt: number;
  readonly inputPayload: Value;
  /** The last committed output: of the latest step, in the end of the pipeline. */
  readonly normalizedOutput: Value | null;
  readonly errorMessage: string | null;
  readonly failureKind: RestKind | null;
  /** Where the raw answer behind the last output or failure is kept. */
  readonly rawReference: Value | null;
  readonly costMicros: number;
  readonly waiting: Waiting | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** When the job's content was taken away; null while it is there. Status and cost stay. */
  readonly erasedAt: number | null;
}

export interface StoredJob {
  readonly record: StateRecord;
  readonly idempotencyKey: string | null;
  /** Whose job it is, for life; null where the service knows no tenants. */
  readonly tenant: string | null;
  /** The last entry's seq. */
  readonly seq: number;
  /** 0 while nobody ever owned it. */
  readonly epoch: number;
  readonly owner: string | null;
}

/** How far a prediction's story is known. `intended` and `unknown` have no id yet. */
export type PredictionState =
  | "intended"
  | "unknown"
  | "accepted"
  | "rejected"
  | "absent"
  | "settled"
  | "duplicate"
  | "reused";

/**
 * The ledger's row for one intent, for a double that appeared later (`duplicate`), or for an answer that
 * was used again (`reused`: nothing was asked, `predictionId` is null, the receipt names the source).
 */
export interface PredictionRow {
  /** The intent's key; unique. A duplicate's key is `<key>#<predictionId>`. */
  readonly key: string;
  readonly jobId: string;
  readonly path: string;
  readonly attempt: number;
  readonly call: number;
  readonly provider: string;
  readonly model: string;
  /** SHA-256 of the canonical JSON of the input as sent. */
  readonly inputHash: string;
  /** What the call may cost at the most; 0 where nobody can say. */
  readonly estimateMicros: number;
  readonly timeoutMs: number;
  readonly intendedAt: number;
  readonly state: PredictionState;
  /** Unique together with the provider. */
  readonly predictionId: string | null;
  readonly status: PredictionStatus | null;
  /** When the remote end was asked for; only after CancelRequested or AttemptTimedOut is committed. */
  readonly cancelRequestedAt: number | null;
  /** True once `closeGrace` passed without a confirmed end: still watched, no longer waited for. */
  readonly isUnconfirmed: boolean;
  /** Who has its files in hand, null while it waits to try again, and how many have died of that; null before the first. */
  readonly copying: { readonly by: string | null; readonly deaths: number } | null;
  readonly settledAt: number | null;
  readonly raw: Value | null;
  readonly receipt: Receipt | null;
}

/** What anyone but the owner tells a job. `id` makes a repeated message one message. */
export interface InboxRow {
  readonly id: string;
  readonly jobId: string;
  readonly at: number;
  /** The facts the owner shall append, in order. Facts that no longer fit are dropped by the machine. */
  readonly facts: ReadonlyArray<import("../machines/entry.ts").Fact>;
}

/** A change of the ledger that belongs to an append and shares its transaction. */
export type LedgerChange =
  | { readonly type: "intend"; readonly row: PredictionRow }
  | { readonly type: "reuse"; readonly row: PredictionRow }
  | { readonly type: "accept"; readonly key: string; readonly predictionId: string }
  | { readonly type: "reject"; readonly key: string }
  | { readonly type: "unknown"; readonly key: string }
  | { readonly type: "requestCancel"; readonly key: string; readonly at: number };

export interface JobTimer extends Timer {
  readonly path: string;
}

/** A new job with its first entries; `owner` is set where the submitter starts it at once. */
export interface CreateJob {
  readonly type: "CreateJob";
  readonly job: StoredJob;
  readonly entries: ReadonlyArray<Entry>;
  /**
   * A job that has the key, rests, and was last changed before this instant (ms) gives it up to the new one.
   * Default: a key is given up by nobody.
   */
  readonly keysFreeBefore?: number;
}

/**
 * The owner's append. Entries follow `afterSeq` without holes; none at all change the row only, which is
 * how a released job whose owner died gets a new watcher. What a record is created with (job, pipeline,
 * version, fingerprint, input, createdAt) never changes and is not written again. Its output and its raw
 * reference are those of the last entry that holds one: an append without such an entry leaves them.
 */
export interface AppendEntries {
  readonly type: "AppendEntries";
  readonly jobId: string;
  readonly epoch: number;
  readonly afterSeq: number;
  readonly entries: ReadonlyArray<Entry>;
  readonly record: StateRecord;
  readonly ledger: ReadonlyArray<LedgerChange>;
  /** What the intents of `ledger` have to fit in, reckoned in this transaction. Default: in nothing. */
  readonly budgets?: Budgets;
  /** All timers the job has after this append; null where they are as before. */
  readonly timers: ReadonlyArray<JobTimer> | null;
  /** Inbox rows that became entries here. */
  readonly consumed: ReadonlyArray<string>;
  /**
   * A takeover, or its owner going on with a job it had let go: the row's owner and epoch become these;
   * `epoch` above is the one it had. Without an owner the job waits for one, with the detail `queued` in the queue.
   */
  readonly claim: { readonly owner: string | null; readonly epoch: number } | null;
  /** The job has nothing more to do: the row's owner is cleared once no prediction of it is open. */
  readonly isReleased: boolean;
  /** What these entries tell the outside. Default: nothing. */
  readonly outbox?: ReadonlyArray<NewNotification>;
}

/** A message from anyone. */
export interface PostInbox {
  readonly type: "PostInbox";
  readonly row: InboxRow;
}

/** The watcher's word on one intent, conditional on the state it had; the inbox row shares its fate. */
export interface ChangePrediction {
  readonly type: "ChangePrediction";
  readonly key: string;
  readonly from: ReadonlyArray<PredictionState>;
  readonly change: Partial<
    Pick<
      PredictionRow,
      | "state"
      | "predictionId"
      | "status"
      | "isUnconfirmed"
      | "copying"
      | "settledAt"
      | "raw"
      | "receipt"
      | "cancelRequestedAt"
    >
  >;
  readonly inbox: InboxRow | null;
}

/** A double that appeared after its intent was closed: recorded once, to be cancelled and booked. */
export interface AddDuplicate {
  readonly type: "AddDuplicate";
  readonly row: PredictionRow;
}

export type Write =
  | CreateJob
  | AppendEntries
  | PostInbox
  | ChangePrediction
  | AddDuplicate
  | HintPrediction
  | LetterWrite
  | RetentionWrite
  | HoldingWrite
  | OutboxWrite;

/**
 * `Conflict`: the condition did not hold, over the `Job` (fenced, job id taken, no such job), a
 * `Prediction` (already settled, key or provider id taken), a `Message` (known already), a `Letter` (none
 * is open) or a `Notification` (changed by another). Only a conflict over the job means a takeover.
 * `Duplicate`: the idempotency key belongs to that job already.
 * `OverBudget`: the job is still the writer's own; an intent of its append fits in no budget.
 */
export type WriteResult =
  | { readonly type: "Committed" }
  | OverBudget
  | {
      readonly type: "Conflict";
      readonly over: "Job" | "Prediction" | "Message" | "Letter" | "Notification";
    }
  | { readonly type: "Duplicate"; readonly jobId: string };

export interface JobFilter {
  readonly status?: JobStatus;
  readonly pipeline?: string;
  readonly tenant?: string;
  readonly failureKind?: RestKind;
  /** Created at this instant (ms) or later. */
  readonly createdFrom?: number;
  /** Created before this instant (ms). */
  readonly createdBefore?: number;
  /** In the job's id or, where it is small enough for an entry, in its input; ASCII letters of either case. */
  readonly text?: string;
  /** Jobs that are older than this one. */
  readonly olderThan?: string;
  /** Newest first; default 100. */
  readonly limit?: number;
}

/** The parts of the port that have files of their own. */
type OtherParts = JournalRetention<StoreFailure> &
  JournalHoldings<StoreFailure> &
  JournalOutbox<StoreFailure> &
  JournalSpending<StoreFailure> &
  JournalDeadLetters<StoreFailure> &
  JournalHints<StoreFailure> &
  JournalVitals<StoreFailure>;

export class JournalStore extends Context.Service<
  JournalStore,
  OtherParts & {
    /** All writes in one transaction; one result per write, in order. Fails with: StoreFailure. */
    commit(writes: ReadonlyArray<Write>): Effect.Effect<ReadonlyArray<WriteResult>, StoreFailure>;
    job(jobId: string): Effect.Effect<Option.Option<StoredJob>, StoreFailure>;
    /** The job of the pipeline that has this idempotency key. */
    jobWithKey(
      pipeline: string,
      idempotencyKey: string,
    ): Effect.Effect<Option.Option<StoredJob>, StoreFailure>;
    jobs(filter: JobFilter): Effect.Effect<ReadonlyArray<StoredJob>, StoreFailure>;
    /** The journal in order of seq. Fails with: StoreFailure (Broken where an entry does not decode). */
    entries(jobId: string): Effect.Effect<ReadonlyArray<Entry>, StoreFailure>;
    /** One entry, for a reference by seq. */
    entry(jobId: string, seq: number): Effect.Effect<Option.Option<Entry>, StoreFailure>;
    /** Messages for the job, oldest first. */
    inbox(jobId: string): Effect.Effect<ReadonlyArray<InboxRow>, StoreFailure>;
    /**
     * Ids of jobs of this owner for which messages lie; null asks for jobs nobody owns (a RETRY of a
     * released job). Cheap enough to ask several times a second.
     */
    jobsWithInbox(owner: string | null): Effect.Effect<ReadonlyArray<string>, StoreFailure>;
    /** Jobs that nobody owns and that wait for a place, pending or `queued`, oldest first, of these pipelines (`name@version`). */
    pending(
      pipelines: ReadonlyArray<string>,
      limit: number,
    ): Effect.Effect<ReadonlyArray<StoredJob>, StoreFailure>;
    /** Jobs that this owner has not released, oldest first. */
    jobsOf(owner: string): Effect.Effect<ReadonlyArray<StoredJob>, StoreFailure>;
    /** Jobs that this owner has released while predictions of them are still open, oldest first. */
    watchedJobs(owner: string): Effect.Effect<ReadonlyArray<StoredJob>, StoreFailure>;
    /** All timers of this owner's jobs, next first. */
    timersOf(
      owner: string,
    ): Effect.Effect<ReadonlyArray<JobTimer & { readonly jobId: string }>, StoreFailure>;
    /** Ledger rows of a job, oldest first. */
    predictions(jobId: string): Effect.Effect<ReadonlyArray<PredictionRow>, StoreFailure>;
    /**
     * Rows that are not closed (intended, unknown, accepted, duplicate without settlement) of this
     * owner's jobs, and of jobs nobody owns (a double that appeared long after), oldest first.
     */
    openPredictions(owner: string): Effect.Effect<ReadonlyArray<PredictionRow>, StoreFailure>;
    /** Absent rows intended at `since` (ms) or later, of whatever job: each may still show a double. Oldest first. */
    absentPredictions(since: number): Effect.Effect<ReadonlyArray<PredictionRow>, StoreFailure>;
    /** Intents of equal input, of whatever job, whose answer is not there: intended or unknown. Oldest first. */
    unansweredPredictions(
      provider: string,
      inputHash: string,
    ): Effect.Effect<ReadonlyArray<PredictionRow>, StoreFailure>;
    /** Which of these provider ids the ledger already knows. */
    knownPredictions(
      provider: string,
      ids: ReadonlyArray<string>,
    ): Effect.Effect<ReadonlySet<string>, StoreFailure>;
    /** Ledger rows by key, for a double whose key is known. */
    prediction(key: string): Effect.Effect<Option.Option<PredictionRow>, StoreFailure>;
    /** The newest settled success that may be used again, raw answer and all. Fails with: StoreFailure. */
    reusable(query: ReuseQuery): Effect.Effect<Option.Option<PredictionRow>, StoreFailure>;
    /** Becomes an owner for as long as the scope lives; the id is unique. Fails with: StoreFailure. */
    readonly register: Effect.Effect<string, StoreFailure, Scope.Scope>;
    /** Owners other than the given one that still have jobs, unreleased or watched, and are certainly dead. */
    deadOwners(self: string): Effect.Effect<ReadonlyArray<string>, StoreFailure>;
    /** Owners that are registered and not certainly dead, whether they have jobs or not, in no order. */
    readonly livingOwners: Effect.Effect<ReadonlyArray<string>, StoreFailure>;
    /** Whether a dead owner went by itself, its scope closed: its jobs were let go, they did not kill it. */
    hasLeft(owner: string): Effect.Effect<boolean, StoreFailure>;
    /**
     * Changes whenever another connection has committed; equal answers mean nothing new. A store that commits through
     * a second connection of its own may count that one's commits as well.
     */
    readonly changeCount: Effect.Effect<number, StoreFailure>;
  }
>()("catena-ai/runtime/JournalStore") {}
