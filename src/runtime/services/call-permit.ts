/**
 * Waiting for the permit of a call: for patience that the provider asked for, or for room under a limit of
 * ours. What is waited for longer than a moment is written down, so that everybody sees it.
 */
import { Clock, Effect } from "effect";
import { encodeFailure, type ProviderFailure } from "../../steps/failure.ts";
import { failStep, progressIn, stepLeftMs, stepTimeout } from "./attempt.ts";
import type { ModelRun } from "./model-run.ts";

/**
 * Waits for the permit, no longer than the step may take. False where the call is not to be made now:
 * the step's time is over, or a late success makes it needless.
 */
export const hasPassed = Effect.fnUntraced(function* (
  run: ModelRun,
  key: string,
): Effect.fn.Return<boolean> {
  const { gate } = run.provider;
  const { answerSeq } = progressIn(run);
  const isAnswered = () => progressIn(run).answerSeq !== answerSeq;
  const leftMs = stepLeftMs(run, yield* Clock.currentTimeMillis);
  const isOver = Effect.raceFirst(Effect.sleep(leftMs), run.job.until(isAnswered));
  const passed = Effect.raceFirst(gate.pass({ key, model: run.model }), noteWait(run, key));
  if (yield* Effect.raceFirst(Effect.as(passed, true), Effect.as(isOver, false))) return true;
  // It may have passed in the very moment in which it was over.
  yield* gate.withdraw(key);
  if (!isAnswered()) yield* failStep(run, stepTimeout(run));
  return false;
});

/** A shorter wait tells nobody anything, and costs a commit. */
const shortestWaitMs = 1_000;
/** What is waited for may change often: it is written down ever more rarely. */
const longestPauseMs = 60_000;

/** Writes down what the call waits for, and again where that has changed. Never returns. */
const noteWait = Effect.fnUntraced(function* (run: ModelRun, key: string): Effect.fn.Return<never> {
  let pauseMs = shortestWaitMs;
  while (true) {
    yield* Effect.sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    const block = yield* run.provider.gate.blockOf(key);
    const { phase, limit } = progressIn(run);
    if (block === null || (phase === "held" && block.limit === limit)) continue;
    // Who waits here does not go by the timer; a next process asks again after it.
    const delayMs = shortestWaitMs;
    yield* hold(run, { failure: block.failure(), limit: block.limit, delayMs });
  }
});

/** The same attempt goes on when the provider takes calls again. */
export const holdFor = Effect.fnUntraced(function* (
  run: ModelRun,
  failure: ProviderFailure,
): Effect.fn.Return<void> {
  const now = yield* Clock.currentTimeMillis;
  const until = (yield* run.provider.gate.hold(run.model))?.until ?? now;
  const delayMs = Math.max(until - now, failure.retryAfterMs ?? shortestWaitMs);
  if (delayMs >= stepLeftMs(run, now)) return yield* failStep(run, stepTimeout(run));
  yield* hold(run, { failure, limit: null, delayMs });
});

interface Held {
  readonly failure: ProviderFailure;
  readonly limit: string | null;
  readonly delayMs: number;
}

const hold = Effect.fnUntraced(function* (
  run: ModelRun,
  { failure, limit, delayMs }: Held,
): Effect.fn.Return<void> {
  const now = yield* Clock.currentTimeMillis;
  yield* run.job.append({
    type: "AttemptHeld",
    path: run.node.path,
    attempt: progressIn(run).attempt,
    failure: encodeFailure(failure),
    ...(limit === null ? {} : { limit }),
    retry: { wakeAt: now + delayMs, delayMs },
  });
});

/** A closed gate is written down before it is waited for; true where it was, and the attempt waits. */
export const isHeldByProvider = Effect.fnUntraced(function* (
  run: ModelRun,
): Effect.fn.Return<boolean> {
  const held = yield* run.provider.gate.hold(run.model);
  if (held === null || progressIn(run).phase === "held") return false;
  yield* holdFor(run, held.failure);
  return true;
});
