/**
 * Catena for its users: start it, submit jobs, ask what became of them. Several can live in one process.
 */
import { Context, type Duration, Effect, Exit, Layer, Scope, Stream } from "effect";
import type { PipelineOptions } from "../machines/layer-option.ts";
import type {
  AnyPipeline,
  FailureOf,
  InputOf,
  OutputOf,
  ServicesOf,
  SignalsOf,
} from "../machines/pipeline.ts";
import type { Failure } from "../steps/failure.ts";
import type { Fact } from "../machines/entry.ts";
import {
  CatenaService,
  makeService,
  ofPipeline,
  type Readiness,
  type StartFailure,
  type SubmitOptions,
} from "./catena-service.ts";
import type { Delta } from "./deltas/delta.ts";
import type { Alert } from "./alerts/alert.ts";
import { drainMs } from "./engine.ts";
import type { NotificationFilter, NotificationRow } from "./journal-outbox.ts";
import type { JobFilter, StateRecord, StoreFailure } from "./journal-store.ts";
import type { HttpApiOptions } from "./http-api/http-options.ts";
import { httpSettings } from "./http-api/http-settings.ts";
import { type NodeHandler, nodeHandler } from "./http-api/node-handler.ts";
import { goneResponse } from "./http-api/problem.ts";
import type { Fetch } from "./http-api/web-api.ts";
import { millisOf, type RuntimeOptions, StartError } from "./options.ts";
import type { ErasedJob } from "./retention/erase.ts";
import type { PruneOptions, PruneReport } from "./retention/prune.ts";
import type { SignalTaker } from "./signals.ts";
import type { BudgetUse } from "./spending/budget-use.ts";
import type { JobState } from "./stored-jobs.ts";
import { requirePipeline, refuseUnknownWords as known } from "./asked-by-name.ts";
import { type CatenaDeadLetters, lettersOf } from "./catena-dead-letters.ts";
import { CatenaStopped, JobCancelled, JobFailed, JobUnavailable, type Outcome } from "./outcome.ts";

/** A job, for hosts that use promises. Once its Catena is stopped, everything rejects with: CatenaStopped. */
export interface Job<Output, F = Failure, Signals = {}> extends SignalTaker<Signals> {
  readonly id: string;
  /** False where the idempotency key already had this job. */
  readonly isNew: boolean;
  /** How the job ended, once it rests. Rejects with: StoreFailure, JobUnavailable where it was erased. */
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
  /**
   * What the job's models write, while they write it, for as long as you iterate; of calls at work from their
   * beginning. Only a view: it ends when the job rests or Catena stops, and breaks without a word; the truth is
   * `result()`. Rejects with: JobUnavailable, StoreFailure.
   */
  deltas(): AsyncIterable<Delta>;
}

/** A job of the pipeline P. */
type JobOf<P extends AnyPipeline> = Job<OutputOf<P>, FailureOf<P>, SignalsOf<P>>;

