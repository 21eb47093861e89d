/**
 * Catena as a service of Effect: one implementation for hosts that use layers and, behind a facade of
 * promises, for everybody else. It reads no environment, registers no signal handler and never exits.
 */
import { Context, Effect, Result, type Scope, Stream } from "effect";
import type { AnyPipeline, FailureOf, InputOf, OutputOf, SignalsOf } from "../machines/pipeline.ts";
import type { Fact } from "../machines/entry.ts";
import type { PipelinePlan } from "../machines/plan.ts";
import type { AssetStoreFailure } from "../steps/asset-store.ts";
import { decodeFailure, safeMessageOf, ValidationFailure } from "../steps/failure.ts";
import { there, thenAtOnce } from "./services/at-once.ts";
import { codecOf } from "./services/codecs.ts";
import type { Alert } from "./alerts/alert.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { type Engine, keyOf } from "./engine.ts";
import type { Delta } from "./deltas/delta.ts";
import type { Submitted } from "./jobs/claim.ts";
import type { Intake } from "./jobs/left-behind.ts";
import { loadValue } from "./job-values.ts";
import { storedJob } from "./stored-job.ts";
import { checkUse, storedState, type JobState } from "./stored-jobs.ts";
import type { StateRecord, StoreFailure } from "./journal-store.ts";
import { type RuntimeOptions, StartError } from "./options.ts";
import { erasedOn, JobUnavailable, type Outcome } from "./outcome.ts";
import type { Notifications } from "./notifications.ts";
import type { Retention } from "./retention.ts";
import {
  noSuchSignal,
  sendSignal,
  type SignalAnswer,
  signalNamed,
  type SignalOptions,
} from "./signals.ts";
import { startEngine } from "./start-engine.ts";

export interface SubmitOptions {
  /** Submitting again with the same key answers the same job, whatever the input. Not empty, no control characters. */
  readonly idempotencyKey?: string;
}

/** A signal to a job of the pipeline P. */
export interface Sent<
  P extends AnyPipeline,
  Name extends keyof SignalsOf<P> & string,
> extends SignalOptions {
  readonly name: Name;
  readonly value: SignalsOf<P>[Name];
}

/** Whether new work is taken, and if not, why. */
export interface Readiness {
  readonly isReady: boolean;
  readonly reasons: ReadonlyArray<string>;
}

/** Catena for hosts that use Effect. */
export class CatenaService extends Context.Service<
  CatenaService,
  {
    readonly engine: Engine;
    /** Fails with: ValidationFailure, StoreFailure, AssetStoreFailure. */
    submit<P extends AnyPipeline>(
      pipeline: P,
      input: NoInfer<InputOf<P>>,
      options?: SubmitOptions,
    ): Effect.Effect<
      { readonly jobId: string; readonly isNew: boolean },
      ValidationFailure | StoreFailure | AssetStoreFailure
    >;
    /** Fails with: StoreFailure, AssetStoreFailure, and JobUnavailable where the job was erased. */
    outcome<P extends AnyPipeline>(
      pipeline: P,
      jobId: string,
    ): Effect.Effect<Outcome<OutputOf<P>, FailureOf<P>>, OutcomeFailure>;
    /** Fails with: StoreFailure, and JobUnavailable where the job's state has no use for it. */
    tell(jobId: string, fact: Fact): Effect.Effect<void, StoreFailure | JobUnavailable>;
    /**
     * Sends the job what one of its steps waits for, or will wait for. Fails with: ValidationFailure (at signal),
     * StoreFailure, AssetStoreFailure, and JobUnavailable where the pipeline has no such signal, the job is over,
     * or it has the signal with another value.
     */
    signal<P extends AnyPipeline, Name extends keyof SignalsOf<P> & string>(
      pipeline: P,
      jobId: string,
      sent: Sent<P, Name>,
    ): Effect.Effect<
      SignalAnswer,
      ValidationFailure | StoreFailure | AssetStoreFailure | JobUnavailable
    >;
    /** Fails with: StoreFailure, JobUnavailable. */
    state(jobId: string): Effect.Effect<JobState, StoreFailure | JobUnavailable>;
    /**
     * What the job's models write, while they write it; of calls at work from their beginning. Ends when the job
     * rests; of one that rests there is nothing. Fails with: StoreFailure, JobUnavailable.
     */
    deltas(jobId: string): Stream.Stream<Delta, StoreFailure | JobUnavailable>;
    readonly prune: Retention["prune"];
    readonly erase: Retention["erase"];
    readonly deadLetters: DeadLetters;
    /** What needs a look now, longest first. */
    readonly alerts: () => ReadonlyArray<Alert>;
    readonly notifications: Notifications["list"];
    readonly redeliver: Notifications["redeliver"];
    readonly readiness: () => Readiness;
    /** How far today's budgets are used: of all jobs of the store, then of each tenant. Fails with: StoreFailure. */
    readonly budgets: Engine["budgets"];
  }
