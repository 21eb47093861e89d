/** The time of a process that only runs: whoever sets the clock makes nobody wait longer, or give up sooner. */
import { Clock, Effect } from "effect";

/** In ms, from no instant in particular. */
export const runningMs: Effect.Effect<number> = Effect.map(
  Clock.monotonicTimeNanos,
  (nanos) => Number(nanos) / 1e6,
);
