/**
 * What a notification tells: an allow-list, read from the journal when it is sent, so that nothing is kept
 * twice and an erased job leaves nothing to be told. What a model answered, causes and paths of this machine
 * stay inside.
 */
import { Effect, Option, type Schema } from "effect";
import type { Entry } from "../../machines/entry.ts";
import type { AssetStore, AssetStoreFailure } from "../../steps/asset-store.ts";
import { safeMessageOf } from "../../steps/failure.ts";
import { withServedUrls } from "../http-api/asset-urls.ts";
import { keptValue } from "../http-api/kept-value.ts";
import type { NotificationRow, NotifiedJob } from "../journal-outbox.ts";
import { usdOf } from "../us-dollars.ts";
import type { JournalStore, StoredJob, StoreFailure } from "../journal-store.ts";

export interface Told {
  readonly store: JournalStore["Service"];
  readonly assets: AssetStore["Service"];
  /** Where the HTTP API serves assets: a URL or a path. */
  readonly assetBase: string;
}

type Fields = Readonly<Record<string, Schema.Json>>;

type Trouble = StoreFailure | AssetStoreFailure;

/** The data; none where its job is erased. Fails with: StoreFailure, AssetStoreFailure. */
export const toldBy = Effect.fnUntraced(function* (
  from: Told,
  { job, data }: Pick<NotificationRow, "job" | "data">,
): Effect.fn.Return<Option.Option<Schema.Json>, Trouble> {
  if (job === null) return Option.some(data);
  const stored = Option.getOrNull(yield* from.store.job(job.jobId));
  const entry = Option.getOrNull(yield* from.store.entry(job.jobId, job.seq));
  if (stored === null || entry === null) return Option.none();
  return Option.some({ ...commonOf(stored, entry, job), ...(yield* endingOf(from, entry, job)) });
});

const iso = (at: number): string => new Date(at).toISOString();

const commonOf = (
  { record, tenant }: StoredJob,
  { at }: Entry,
  { costMicros }: NotifiedJob,
): Fields => ({
  job_id: record.jobId,
  pipeline: record.pipeline,
  version: record.version,
  tenant,
  cost_usd: usdOf(costMicros),
  created_at: iso(record.createdAt),
  ended_at: iso(at),
});

const endingOf = Effect.fnUntraced(function* (
  { assets, assetBase }: Told,
  entry: Entry,
  { jobId }: NotifiedJob,
): Effect.fn.Return<Fields, Trouble> {
  if (entry.type === "JobCompleted") {
    const output = yield* keptValue({ assets }, entry.output);
    if (output === undefined) return { status: "complete" };
    return { status: "complete", output: withServedUrls(output, assetBase, jobId) };
  }
  if (entry.type !== "StepFailed") return { status: "cancelled" };
  const { kind, path: step, failure } = entry;
  return { status: "failed", failure: { kind, step, message: safeMessageOf(failure) } };
});