>()("catena-ai/runtime/CatenaService") {}

type Service = CatenaService["Service"];

type OutcomeFailure = StoreFailure | AssetStoreFailure | JobUnavailable;

/** What a start can fail with, beside a StartError thrown for an option that cannot be. */
export type StartFailure = StoreFailure | AssetStoreFailure;

/** Starts an engine and serves it for as long as the scope lives. Throws StartError for an option that cannot be. */
export const makeService = (
  options: RuntimeOptions & { readonly pipelines: ReadonlyArray<AnyPipeline> },
  intake: Intake = "any",
): Effect.Effect<Service, StartFailure, Scope.Scope> =>
  Effect.map(startEngine(options, intake), serviceOf);

const serviceOf = (engine: Engine): Service => ({
  engine,
  submit: (pipeline, input, options) =>
    Effect.suspend(() =>
      submit(engine, { pipeline, input, idempotencyKey: options?.idempotencyKey ?? null }),
    ),
  outcome: (pipeline, jobId) => outcomeOf(engine, pipeline, jobId),
  tell: (jobId, fact) => tell(engine, jobId, fact),
  signal: (pipeline, jobId, sent) => signal(engine, { pipeline, jobId, ...sent }),
  state: (jobId) => storedState(engine.store, jobId),
  deltas: (jobId) =>
    Stream.unwrap(Effect.as(storedJob(engine.store, jobId), engine.deltas.listen(jobId))),
  prune: (options) => engine.retention.prune(options),
  erase: (jobId) => engine.retention.erase(jobId),
  deadLetters: engine.letters,
  alerts: engine.alerts.raised,
  notifications: (filter) => engine.notifications.list(filter),
  redeliver: (id) => engine.notifications.redeliver(id),
  readiness: () => readinessOf(engine),
  budgets: engine.budgets,
});

interface Request {
  readonly pipeline: AnyPipeline;
  readonly input: unknown;
  // Often a header as it came: a list where it came twice, an empty text where it was left empty.
  readonly idempotencyKey: unknown;
}

/** Control characters divide a key from the tenant it belongs to. */
const isKey = (value: unknown): value is string | null =>
  value === null || (typeof value === "string" && /^\P{Cc}+$/u.test(value));

const wrongKey = {
  path: "idempotencyKey",
  message: "Expected a string that is not empty and has no control characters",
} as const;

const submit = (
  engine: Engine,
  { pipeline, input, idempotencyKey }: Request,
): Effect.Effect<Submitted, ValidationFailure | StoreFailure | AssetStoreFailure> => {
  const key = keyOf(pipeline.plan);
  const deployed = engine.deployed.get(key);
  if (deployed === undefined) {
    return Effect.die(
      new StartError(
        "pipelines",
        `a list with the pipeline ${key} that a job is submitted to`,
        [...engine.deployed.keys()].join(", "),
      ),
    );
  }
  if (!isKey(idempotencyKey)) return new ValidationFailure({ at: "input", issues: [wrongKey] });
  const encoded = codecOf(pipeline.plan.input).encode(input);
  if (Result.isFailure(encoded))
    return new ValidationFailure({ at: "input", issues: encoded.failure });
  return engine.jobs.submit({ deployed, input: encoded.success, idempotencyKey });
};

const outcomeOf = <P extends AnyPipeline>(
  engine: Engine,
  pipeline: P,
  jobId: string,
): Effect.Effect<Outcome<OutputOf<P>, FailureOf<P>>, OutcomeFailure> =>
  Effect.flatMap(engine.jobs.rested(jobId), (record) =>
    readOutcome<OutputOf<P>, FailureOf<P>>(engine, pipeline, record),
  );

