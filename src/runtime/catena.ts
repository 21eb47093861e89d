/**
 * Catena for its users: start it, submit jobs, ask what became of them. One implementation, given twice:
 * Effects for hosts that use layers, promises for everybody else. It reads no environment, registers no
 * signal handler and never exits; several can live in one process.
 */
import { Context, Effect, Exit, Layer, Option, Result, Scope } from "effect";
import type { PipelineOptions } from "../machines/layer-option.ts";
import type {
  AnyPipeline,
  FailureOf,
  InputOf,
  OutputOf,
  ServicesOf,
} from "../machines/pipeline.ts";
import { AssetStore, type AssetStoreFailure } from "../steps/asset-store.ts";
import { FileSystemAssets } from "../steps/asset-stores/file-system.ts";
import { MemoryAssets } from "../steps/asset-stores/memory.ts";
import { decodeFailure, type Failure, safeMessageOf, ValidationFailure } from "../steps/failure.ts";
import { codecOf } from "./codecs.ts";
import { type Engine, keyOf, makeEngine } from "./engine.ts";
import { randomIdentifiers } from "./identifiers.ts";
import { loadValue } from "./job-values.ts";
import type { Entry, Fact } from "../machines/entry.ts";
import type {
  JobFilter,
  JournalStore,
  PredictionRow,
  StateRecord,
  StoreFailure,
} from "./journal-store.ts";
import { MemoryJournalStore } from "./journal-stores/memory.ts";
import { SqliteJournalStore } from "./journal-stores/sqlite.ts";
import { millisOf, positiveInteger, type RuntimeOptions, StartError } from "./options.ts";
import { JobCancelled, JobFailed, JobUnavailable, type Outcome } from "./outcome.ts";
import { listPrices } from "./price-table.ts";
import { defaultGateSettings } from "./provider-gate.ts";

export interface SubmitOptions {
  /** Submitting again with the same key answers the same job, whatever the input. */
  readonly idempotencyKey?: string;
}

/** What is seen of a job at one moment. */
export interface JobState {
  readonly record: StateRecord;
  readonly entries: ReadonlyArray<Entry>;
  readonly predictions: ReadonlyArray<PredictionRow>;
}

/** Whether new work is taken, and if not, why. */
export interface Readiness {
  readonly isReady: boolean;
  readonly reasons: ReadonlyArray<string>;
}

/** A job, for hosts that use promises. */
export interface Job<Output, F = Failure> {
  readonly id: string;
  /** False where the idempotency key already had this job. */
  readonly isNew: boolean;
  /** How the job ended, once it rests. Rejects with: StoreFailure. */
  outcome(): Promise<Outcome<Output, F>>;
  /** The output. Rejects with: JobFailed, JobCancelled, StoreFailure. */
  result(): Promise<Output>;
  /** Asks for the end of the job and of what it has running remotely. Rejects with: JobUnavailable, StoreFailure. */
  cancel(): Promise<void>;
  /** No new attempt or call starts; what is open is awaited and settled. Rejects with: JobUnavailable, StoreFailure. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Goes on at the failed step. `isFresh`: without decoding a stored answer once more. Rejects with: JobUnavailable, StoreFailure. */
  retry(options?: { readonly isFresh?: boolean }): Promise<void>;
  /** The record, journal and ledger as committed. Rejects with: JobUnavailable, StoreFailure. */
  state(): Promise<JobState>;
}

export interface Catena extends AsyncDisposable {
  /** How many unfinished jobs of dead processes were taken over at the start. */
  readonly recovered: number;
  /** A job is never lost once this has resolved. Rejects with: ValidationFailure (at input), StoreFailure, StartError. */
  submit<P extends AnyPipeline>(
    pipeline: P,
    input: NoInfer<InputOf<P>>,
    options?: SubmitOptions,
  ): Promise<Job<OutputOf<P>, FailureOf<P>>>;
  /** A job of this store by its id. Rejects with: JobUnavailable, StoreFailure. */
  job<P extends AnyPipeline>(pipeline: P, id: string): Promise<Job<OutputOf<P>, FailureOf<P>>>;
  /** State records, newest first. Rejects with: StoreFailure. */
  jobs(filter?: JobFilter): Promise<ReadonlyArray<StateRecord>>;
  readiness(): Readiness;
  /** Lets every job go where it stands; the next start takes them up. */
  stop(): Promise<void>;
}