/** Once it is stopped, everything but `stop` and `readiness` rejects with: CatenaStopped. */
export interface Catena extends AsyncDisposable {
  /** How many unfinished jobs of dead processes were taken over at the start. */
  readonly recovered: number;
  /** A job is never lost once this has resolved. Rejects with: ValidationFailure (at input), StoreFailure, StartError. */
  submit<P extends AnyPipeline>(
    pipeline: P,
    input: NoInfer<InputOf<P>>,
    options?: SubmitOptions,
  ): Promise<JobOf<P>>;
  /** A job of this store by its id. Rejects with: JobUnavailable, StoreFailure. */
  job<P extends AnyPipeline>(pipeline: P, id: string): Promise<JobOf<P>>;
  /** State records, newest first. Rejects with: StoreFailure. */
  jobs(filter?: JobFilter): Promise<ReadonlyArray<StateRecord>>;
  /**
   * Takes away what is older than `retention` says, or counts it with `dryRun`; it also happens by itself.
   * Rejects with: StoreFailure, AssetStoreFailure.
   */
  prune(options?: PruneOptions): Promise<PruneReport>;
  /**
   * Takes away a job's input, outputs, raw answers, requests, failures, idempotency key, and the assets no
   * other job names; its status and cost stay. Only of a job that rests. Erasing it again is harmless.
   * Rejects with: JobUnavailable, StoreFailure, AssetStoreFailure.
   */
  erase(jobId: string): Promise<ErasedJob>;
  /** What has failed for good and waits for a person. */
  readonly deadLetters: CatenaDeadLetters;
  /** What needs an operator's look now, longest first; `onAlert` hears of it when it changes. */
  alerts(): ReadonlyArray<Alert>;
  /** What was told, or is still to be told, newest first. Rejects with: StoreFailure. */
  notifications(filter?: NotificationFilter): Promise<ReadonlyArray<NotificationRow>>;
  /** Sends a notification again, now, under its id. Rejects with: NotificationUnavailable, StoreFailure. */
  redeliver(notificationId: string): Promise<void>;
  readiness(): Readiness;
  /**
   * How far the budgets of today (UTC) are used: of all jobs of the store first, then of each tenant that
   * used something, who used most first. Rejects with: StoreFailure.
   */
  budgets(): Promise<ReadonlyArray<BudgetUse>>;
  /** The HTTP API, for hosts that speak Request and Response: Hono, Next. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** The HTTP API, for hosts that speak Node: Express, Fastify, node:http. */
  readonly handler: NodeHandler;
  /**
   * Lets every job go where it stands; the next start takes them up. `within`: how long it may wait for answers
   * of calls that are on their way. Default: 5 seconds.
   */
  stop(options?: { readonly within?: Duration.Input }): Promise<void>;
}

export type StartOptions<Pipelines extends ReadonlyArray<AnyPipeline>> =
  PipelineOptions<Pipelines> & RuntimeOptions;

const facade = (
  service: CatenaService["Service"],
  scope: Scope.Closeable,
  http: HttpApiOptions | undefined,
): Catena => {
  const { engine } = service;
  let stopping: Promise<void> | undefined;
  const stop = (options?: { readonly within?: Duration.Input }) => {
    const withinMs = millisOf("stop.within", options?.within, drainMs);
    const closed = Effect.andThen(Scope.close(scope, Exit.void), Effect.void);
    const hurry = Effect.andThen(Effect.sleep(withinMs), Effect.sync(engine.hurry));
    stopping ??= Effect.runPromise(Effect.raceFirst(closed, Effect.andThen(hurry, Effect.never)));
    return stopping;
  };
  const web = lazyWebApi(service, scope, http);
  const fetch = (request: Request): Promise<Response> =>
    stopping === undefined ? web(request) : Promise.resolve(goneResponse());
  const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
    stopping === undefined ? Effect.runPromise(effect) : Promise.reject(new CatenaStopped());
  const handle = <P extends AnyPipeline>(pipeline: P, id: string, isNew: boolean): JobOf<P> => {
    const outcome = () => run(service.outcome(pipeline, id));
    const ask = (fact: Fact) => run(service.tell(id, fact));
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
      retry: async (options) => {
        known.retry(options);
        await ask({ type: "RetryRequested", by, isFresh: options?.isFresh ?? false });
      },
      signal: async (name, value, options) => {
        known.signal(options);
        return run(service.signal(pipeline, id, { ...options, name, value }));
      },
      state: () => run(service.state(id)),
      deltas: () =>
        Stream.toAsyncIterable(
          Stream.suspend(
            (): Stream.Stream<Delta, CatenaStopped | JobUnavailable | StoreFailure> =>
              stopping === undefined ? service.deltas(id) : Stream.fail(new CatenaStopped()),
          ),
        ),
    };
  };
  return {
    recovered: engine.recovered,
    submit: async (pipeline, input, options) => {
      requirePipeline("submit", pipeline);
      known.submit(options);
      const { jobId, isNew } = await run(service.submit(pipeline, input, options));
      return handle(pipeline, jobId, isNew);
    },
    job: async (pipeline, id) => {
      requirePipeline("job", pipeline);
      await run(ofPipeline(engine, pipeline.plan, id));
      return handle(pipeline, id, false);
    },
    jobs: async (filter) => {
      known.jobs(filter);
      const stored = await run(engine.store.jobs(filter ?? {}));
      return stored.map(({ record }) => record);
    },
    prune: (options) => run(engine.retention.prune(options)),
    erase: (jobId) => run(engine.retention.erase(jobId)),
    deadLetters: lettersOf(service.deadLetters, run),
    alerts: () => (stopping === undefined ? service.alerts() : []),
    notifications: async (filter) => {
      known.notifications(filter);
      return run(engine.notifications.list(filter));
    },
    redeliver: (id) => run(engine.notifications.redeliver(id)),
    readiness: () =>
      stopping === undefined
        ? service.readiness()
        : { isReady: false, reasons: ["this Catena was stopped"] },
    budgets: () => run(service.budgets),
    fetch,
    handler: nodeHandler(fetch),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
};

