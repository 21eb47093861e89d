/**
 * What models write while they write it, for whoever listens to a job. Nothing of it is journaled, and no
 * job knows of it: a connection to a provider is there only while somebody listens, one for each prediction
 * however many do, and whatever happens to it changes nothing but what is seen.
 */
import { Effect, RcMap, type Scope, Stream } from "effect";
import type { Delta } from "./deltas/delta.ts";
import { type DeltaSources, listenedJob } from "./deltas/listened-job.ts";

export interface Deltas {
  /**
   * What the job's models write from now on, and what those at work have written so far, in one piece as far
   * as it is kept (the last 64 Ki characters at least). Who reads slowly gets larger pieces. Ends when the job
   * rests or this process stops. `shows`: the steps that this listener may see; nothing is asked of a
   * provider for others.
   */
  listen(jobId: string, shows?: (step: string) => boolean): Stream.Stream<Delta>;
}

const showsAll = (): boolean => true;

/** Nothing runs until somebody listens. */
export const makeDeltas = Effect.fnUntraced(function* (
  sources: DeltaSources,
): Effect.fn.Return<Deltas, never, Scope.Scope> {
  const jobs = yield* RcMap.make({ lookup: (jobId: string) => listenedJob(sources, jobId) });
  return {
    listen: (jobId, shows = showsAll) =>
      Stream.unwrap(Effect.flatMap(RcMap.get(jobs, jobId), (job) => job.listener(shows))),
  };
});
