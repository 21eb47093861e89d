/** A clock on which waiting takes less: graces of a minute pass in seconds, and real I/O stays real. */
import { Clock, Duration, Effect } from "effect";

export const fastClock = (factor: number): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (real) => {
    const startedAt = real.currentTimeMillisUnsafe();
    const millis = () =>
      startedAt + Math.floor((real.currentTimeMillisUnsafe() - startedAt) * factor);
    const nanos = () => BigInt(millis()) * 1_000_000n;
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => real.sleep(Duration.millis(Duration.toMillis(duration) / factor)),
    };
  });
