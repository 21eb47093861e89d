/** Erasing one job by request: its content in one transaction, then its unshared assets. */
import { Clock, Effect, Option } from "effect";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import type { JobContent } from "../journal-retention.ts";
import type { StateRecord, StoredJob, StoreFailure } from "../journal-store.ts";
import { isOpen } from "../journal-stores/write-rules.ts";
import { JobUnavailable } from "../outcome.ts";
import { type Amount, readOldPayloads, removeLeftovers } from "./asset-removal.ts";
import type { RetentionHost } from "./retention-host.ts";
import { scrubLater } from "./scrub.ts";

/** What an erased job leaves, and what went. */
export interface ErasedJob {
  /** The tombstone: who the job was, how it ended, what it cost, and when it was erased. */
  readonly record: StateRecord;
  /** What its journal held, in bytes; 0 where it had been erased before. */
  readonly bytes: number;
  /** How many raw answers were among it. */
  readonly rawAnswers: number;
  /** Files that were taken away: those that no other job names, with what erased jobs had left before. */
  readonly assets: Amount;
}

type Trouble = StoreFailure | AssetStoreFailure | JobUnavailable;

/** Repeating it is harmless, and finishes what a death in the middle left. */
export const eraseJob = Effect.fnUntraced(function* (
  host: RetentionHost,
  jobId: string,
): Effect.fn.Return<ErasedJob, Trouble> {
  const { erasedAt } = (yield* jobOf(host, jobId)).record;
  yield* readOldPayloads(host);
  const content =
    erasedAt === null ? yield* eraseContent(host, jobId) : { bytes: 0, rawAnswers: 0 };
  // Also where a file cannot be removed: what went from the tables shall leave the log.
  const assets = yield* Effect.ensuring(removeLeftovers(host), scrubLater(host));
  const { record } = yield* jobOf(host, jobId);
  const { bytes, rawAnswers } = content;
  return { record, bytes, rawAnswers, assets };
});

const jobOf = Effect.fnUntraced(function* (
  { store }: RetentionHost,
  jobId: string,
): Effect.fn.Return<StoredJob, StoreFailure | JobUnavailable> {
  // Plain JavaScript may hand over anything.
  const stored = typeof jobId === "string" ? yield* store.job(jobId) : Option.none<StoredJob>();
  if (Option.isSome(stored)) return stored.value;
  return yield* Effect.fail(new JobUnavailable(jobId, "this store has no such job"));
});

const eraseContent = Effect.fnUntraced(function* (
  host: RetentionHost,
  jobId: string,
): Effect.fn.Return<JobContent, StoreFailure | JobUnavailable> {
  const content = yield* host.store.content(jobId);
  if (Option.isNone(content)) return yield* refuse(host, jobId);
  const { seq } = content.value;
  const at = yield* Clock.currentTimeMillis;
  const write = { type: "EraseJob", jobId, seq, at, leavesBehind: "assets" } as const;
  const result = yield* host.commit(write);
  return result.type === "Committed" ? content.value : yield* refuse(host, jobId);
});

const refuse = Effect.fnUntraced(function* (
  host: RetentionHost,
  jobId: string,
): Effect.fn.Return<never, StoreFailure | JobUnavailable> {
  return yield* Effect.fail(new JobUnavailable(jobId, yield* whyNot(host, jobId)));
});

const whyNot = Effect.fnUntraced(function* (
  host: RetentionHost,
  jobId: string,
): Effect.fn.Return<string, StoreFailure | JobUnavailable> {
  const { record } = yield* jobOf(host, jobId);
  if (record.status === "pending" || record.status === "processing")
    return `it is ${record.status}: only what is complete, failed or cancelled can be erased; cancel it first`;
  const predictions = yield* host.store.predictions(jobId);
  if (predictions.some(isOpen))
    return "a prediction of it is still open: it can be erased once that is settled";
  const messages = yield* host.store.inbox(jobId);
  if (messages.length > 0)
    return "a message to it is not read yet: it can be erased once that is answered";
  return "a process was just at work on it: try again";
});
