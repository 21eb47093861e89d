/**
 * Using an earlier job's answer instead of paying for one. It is looked for before an intent is made, by
 * the input as it would be sent, and used only if it decodes for this step: a step that would have
 * succeeded never fails by it, and nothing is looked for twice.
 */
import { Clock, Effect, Exit, Option, Schedule } from "effect";
import type { Schema } from "effect";
import type { EntryOf, FactOf } from "../../machines/entry.ts";
import { assetNamesIn } from "../../steps/asset-names.ts";
import { hashJson } from "../../steps/canonical-json.ts";
import type { NamedAsset, ReuseQuery } from "../journal-retention.ts";
import type { PredictionRow, StoreFailure } from "../journal-store.ts";
import { isErased } from "../journal-stores/retention-rules.ts";
import { progressIn } from "./attempt.ts";
import { jsonOf, keep } from "./hand-over.ts";
import { isAsset } from "./json-value.ts";
import { verdictOn } from "./model-answer.ts";
import type { ModelRun } from "./model-run.ts";

/** True where the step is done by an answer that somebody has paid for already. */
export const reuseAnswer = Effect.fnUntraced(function* (
  run: ModelRun,
  input: Schema.JsonObject,
): Effect.fn.Return<boolean> {
  const { reuseMs } = run.program;
  if (reuseMs === null || !mayReuse(run)) return false;
  const source = yield* find(run, hashJson(input), reuseMs);
  if (source === undefined) return false;
  const { row, settled } = source;
  const verdict = yield* Effect.exit(verdictOn(run, settled));
  if (!Exit.isSuccess(verdict)) return false;
  if (!(yield* holdAssets(run, settled))) return false;
  const { path } = run.node;
  const { attempt } = progressIn(run);
  const output = yield* keep(run.job, verdict.value);
  // Together, so that what was used again and what came of it are one fact to everybody.
  yield* run.job.append(yield* factOf(run, row, settled), {
    type: "StepSucceeded",
    path,
    attempt,
    output,
  });
  return true;
});

/** A step that had an answer could not use it, and who asks for a RETRY wants another one. */
const mayReuse = (run: ModelRun): boolean => {
  const { answerSeq, round, repairs } = progressIn(run);
  return answerSeq === null && round === 1 && repairs === 0;
};

interface Source {
  readonly row: PredictionRow;
  readonly settled: EntryOf<"PredictionSettled">;
}

/** The newest answer to an equal call, if it is there whole. */
const find = Effect.fnUntraced(function* (
  run: ModelRun,
  inputHash: string,
  reuseMs: number,
): Effect.fn.Return<Source | undefined> {
  const { host, jobId } = run.job;
  const { provider } = run.provider.client;
  const since = (yield* Clock.currentTimeMillis) - reuseMs;
  const equal = { provider, model: run.model, inputHash, since, notOf: jobId };
  const query = run.program.isReusedAcrossTenants ? equal : yield* ofOwnTenant(run, equal);
  if (query === null) return undefined;
  const row = yield* patiently(host.store.reusable(query), Option.none());
  if (Option.isNone(row)) return undefined;
  const entries = yield* patiently(host.store.entries(row.value.jobId), []);
  const settled = entries.find(
    (entry): entry is EntryOf<"PredictionSettled"> =>
      entry.type === "PredictionSettled" && entry.key === row.value.key,
  );
  if (settled === undefined || settled.fileFailure !== null || isErased(settled.raw))
    return undefined;
  return { row: row.value, settled };
});

/** What one tenant has asked and was answered is no other's to see. */
const ofOwnTenant = Effect.fnUntraced(function* (
  { job: { host, jobId } }: ModelRun,
  query: ReuseQuery,
): Effect.fn.Return<ReuseQuery | null> {
  const job = Option.getOrNull(yield* patiently(host.store.job(jobId), Option.none()));
  return job === null ? null : { ...query, tenant: job.tenant };
});

/** A store that cannot be read for a while is waited for; a job that is damaged has nothing to give. */
const patiently = <A>(read: Effect.Effect<A, StoreFailure>, otherwise: A): Effect.Effect<A> =>
  read.pipe(
    Effect.retry({
      schedule: Schedule.spaced("500 millis"),
      while: ({ reason }) => reason !== "Broken",
    }),
    Effect.orElseSucceed(() => otherwise),
  );

/** Makes the answer's files this job's own; false where one of them is gone with the job that had it. */
const holdAssets = Effect.fnUntraced(function* (
  run: ModelRun,
  { raw, files }: EntryOf<"PredictionSettled">,
): Effect.fn.Return<boolean> {
  const names: Array<NamedAsset> = files.flatMap(({ asset }) =>
    isAsset(asset) ? [{ sha256: asset.sha256, isRaw: false, isPayload: false, isOwn: true }] : [],
  );
  if ("asset" in raw) names.push({ sha256: raw.asset, isRaw: true, isPayload: true });
  if (!(yield* areHeld(run, names))) return false;
  // Read only once it is named: until then whoever erases the job that had it takes it away.
  if ("asset" in raw) {
    const within = assetNamesIn(JSON.stringify(yield* jsonOf(run.job, raw)));
    yield* name(
      run,
      within.map((sha256) => ({ sha256, isRaw: true, isPayload: false })),
    );
  }
  return true;
});

/** Named first, and then looked for: what is there stays. */
const areHeld = Effect.fnUntraced(function* (
  run: ModelRun,
  names: ReadonlyArray<NamedAsset>,
): Effect.fn.Return<boolean> {
  yield* name(run, names);
  const there = yield* Effect.forEach(names, ({ sha256 }) =>
    Effect.orElseSucceed(run.job.host.assets.touch(sha256), () => false),
  );
  return there.every(Boolean);
});

const name = Effect.fnUntraced(function* (
  { job: { host, jobId } }: ModelRun,
  names: ReadonlyArray<NamedAsset>,
) {
  if (names.length === 0) return;
  const at = yield* Clock.currentTimeMillis;
  yield* host.committer.commit({ type: "NameAssets", jobId, names, at });
});

const factOf = Effect.fnUntraced(function* (
  run: ModelRun,
  { jobId, predictionId, settledAt, inputHash }: PredictionRow,
  { at, raw, files, receipt }: EntryOf<"PredictionSettled">,
): Effect.fn.Return<FactOf<"PredictionReused">> {
  const { attempt, calls } = progressIn(run);
  const { provider } = run.provider.client;
  return {
    type: "PredictionReused",
    path: run.node.path,
    attempt,
    call: calls + 1,
    key: yield* run.job.host.newKey,
    provider,
    model: run.model,
    inputHash,
    source: {
      jobId,
      predictionId: predictionId ?? receipt.predictionId,
      settledAt: settledAt ?? at,
    },
    raw,
    files,
    receipt: {
      provider,
      model: run.model,
      predictionId: receipt.predictionId,
      costMicros: 0,
      basis: `reused from job ${jobId}`,
      metrics: {},
    },
  };
});