export type StartOptions<Pipelines extends ReadonlyArray<AnyPipeline>> =
  PipelineOptions<Pipelines> & RuntimeOptions;

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
    /** Fails with: StoreFailure, AssetStoreFailure. */
    outcome<P extends AnyPipeline>(
      pipeline: P,
      jobId: string,
    ): Effect.Effect<Outcome<OutputOf<P>, FailureOf<P>>, StoreFailure | AssetStoreFailure>;
    /** Fails with: StoreFailure, and JobUnavailable where the job's state has no use for it. */
    tell(jobId: string, fact: Fact): Effect.Effect<void, StoreFailure | JobUnavailable>;
    /** Fails with: StoreFailure, JobUnavailable. */
    state(jobId: string): Effect.Effect<JobState, StoreFailure | JobUnavailable>;
    readonly readiness: () => Readiness;
  }
>()("catena-ai/runtime/CatenaService") {}

type Service = CatenaService["Service"];

/** What a start can fail with, beside a StartError thrown for an option that cannot be. */
export type StartFailure = StoreFailure | AssetStoreFailure;

const make = Effect.fnUntraced(function* (
  options: RuntimeOptions & { readonly pipelines: ReadonlyArray<AnyPipeline> },
): Effect.fn.Return<Service, StartFailure, Scope.Scope> {
  checkPipelines(options.pipelines);
  const { pipelines } = options;
  const store = yield* openStore(options);
  const assets = yield* openAssets(options);
  const pollMs = millisOf("pollEvery", options.pollEvery, 1_000);
  const engine = yield* Effect.provideService(
    makeEngine({
      plans: pipelines.map(({ plan }) => plan),
      store,
      assets,
      models: options.models,
      prices: { ...listPrices, ...options.prices },
      gate: options.rate ?? defaultGateSettings,
      jobs: {
        closeGraceMs: millisOf("closeGrace", options.closeGrace, 30_000),
        passivateAfterMs: millisOf("passivateAfter", options.passivateAfter, 30_000),
      },
      watcher: {
        orphanGraceMs: millisOf("orphanGrace", options.orphanGrace, 60_000),
        pollMs,
        maxPollMs: pollMs * 10,
      },
      concurrency: positiveInteger("concurrency", options.concurrency, 100),
      lookEveryMs: millisOf("lookEvery", options.lookEvery, 200),
      recoverEveryMs: millisOf("recoverEvery", options.recoverEvery, 5_000),
      identifiers: options.identifiers ?? randomIdentifiers,
      observe: quietly(options.inspect),
    }),
    AssetStore,
    assets,
  );
  return serviceOf(engine);
});

/** An inspector that throws must not take the job with it that it looks at. */
const quietly = (inspect: RuntimeOptions["inspect"]): NonNullable<RuntimeOptions["inspect"]> => {
  if (inspect === undefined) return () => undefined;
  return (observation) => {
    try {
      inspect(observation);
    } catch {
      // Looking is no part of the work.
    }
  };
};

const checkPipelines = (pipelines: unknown): void => {
  if (!Array.isArray(pipelines) || pipelines.length === 0) {
    throw new StartError("pipelines", "a list of at least one pipeline", pipelines);
  }
  const seen = new Set<string>();
  for (const [index, pipeline] of pipelines.entries()) {
    if (!isFinished(pipeline)) {
      throw new StartError(
        `pipelines[${index}]`,
        "a pipeline ended by .output(schema, map)",
        pipeline,
      );
    }
    const key = keyOf(pipeline.plan);
    if (seen.has(key))
      throw new StartError("pipelines", `one pipeline for each name and version`, `${key} twice`);
    seen.add(key);
  }
};

const isFinished = (pipeline: unknown): pipeline is AnyPipeline =>
  typeof pipeline === "object" &&
  pipeline !== null &&
  "plan" in pipeline &&
  typeof pipeline.plan === "object" &&
  pipeline.plan !== null &&
  "output" in pipeline.plan;

const openStore = ({
  store = "memory",
  durability = "full",
}: RuntimeOptions): Effect.Effect<JournalStore["Service"], StoreFailure, Scope.Scope> => {
  if (typeof store !== "string") return Effect.succeed(store);
  if (store === "memory") return Effect.sync(() => MemoryJournalStore.make());
  return SqliteJournalStore.make({
    path: store,
    synchronous: durability === "normal" ? "NORMAL" : "FULL",
  });
};

