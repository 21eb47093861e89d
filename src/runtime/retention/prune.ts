/**
 * Pruning by age: whole jobs first, raw answers of those that stay, then the assets that nobody names. In
 * small batches, each one transaction; a death in between leaves nothing half done. A dry run counts the
 * same things, as if the jobs and raw answers were gone already, and takes nothing.
 */
import { Clock, Effect } from "effect";
import type { AssetStoreFailure, ListedAsset } from "../../steps/asset-store.ts";
import type { JobContent, RestedQuery, RetentionWrite } from "../journal-retention.ts";
import type { StoreFailure } from "../journal-store.ts";
import {
  type Amount,
  eachPage,
  nothing,
  plus,
  readOldPayloads,
  removeLeftovers,
  removeUnnamed,
} from "./asset-removal.ts";
import type { RetentionHost } from "./retention-host.ts";
import { scrubLater } from "./scrub.ts";

/** How much of one kind went, or would go. */
export interface Pruned extends Amount {
  /** The age that was applied (ms); null where this kind is kept for ever. */
  readonly ageMs: number | null;
}

export interface PruneReport {
  /** Nothing was taken: the numbers say what would be. */
  readonly isDryRun: boolean;
  /** Answers of models, those of pruned jobs not counted. */
  readonly rawAnswers: Pruned;
  /** `bytes` is what their journals held. */
  readonly jobs: Pruned;
  /** Files, those among them that hold large values of pruned jobs and answers. */
  readonly assets: Pruned;
}

export interface PruneOptions {
  /** Count, and take nothing. Default: false. */
  readonly dryRun?: boolean;
}

type Trouble = StoreFailure | AssetStoreFailure;

/** Instants (ms) before which something is old enough; null where nothing ever is. */
interface Limits {
  readonly jobs: number | null;
  readonly raw: number | null;
  readonly assets: number | null;
}

export const prune = Effect.fnUntraced(function* (
  host: RetentionHost,
  { dryRun = false }: PruneOptions = {},
): Effect.fn.Return<PruneReport, Trouble> {
  const { rawAnswersMs, jobsMs, assetsMs, assetGraceMs } = host.policy;
  const now = yield* Clock.currentTimeMillis;
  const limits: Limits = {
    jobs: jobsMs === null ? null : now - jobsMs,
    raw: rawAnswersMs === null ? null : now - rawAnswersMs,
    assets: assetsMs === null ? null : now - Math.max(assetsMs, assetGraceMs),
  };
  yield* readOldPayloads(host);
  const { jobs, rawAnswers, assets } = yield* dryRun ? count(host, limits) : take(host, limits);
  return {
    isDryRun: dryRun,
    rawAnswers: { ageMs: rawAnswersMs, ...rawAnswers },
    jobs: { ageMs: jobsMs, ...jobs },
    assets: { ageMs: assetsMs, ...assets },
  };
});

interface Amounts {
  readonly jobs: Amount;
  readonly rawAnswers: Amount;
  readonly assets: Amount;
}

const jobAmount = (jobs: ReadonlyArray<JobContent>): Amount => ({
  count: jobs.length,
  bytes: jobs.reduce((sum, { bytes }) => sum + bytes, 0),
});

const rawAmount = (jobs: ReadonlyArray<JobContent>): Amount => ({
  count: jobs.reduce((sum, { rawAnswers }) => sum + rawAnswers, 0),
  bytes: jobs.reduce((sum, { rawBytes }) => sum + rawBytes, 0),
});

/** Small enough that a job's own commit hardly waits for it. */
const batchSize = 20;

/** Every job at rest since before the instant, batch by batch; none where that is null. */
const eachBatch = Effect.fnUntraced(function* (
  { store, pause }: RetentionHost,
  { before, hasRaw }: Pick<RestedQuery, "hasRaw"> & { readonly before: number | null },
  use: (batch: ReadonlyArray<JobContent>) => Effect.Effect<void, Trouble>,
): Effect.fn.Return<void, Trouble> {
  if (before === null) return;
  let after: RestedQuery["after"] = null;
  do {
    const batch: ReadonlyArray<JobContent> = yield* store.rested({
      before,
      hasRaw,
      after,
      limit: batchSize,
    });
    if (batch.length > 0) yield* use(batch);
    after = batch.at(-1) ?? null;
    yield* pause;
  } while (after !== null);
});

// --- in earnest

