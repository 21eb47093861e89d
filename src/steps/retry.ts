/**
 * Retry as data: a policy can be stored, shown and replayed. The delay before attempt n is a pure
 * function of the policy; its jittered instant is journaled, so a restart waits the rest, not anew.
 */
import { Duration, Effect, Schedule, Schema } from "effect";

/** `attempts` counts the first try; delays in ms; `jitter` 0…1 is the share of the delay that varies. */
export const RetryPolicy = Schema.Struct({
  attempts: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  baseMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  factor: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)),
  maxMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  jitter: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** Whether an attempt that timed out is tried again. */
  timeouts: Schema.Boolean,
});
export type RetryPolicy = typeof RetryPolicy.Type;

const transientDefaults: RetryPolicy = {
  attempts: 4,
  baseMs: 500,
  factor: 2,
  maxMs: 30_000,
  jitter: 0.25,
  timeouts: true,
};

// A misspelt number of attempts would be the default's.
const make = Schema.decodeUnknownSync(RetryPolicy, { onExcessProperty: "error" });

/** Ready policies. Fails with: a SchemaError thrown at once that names the option out of range. */
export const Retry = {
  /** One try, no more. */
  none: make({ ...transientDefaults, attempts: 1, timeouts: false }),
  /** Exponential back-off for what may pass by itself; default 4 attempts, 0.5 s doubling to 30 s, a quarter jitter. */
  transient: (options: Partial<RetryPolicy> = {}): RetryPolicy =>
    make({ ...transientDefaults, ...options }),
  /** The same delay before every further attempt. */
  fixed: (options: { readonly attempts: number; readonly delayMs: number }): RetryPolicy =>
    make({
      ...transientDefaults,
      attempts: options.attempts,
      baseMs: options.delayMs,
      maxMs: options.delayMs,
      factor: 1,
      jitter: 0,
    }),
} as const;

/**
 * The delay in ms after the failed attempt `attempt` (1-based in its round). `chance` 0…1 places it in
 * the jitter's span: 0.5 is the undisturbed delay. Never more than `maxMs` and its share of jitter.
 */
export const backoffMs = (policy: RetryPolicy, attempt: number, chance: number): number => {
  // Late attempts overflow the power to Infinity, and 0 * Infinity is no delay but NaN.
  const growth = Math.min(policy.factor ** (attempt - 1), Number.MAX_VALUE);
  const plain = Math.min(policy.baseMs * growth, policy.maxMs);
  return Math.round(plain * (1 + policy.jitter * (2 * chance - 1)));
};

/**
 * The policy as an Effect Schedule, for use outside a job: the delays of `backoffMs`, `attempts - 1`
 * recurrences. Undisturbed by default; with `Random.next` as the chance it varies as `jitter` says.
 */
export const toSchedule = (
  policy: RetryPolicy,
  chance: Effect.Effect<number> = Effect.succeed(0.5),
): Schedule.Schedule<number> =>
  Schedule.recurs(policy.attempts - 1).pipe(
    Schedule.modifyDelay(({ attempt }) =>
      Effect.map(chance, (drawn) => Duration.millis(backoffMs(policy, attempt, drawn))),
    ),
  );