const openAssets = ({
  store = "memory",
  assets,
}: RuntimeOptions): Effect.Effect<AssetStore["Service"], AssetStoreFailure, Scope.Scope> => {
  if (assets !== undefined && typeof assets !== "string") return Effect.succeed(assets);
  if (typeof assets === "string") return FileSystemAssets.make(assets);
  if (typeof store !== "string" || store === "memory")
    return Effect.sync(() => MemoryAssets.make());
  return FileSystemAssets.make(`${store}-assets`);
};

// --- the service

const serviceOf = (engine: Engine): Service => ({
  engine,
  submit: (pipeline, input, options) =>
    submit(engine, { pipeline, input, idempotencyKey: options?.idempotencyKey ?? null }),
  outcome: (pipeline, jobId) => outcomeOf(engine, pipeline, jobId),
  tell: (jobId, fact) => tell(engine, jobId, fact),
  state: (jobId) => stateOf(engine, jobId),
  readiness: () => readinessOf(engine),
});

interface Request {
  readonly pipeline: AnyPipeline;
  readonly input: unknown;
  readonly idempotencyKey: string | null;
}

const submit = Effect.fnUntraced(function* (
  engine: Engine,
  { pipeline, input, idempotencyKey }: Request,
) {
  const key = keyOf(pipeline.plan);
  const deployed = engine.deployed.get(key);
  if (deployed === undefined) {
    return yield* Effect.die(
      new StartError(
        "pipelines",
        `to include the pipeline ${key} that a job is submitted to`,
        [...engine.deployed.keys()].join(", "),
      ),
    );
  }
  const encoded = codecOf(pipeline.plan.input).encode(input);
  if (Result.isFailure(encoded))
    return yield* new ValidationFailure({ at: "input", issues: encoded.failure });
  return yield* engine.jobs.submit({ deployed, input: encoded.success, idempotencyKey });
});

const outcomeOf = Effect.fnUntraced(function* <P extends AnyPipeline>(
  engine: Engine,
  pipeline: P,
  jobId: string,
) {
  const record = yield* engine.jobs.rested(jobId);
  return yield* readOutcome<OutputOf<P>, FailureOf<P>>(engine, pipeline, record);
});

const readOutcome = Effect.fnUntraced(function* <Output, F>(
  engine: Engine,
  pipeline: AnyPipeline,
  record: StateRecord,
): Effect.fn.Return<Outcome<Output, F>, StoreFailure | AssetStoreFailure> {
  if (record.status === "cancelled") return { status: "cancelled" };
  if (record.status === "complete" && record.normalizedOutput !== null) {
    const json = yield* loadValue(engine.assets, record.normalizedOutput);
    const output = codecOf(pipeline.plan.output.schema).decode(json);
    if (Result.isFailure(output))
      return yield* Effect.die(new ValidationFailure({ at: "output", issues: output.failure }));
    // The pipeline's own output schema has just decoded it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is erased from AnyPipeline
    return { status: "complete", output: output.success as Output };
  }
  const entries = yield* engine.store.entries(record.jobId);
  const failed = entries.findLast((entry) => entry.type === "StepFailed");
  if (failed === undefined)
    return yield* Effect.die(new Error(`job ${record.jobId} failed without an entry that says so`));
  const failure = failed.failure._tag === "Defect" ? failed.failure : decodeFailure(failed.failure);
  return {
    status: "failed",
    step: failed.path,
    kind: failed.kind,
    // What a step did not declare is recorded as a Defect, so that only declared failures come here.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    failure: failure as F,
    message: safeMessageOf(failed.failure),
  };
});

const uses: { readonly [Type in Fact["type"]]?: (record: StateRecord) => boolean } = {
  CancelRequested: ({ status }) =>
    status === "pending" || status === "processing" || status === "failed",
  PauseRequested: ({ status }) => status === "processing",
  ResumeRequested: ({ status }) => status === "processing",
  RetryRequested: ({ status, detail }) => status === "failed" || detail === "unknown",
};

const tell = Effect.fnUntraced(function* (engine: Engine, jobId: string, fact: Fact) {
  const { record } = yield* found(engine, jobId);
  if (uses[fact.type]?.(record) !== true) {
    const asked = fact.type.replace("Requested", "").toLowerCase();
    return yield* Effect.fail(
      new JobUnavailable(jobId, `it is ${record.status}, there is nothing to ${asked}`),
    );
  }
  yield* engine.jobs.post(jobId, fact);
});