const take = Effect.fnUntraced(function* (
  host: RetentionHost,
  { jobs: jobsBefore, raw: rawBefore, assets: assetsBefore }: Limits,
): Effect.fn.Return<Amounts, Trouble> {
  const at = yield* Clock.currentTimeMillis;
  let jobs = nothing;
  yield* eachBatch(host, { before: jobsBefore, hasRaw: false }, (batch) =>
    Effect.map(
      committed(host, batch, ({ jobId, seq }) => ({
        type: "EraseJob",
        jobId,
        seq,
        at,
        leavesBehind: "payloads",
      })),
      (gone) => {
        jobs = plus(jobs, jobAmount(gone));
      },
    ),
  );
  let rawAnswers = nothing;
  yield* eachBatch(host, { before: rawBefore, hasRaw: true }, (batch) =>
    Effect.map(
      committed(host, batch, ({ jobId, seq }) => ({ type: "EraseRawAnswers", jobId, seq, at })),
      (gone) => {
        rawAnswers = plus(rawAnswers, rawAmount(gone));
      },
    ),
  );
  // A file that cannot be removed keeps nothing else from going: that it is there still is said at the end.
  const left = yield* Effect.result(removeLeftovers(host));
  const unnamed = yield* Effect.result(
    assetsBefore === null ? Effect.succeed(nothing) : removeUnnamed(host, assetsBefore),
  );
  yield* host.commit({ type: "TidyAssets", gone: [], earlyBefore: at - host.policy.assetGraceMs });
  // Those of jobs went with them.
  if (jobsBefore !== null) yield* host.commit({ type: "TidyNotifications", before: jobsBefore });
  if (jobs.count + rawAnswers.count > 0) yield* scrubLater(host);
  const assets = plus(yield* Effect.fromResult(left), yield* Effect.fromResult(unnamed));
  return { jobs, rawAnswers, assets };
});

/** Those whose write was committed; a job that has gone on meanwhile is left alone. */
const committed = Effect.fnUntraced(function* (
  { commit }: RetentionHost,
  batch: ReadonlyArray<JobContent>,
  writeOf: (job: JobContent) => RetentionWrite,
): Effect.fn.Return<ReadonlyArray<JobContent>, StoreFailure> {
  const results = yield* Effect.forEach(batch, (job) => commit(writeOf(job)), {
    concurrency: "unbounded",
  });
  return batch.filter((_, index) => results[index]?.type === "Committed");
});

// --- dry

/** What would be left behind, and when the job that named it last came to rest (ms). */
type Leaving = Map<string, number>;

const count = Effect.fnUntraced(function* (
  host: RetentionHost,
  limits: Limits,
): Effect.fn.Return<Amounts, Trouble> {
  const leaving: Leaving = new Map();
  let jobs = nothing;
  yield* eachBatch(host, { before: limits.jobs, hasRaw: false }, (batch) =>
    Effect.sync(() => {
      jobs = plus(jobs, jobAmount(batch));
      for (const { restedAt, payloads } of batch)
        for (const { sha256 } of payloads) leaving.set(sha256, restedAt);
    }),
  );
  let rawAnswers = nothing;
  yield* eachBatch(host, { before: limits.raw, hasRaw: true }, (batch) =>
    Effect.sync(() => {
      // A job that would be gone takes its raw answers with it.
      const staying = batch.filter(({ restedAt }) => restedAt >= (limits.jobs ?? -Infinity));
      rawAnswers = plus(rawAnswers, rawAmount(staying));
      for (const { restedAt, payloads } of staying)
        for (const { sha256, isRaw } of payloads) if (isRaw) leaving.set(sha256, restedAt);
    }),
  );
  return { jobs, rawAnswers, assets: yield* countAssets(host, limits, leaving) };
});

const countAssets = Effect.fnUntraced(function* (
  host: RetentionHost,
  limits: Limits,
  leaving: Leaving,
): Effect.fn.Return<Amount, Trouble> {
  let after = "";
  while (true) {
    const page = yield* host.store.leftovers(after, batchSize);
    for (const { sha256, restedAt } of page) leaving.set(sha256, restedAt);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.sha256;
  }
  if (leaving.size === 0 && limits.assets === null) return nothing;
  const graceBefore = (yield* Clock.currentTimeMillis) - host.policy.assetGraceMs;
  const isLeaving = ({ sha256, putAt }: ListedAsset): boolean => {
    const restedAt = leaving.get(sha256);
    return restedAt !== undefined && putAt < Math.max(restedAt + 1, graceBefore);
  };
  const asIf = { jobsBefore: limits.jobs ?? -Infinity, rawBefore: limits.raw ?? -Infinity };
  const assetsBefore = limits.assets ?? -Infinity;
  let amount = nothing;
  yield* eachPage(host, (page) =>
    Effect.gen(function* () {
      const old = page.filter((one) => one.putAt < assetsBefore || isLeaving(one));
      if (old.length === 0) return;
      const sha256s = old.map(({ sha256 }) => sha256);
      const free = yield* host.store.freeAssets({ sha256s, asIf });
      for (const { sha256, sizeBytes } of old)
        if (free.has(sha256)) amount = plus(amount, { count: 1, bytes: sizeBytes });
    }),
  );
  return amount;
});