/** Loaded and made when it is first asked for: who serves no HTTP does not pay for it. */
const lazyWebApi = (
  service: CatenaService["Service"],
  scope: Scope.Closeable,
  http: HttpApiOptions | undefined,
): Fetch => {
  let made: Promise<Fetch> | undefined;
  return async (request) => {
    made ??= import("./http-api/web-api.ts").then(({ makeWebApi }) => {
      const names = [...service.engine.deployed.values()].map(({ plan }) => plan.name);
      const web = makeWebApi(service, httpSettings(http, names), "keys");
      return Effect.runPromise(Scope.provide(web, scope));
    });
    return (await made)(request);
  };
};

type Failed<Output, F> = Extract<Outcome<Output, F>, { readonly status: "failed" }>;

/** The error of a failed job shows any failure, whatever its pipeline declared. */
const failedOf = <Output, F extends Failure>(ended: Failed<Output, F>): Failed<unknown, Failure> =>
  ended;

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null;

export const Catena = {
  /**
   * Opens the store, takes over what dead processes left unfinished, and is ready for jobs.
   * Rejects with: StartError (an option that cannot be), StoreFailure, AssetStoreFailure, and what the layer fails with.
   */
  start: async <const Pipelines extends ReadonlyArray<AnyPipeline>>(
    options: StartOptions<Pipelines>,
  ): Promise<Catena> => {
    if (!isObject(options)) throw new StartError("options", "an object with pipelines", options);
    const scope = Scope.makeUnsafe();
    const { http } = options;
    const service = Layer.buildWithScope(serviceLayer(options), scope);
    try {
      return facade(Context.get(await Effect.runPromise(service), CatenaService), scope, http);
    } catch (error) {
      await Effect.runPromise(Scope.close(scope, Exit.void));
      throw error;
    }
  },
  /** What `Catena.start` takes, typed as it is there: for the default export of a `catena.config.ts`. */
  config: <const Pipelines extends ReadonlyArray<AnyPipeline>>(
    options: StartOptions<Pipelines>,
  ): StartOptions<Pipelines> => options,
  /** The same as a layer; the services that steps need are taken from its surroundings. */
  layer: <const Pipelines extends ReadonlyArray<AnyPipeline>>(
    options: RuntimeOptions & { readonly pipelines: Pipelines },
  ): Layer.Layer<CatenaService, StartFailure, ServicesOf<Pipelines[number]>> =>
    Layer.effect(CatenaService, makeService(options)),
} as const;

const serviceLayer = <Pipelines extends ReadonlyArray<AnyPipeline>>(
  options: StartOptions<Pipelines>,
): Layer.Layer<CatenaService, unknown> => {
  const service: Layer.Layer<CatenaService, StartFailure> = Layer.effect(
    CatenaService,
    makeService(options),
  );
  // Whether there is a layer, and of what, was decided by the pipelines' types.
  const layer = options.layer as Layer.Layer<never, unknown> | undefined;
  return layer === undefined ? service : Layer.provide(service, layer);
};
