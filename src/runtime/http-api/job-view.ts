/**
 * A job as its caller sees it: status, where it stands, what it waits for, its output or why it failed in a
 * sentence that is safe. What a model answered, what things cost and what went wrong inside stay inside.
 */
import { Effect, Schema } from "effect";
import { type PipelinePlan, signalNodes } from "../../machines/plan.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { safeMessageOf } from "../../steps/failure.ts";
import type { AnySchema } from "../../steps/step.ts";
import { type Engine, keyOf } from "../engine.ts";
import type { StateRecord, StoredJob, StoreFailure } from "../journal-store.ts";
import { withServedUrls } from "./asset-urls.ts";
import { keptValue } from "./kept-value.ts";

const Status = Schema.Literals(["pending", "processing", "failed", "complete", "cancelled"]);
const FailureKind = Schema.Literals(["validation", "timeout", "provider", "policy", "defect"]);

const Progress = Schema.Struct({
  /** Steps that are done, and how many there are. */
  done: Schema.Int,
  of: Schema.Int,
  step: Schema.NullOr(Schema.String),
  attempt: Schema.Int,
});

const Links = Schema.Struct({
  self: Schema.String,
  events: Schema.String,
  cancel: Schema.String,
  retry: Schema.String,
  pause: Schema.String,
  resume: Schema.String,
  /** Where each signal of the pipeline is sent, by its name; absent where it has none. */
  signals: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
});

const summaryFields = {
  job_id: Schema.String,
  pipeline: Schema.String,
  status: Status,
  detail: Schema.NullOr(Schema.String),
  progress: Schema.NullOr(Progress),
  waiting_for: Schema.NullOr(Schema.String),
  since: Schema.NullOr(Schema.String),
  until: Schema.NullOr(Schema.String),
  next: Schema.NullOr(Schema.String),
  failure_kind: Schema.NullOr(FailureKind),
  created_at: Schema.String,
  updated_at: Schema.String,
  /** When its content was taken away; null while it is kept. */
  erased_at: Schema.NullOr(Schema.String),
  links: Links,
};

/** A job as a list shows it: what its row says. */
export const JobSummary = Schema.Struct(summaryFields);
type JobSummary = typeof JobSummary.Type;

const endings = {
  failure: Schema.optionalKey(
    Schema.Struct({
      kind: FailureKind,
      step: Schema.NullOr(Schema.String),
      message: Schema.String,
    }),
  ),
};

/** The view of a pipeline's jobs, for the reference. */
export const viewSchema = (output: AnySchema<unknown>) =>
  Schema.Struct({ ...summaryFields, ...endings, output: Schema.optionalKey(output) });

/** The view of any pipeline's job. */
export const JobView = Schema.Struct({
  ...summaryFields,
  ...endings,
  output: Schema.optionalKey(Schema.Json),
});
export type JobView = typeof JobView.Type;

/** What a view is made with: the engine, the path the API is mounted under, and where its assets are served. */
export interface Surroundings {
  readonly engine: Engine;
  readonly basePath: string;
  /** A URL or a path. */
  readonly assetBase: string;
}

const iso = (at: number): string => new Date(at).toISOString();

export const summaryOf = ({ engine, basePath }: Surroundings, record: StateRecord): JobSummary => {
  const { pipeline, waiting } = record;
  const plan = engine.deployed.get(keyOf({ name: pipeline, version: record.version }))?.plan;
  return {
    job_id: record.jobId,
    pipeline,
    status: record.status,
    detail: record.detail,
    progress: plan === undefined ? null : progressOf(plan, record),
    waiting_for: waiting?.waitingFor ?? null,
    since: waiting === null ? null : iso(waiting.since),
    until: waiting?.until == null ? null : iso(waiting.until),
    next: waiting?.next ?? null,
    failure_kind: record.failureKind,
    created_at: iso(record.createdAt),
    updated_at: iso(record.updatedAt),
    erased_at: record.erasedAt === null ? null : iso(record.erasedAt),
    links: linksOf(basePath, record, plan),
  };
};

/** The view now. Fails with: StoreFailure, AssetStoreFailure. */
export const viewOf = Effect.fnUntraced(function* (
  around: Surroundings,
  { record }: StoredJob,
): Effect.fn.Return<JobView, StoreFailure | AssetStoreFailure> {
  const summary = summaryOf(around, record);
  const { status, normalizedOutput, jobId } = record;
  if (status === "complete") {
    const output = yield* keptValue(around.engine, normalizedOutput);
    if (output === undefined) return summary;
    return { ...summary, output: withServedUrls(output, around.assetBase, jobId) };
  }
  if (status !== "failed") return summary;
  return { ...summary, failure: yield* failureOf(around.engine, record) };
});

export const pathOf = (basePath: string, { pipeline, jobId }: StateRecord): string =>
  `${basePath}/${pipeline}/${jobId}`;

const linksOf = (
  basePath: string,
  record: StateRecord,
  plan: PipelinePlan | undefined,
): JobView["links"] => {
  const self = pathOf(basePath, record);
  const signals = signalNodes(plan?.nodes ?? []).map(
    ({ path }) => [path, `${self}/signals/${path}`] as const,
  );
  return {
    self,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
    retry: `${self}/retry`,
    pause: `${self}/pause`,
    resume: `${self}/resume`,
    ...(signals.length === 0 ? {} : { signals: Object.fromEntries(signals) }),
  };
};

const progressOf = (plan: PipelinePlan, record: StateRecord): JobView["progress"] => {
  const { currentStep: step, attempt, status } = record;
  const of = plan.nodes.length;
  if (status === "complete") return { done: of, of, step: null, attempt: 0 };
  const place = plan.nodes.findIndex(({ path }) => path === step);
  // Only a name that belongs to the machine, such as the shaping of the output, is no step's.
  const done = step === null ? 0 : place < 0 ? of : place;
  return { done, of, step: place < 0 ? null : step, attempt };
};

const failureOf = Effect.fnUntraced(function* (
  { store }: Engine,
  record: StateRecord,
): Effect.fn.Return<NonNullable<JobView["failure"]>, StoreFailure> {
  const entries = yield* store.entries(record.jobId);
  const failed = entries.findLast((entry) => entry.type === "StepFailed");
  return {
    kind: failed?.kind ?? record.failureKind ?? "defect",
    step: failed?.path ?? record.currentStep,
    message: failed === undefined ? "step failed" : safeMessageOf(failed.failure),
  };
});
