/**
 * Retention: pruning by age, by itself and by request, and erasing one job. A process prunes once at a
 * time; several processes may do all of it at once, as every write is conditional on the job being at rest.
 */
import { Effect, type Scope, Semaphore } from "effect";
import type { AssetStoreFailure } from "../steps/asset-store.ts";
import type { StoreFailure } from "./journal-store.ts";
import type { JobUnavailable } from "./outcome.ts";
import { removeLeftovers } from "./retention/asset-removal.ts";
import { eraseJob, type ErasedJob } from "./retention/erase.ts";
import { hasAges } from "./retention/policy.ts";
import { prune, type PruneOptions, type PruneReport } from "./retention/prune.ts";
import type { RetentionHost } from "./retention/retention-host.ts";

export interface Retention {
  /** Takes away what is older than its age, or counts it. Dies with a TypeError where the options are others. Fails with: StoreFailure, AssetStoreFailure. */
  prune(options?: PruneOptions): Effect.Effect<PruneReport, StoreFailure | AssetStoreFailure>;
  /** Fails with: JobUnavailable where there is no such job or it does not rest; StoreFailure, AssetStoreFailure. */
  erase(jobId: string): Effect.Effect<ErasedJob, JobUnavailable | StoreFailure | AssetStoreFailure>;
}

/** The first time is soon after the start, so that a process that often starts anew prunes as well. */
const firstPruneMs = 60_000;
const pauseMs = 20;

/** Starts pruning by itself, for as long as the scope lives, where any age is set. */
export const makeRetention = Effect.fnUntraced(function* (
  host: Omit<RetentionHost, "pause">,
): Effect.fn.Return<Retention, never, Scope.Scope> {
  const turn = Semaphore.makeUnsafe(1);
  const asked: RetentionHost = { ...host, pause: Effect.void };
  const patient: RetentionHost = { ...host, pause: Effect.sleep(pauseMs) };
  const { everyMs } = host.policy;
  // What a process left that died while it erased a job.
  yield* Effect.forkScoped(quietly(turn.withPermits(1)(removeLeftovers(asked))));
  if (hasAges(host.policy)) {
    const regularly = Effect.gen(function* () {
      yield* Effect.sleep(Math.min(firstPruneMs, everyMs));
      while (true) {
        yield* quietly(turn.withPermits(1)(prune(patient)));
        yield* Effect.sleep(everyMs);
      }
    });
    yield* Effect.forkScoped(regularly);
  }
  return {
    prune: (options) =>
      Effect.andThen(checkOptions(options), turn.withPermits(1)(prune(asked, options))),
    // Nobody who asks for it waits for a prune that takes its time.
    erase: (jobId) => eraseJob(asked, jobId),
  };
});

/** Whoever misspells `dryRun` wanted to count, not to delete. */
const checkOptions = (options: unknown): Effect.Effect<void> => {
  if (options === undefined) return Effect.void;
  const said = typeof options === "object" && options !== null ? Object.entries(options) : null;
  const isKnown = ([field, value]: readonly [string, unknown]): boolean =>
    field === "dryRun" && (value === undefined || typeof value === "boolean");
  if (said?.every(isKnown) === true) return Effect.void;
  const got = JSON.stringify(options);
  return Effect.die(
    new TypeError(`Catena.prune: expected nothing, or { dryRun: true } or false, got ${got}`),
  );
};

/** Nobody waits for it: it is tried again next time. */
const quietly = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<void> =>
  effect.pipe(
    Effect.catch((failure) => Effect.logWarning("pruning was not finished", failure)),
    Effect.asVoid,
  );