const found = Effect.fnUntraced(function* (engine: Engine, jobId: string) {
  const stored = yield* engine.store.job(jobId);
  if (Option.isNone(stored))
    return yield* Effect.fail(new JobUnavailable(jobId, "this store has no such job"));
  return stored.value;
});

const stateOf = Effect.fnUntraced(function* (engine: Engine, jobId: string) {
  const { record } = yield* found(engine, jobId);
  const [entries, predictions] = yield* Effect.all([
    engine.store.entries(jobId),
    engine.store.predictions(jobId),
  ]);
  return { record, entries, predictions };
});

const readinessOf = (engine: Engine): Readiness => {
  const trouble = engine.trouble();
  return trouble === null
    ? { isReady: true, reasons: [] }
    : { isReady: false, reasons: [trouble.failure.message] };
};

// --- the promises

const facade = (service: Service, scope: Scope.Closeable): Catena => {
  const { engine } = service;
  const handle = <P extends AnyPipeline>(
    pipeline: P,
    id: string,
    isNew: boolean,
  ): Job<OutputOf<P>, FailureOf<P>> => {
    const outcome = () => Effect.runPromise(service.outcome(pipeline, id));
    const ask = (fact: Fact) => Effect.runPromise(service.tell(id, fact));
    const by = "api";
    return {
      id,
      isNew,
      outcome,
      result: async () => {
        const ended = await outcome();
        if (ended.status === "complete") return ended.output;
        throw ended.status === "cancelled"
          ? new JobCancelled(id)
          : new JobFailed(id, failedOf(ended));
      },
      cancel: () => ask({ type: "CancelRequested", by }),
      pause: () => ask({ type: "PauseRequested", by }),
      resume: () => ask({ type: "ResumeRequested", by }),
      retry: (options) => ask({ type: "RetryRequested", by, isFresh: options?.isFresh ?? false }),
      state: () => Effect.runPromise(service.state(id)),
    };
  };
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= Effect.runPromise(Scope.close(scope, Exit.void)));
  return {
    recovered: engine.recovered,
    submit: async (pipeline, input, options) => {
      const { jobId, isNew } = await Effect.runPromise(service.submit(pipeline, input, options));
      return handle(pipeline, jobId, isNew);
    },
    job: async (pipeline, id) => {
      await Effect.runPromise(found(engine, id));
      return handle(pipeline, id, false);
    },
    jobs: async (filter) => {
      const stored = await Effect.runPromise(engine.store.jobs(filter ?? {}));
      return stored.map(({ record }) => record);
    },
    readiness: service.readiness,
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

type Failed<Output, F> = Extract<Outcome<Output, F>, { readonly status: "failed" }>;

/** The error of a failed job shows any failure, whatever its pipeline declared. */
const failedOf = <Output, F extends Failure>(ended: Failed<Output, F>): Failed<unknown, Failure> =>
  ended;

export const Catena = {
  /**
   * Opens the store, takes over what dead processes left unfinished, and is ready for jobs.
   * Rejects with: StartError (an option that cannot be), StoreFailure, AssetStoreFailure.
   */
  start: async <const Pipelines extends ReadonlyArray<AnyPipeline>>(
    options: StartOptions<Pipelines>,
  ): Promise<Catena> => {
    const scope = Scope.makeUnsafe();
    const service = Layer.buildWithScope(serviceLayer(options), scope);
    try {
      return facade(Context.get(await Effect.runPromise(service), CatenaService), scope);
    } catch (error) {
      await Effect.runPromise(Scope.close(scope, Exit.void));
      throw error;
    }
  },
  /** The same as a layer; the services that steps need are taken from its surroundings. */
  layer: <const Pipelines extends ReadonlyArray<AnyPipeline>>(
    options: RuntimeOptions & { readonly pipelines: Pipelines },
  ): Layer.Layer<CatenaService, StartFailure, ServicesOf<Pipelines[number]>> =>
    Layer.effect(CatenaService, make(options)),
} as const;

const serviceLayer = <Pipelines extends ReadonlyArray<AnyPipeline>>(
  options: StartOptions<Pipelines>,
): Layer.Layer<CatenaService, StartFailure> => {
  const service: Layer.Layer<CatenaService, StartFailure> = Layer.effect(
    CatenaService,
    make(options),
  );
  // Whether there is a layer, and of what, was decided by the pipelines' types.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  const layer = options.layer as Layer.Layer<never> | undefined;
  return layer === undefined ? service : Layer.provide(service, layer);
};