const readOutcome = <Output, F>(
  engine: Engine,
  pipeline: AnyPipeline,
  record: StateRecord,
): Effect.Effect<Outcome<Output, F>, OutcomeFailure> => {
  if (record.status === "cancelled") return Effect.succeed({ status: "cancelled" });
  if (record.erasedAt !== null)
    return Effect.fail(new JobUnavailable(record.jobId, erasedOn(record.erasedAt)));
  if (record.status !== "complete" || record.normalizedOutput === null)
    return readFailure(engine, record);
  const json = loadValue(engine.assets, record.normalizedOutput);
  const known = there(json);
  const loaded =
    known === undefined
      ? Effect.catchTag(json, "ValueErased", ({ erasedAt }) =>
          Effect.fail(new JobUnavailable(record.jobId, erasedOn(erasedAt))),
        )
      : Effect.succeed(known.value);
  return thenAtOnce(loaded, (value) => {
    const output = codecOf(pipeline.plan.output.schema).decode(value);
    if (Result.isFailure(output))
      return Effect.die(new ValidationFailure({ at: "output", issues: output.failure }));
    // The pipeline's own output schema has just decoded it.
    return Effect.succeed({ status: "complete", output: output.success as Output });
  });
};

const readFailure = Effect.fnUntraced(function* <Output, F>(
  engine: Engine,
  record: StateRecord,
): Effect.fn.Return<Outcome<Output, F>, OutcomeFailure> {
  const entries = yield* engine.store.entries(record.jobId);
  if (entries.length === 0)
    return yield* Effect.fail(new JobUnavailable(record.jobId, "it was erased just now"));
  const failed = entries.findLast((entry) => entry.type === "StepFailed");
  if (failed === undefined)
    return yield* Effect.die(new Error(`job ${record.jobId} failed without an entry that says so`));
  const failure = failed.failure._tag === "Defect" ? failed.failure : decodeFailure(failed.failure);
  return {
    status: "failed",
    step: failed.path,
    kind: failed.kind,
    // What a step did not declare is recorded as a Defect, so that only declared failures come here.
    failure: failure as F,
    message: safeMessageOf(failed.failure),
  };
});

const tell = Effect.fnUntraced(function* (engine: Engine, jobId: string, fact: Fact) {
  const { record } = yield* storedJob(engine.store, jobId);
  yield* checkUse(record, fact);
  yield* engine.jobs.post(jobId, fact);
});

interface Sending {
  readonly pipeline: AnyPipeline;
  readonly jobId: string;
  readonly name: string;
  readonly value: unknown;
  readonly idempotencyKey?: unknown;
}

const signal = Effect.fnUntraced(function* (
  engine: Engine,
  { pipeline: { plan }, jobId, name, value, idempotencyKey = null }: Sending,
) {
  yield* ofPipeline(engine, plan, jobId);
  const node = signalNamed(plan, name);
  if (node === undefined)
    return yield* Effect.fail(new JobUnavailable(jobId, noSuchSignal(plan, name)));
  if (!isKey(idempotencyKey))
    return yield* new ValidationFailure({ at: "signal", issues: [wrongKey] });
  const encoded = codecOf(node.program.signal).encode(value);
  if (Result.isFailure(encoded))
    return yield* new ValidationFailure({ at: "signal", issues: encoded.failure });
  const sent = { jobId, path: name, value: encoded.success, id: idempotencyKey, by: "api" };
  return yield* sendSignal(engine.signals, { ...sent, isTrusted: true });
});

/** Fails with: StoreFailure, and JobUnavailable where the job is of another pipeline, or there is none. */
export const ofPipeline = Effect.fnUntraced(function* (
  { store }: Engine,
  plan: PipelinePlan,
  jobId: string,
) {
  const { record } = yield* storedJob(store, jobId);
  const [asked, own] = [keyOf(plan), keyOf({ name: record.pipeline, version: record.version })];
  if (asked !== own)
    yield* Effect.fail(new JobUnavailable(jobId, `it is of the pipeline ${own}, not ${asked}`));
});

const readinessOf = (engine: Engine): Readiness => {
  const failures = [engine.trouble()?.failure, engine.assetTrouble()];
  const reasons = failures.flatMap((failure) => (failure == null ? [] : [failure.message]));
  return { isReady: reasons.length === 0, reasons };
};
