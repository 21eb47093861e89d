/**
 * The pipelines of a service that changes under way: each new set of definitions has a Catena of its own,
 * which takes all jobs from then on; the one before goes on with the jobs it has, by the definitions they
 * began with, and leaves when it has none.
 */
import { Effect, Exit, Scope } from "effect";
import type { AssetStoreFailure } from "../../../steps/asset-store.ts";
import type { Observation } from "../../jobs/job-host.ts";
import type { StoreFailure } from "../../journal-store.ts";
import type { ConfigOptions } from "../config-file.ts";
import type { Trouble, UsageError } from "../ending.ts";
import { type RunningService, startService } from "../job-service.ts";

export interface Definitions {
  /** Takes these from now on. On failure everything stays as it was. Fails with: UsageError, Trouble, StoreFailure, AssetStoreFailure. */
  replace(
    options: ConfigOptions,
  ): Effect.Effect<Replaced, UsageError | Trouble | StoreFailure | AssetStoreFailure>;
}

export interface Replaced {
  readonly service: RunningService;
  /** How many jobs go on by the definitions before. */
  readonly kept: number;
}

interface Generation {
  readonly service: RunningService;
  readonly scope: Scope.Closeable;
}

const lookEveryMs = 250;

/** Lives as long as the scope. `onDone` is told when the jobs of older definitions are finished. */
export const makeDefinitions = Effect.fnUntraced(function* (hooks: {
  readonly observe: (observation: Observation) => void;
  readonly onDone: () => void;
}): Effect.fn.Return<Definitions, never, Scope.Scope> {
  const around = yield* Effect.scope;
  let current: Generation | null = null;
  const start = Effect.fnUntraced(function* (options: ConfigOptions) {
    const scope = yield* Scope.fork(around);
    const service = yield* startService({
      options,
      // Nobody's jobs, until the one before has stopped taking them.
      intake: "none",
      observe: hooks.observe,
    }).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
    );
    return { service, scope };
  });
  return {
    replace: Effect.fnUntraced(function* (options: ConfigOptions) {
      const next = yield* start(options);
      const before = current;
      current = next;
      before?.service.engine.jobs.setIntake("none");
      next.service.engine.jobs.setIntake("any");
      if (before === null) return { service: next.service, kept: 0 };
      const kept = yield* jobsOf(before);
      const leaving = Effect.tap(leaveWhenDone(before), () => Effect.sync(hooks.onDone));
      yield* Effect.forkIn(kept === 0 ? leaveWhenDone(before) : leaving, around);
      return { service: next.service, kept };
    }),
  };
});

/** What it still runs, or only watches the end of. */
const jobsOf = ({ service }: Generation): Effect.Effect<number, StoreFailure> => {
  const { store, owner } = service.engine;
  return Effect.zipWith(
    store.jobsOf(owner),
    store.watchedJobs(owner),
    (own, watched) => own.length + watched.length,
  );
};

const leaveWhenDone = Effect.fnUntraced(function* (generation: Generation) {
  // A store in trouble says nothing about the jobs.
  while ((yield* Effect.orElseSucceed(jobsOf(generation), () => 1)) > 0)
    yield* Effect.sleep(lookEveryMs);
  yield* Scope.close(generation.scope, Exit.void);
});
