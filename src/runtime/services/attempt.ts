/** The life of an attempt that all steps share: how it begins, how it fails, how it waits. */
import { Clock, Effect, Random } from "effect";
import { progressOf, type StepProgress } from "../../machines/context.ts";
import type { FactOf, Timer, ValueOrEntry } from "../../machines/entry.ts";
import type { StepNode } from "../../machines/plan.ts";
import {
  type Defect,
  encodeFailure,
  type Failure,
  kindOf,
  TimeoutFailure,
} from "../../steps/failure.ts";
import { backoffMs } from "../../steps/retry.ts";
import { mapAtOnce, there } from "./at-once.ts";
import { inputOf } from "./hand-over.ts";
import type { ServiceJob } from "../jobs/job-host.ts";

/** A step of a job, as its service handles it. */
export interface StepRun {
  readonly job: ServiceJob;
  readonly node: StepNode;
}

export const progressIn = ({ job, node }: StepRun): StepProgress =>
  progressOf(job.context(), node.path);

/** How long a timer still has to run: never longer than it was set for, whatever the clock did meanwhile. */
export const remainingMs = (timer: Timer, now: number): number =>
  Math.min(Math.max(timer.wakeAt - now, 0), timer.delayMs);

export const waitFor = (timer: Timer): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(remainingMs(timer, now)));

/** A timer that is set now. */
export const timerFrom = (delayMs: number): Effect.Effect<Timer> =>
  Effect.map(Clock.currentTimeMillis, (now) => ({ wakeAt: now + delayMs, delayMs }));

/** No code of a job that is paused begins: who died meanwhile did not die of it. */
export const whenNotPaused = ({ job }: Pick<StepRun, "job">): Effect.Effect<void> =>
  job.until(({ isPaused }) => !isPaused);

/** The fact that the next attempt begins; null where the step has just failed on its input. */
export const beginAttempt = (run: StepRun): Effect.Effect<FactOf<"StepStarted"> | null> => {
  const progress = progressIn(run);
  const { round } = progress;
  const attempt = progress.attempt + 1;
  const started = mapAtOnce(
    journaledInput(run, progress),
    (input): FactOf<"StepStarted"> | null => ({
      type: "StepStarted",
      path: run.node.path,
      attempt,
      round,
      input,
    }),
  );
  const known = there(started);
  if (known !== undefined) return Effect.succeed(known.value);
  return Effect.matchEffect(started, {
    onSuccess: Effect.succeed,
    onFailure: (failure) => Effect.as(failStep(run, failure), null),
  });
};

/** Later attempts take the first one's input: a mapper runs once. Fails with: ValidationFailure. */
export const journaledInput = (run: StepRun, { inputSeq }: StepProgress) => {
  if (inputSeq === null) return inputOf(run.job, run.node);
  return mapAtOnce(
    run.job.entry(inputSeq, "StepStarted", "SignalAwaited"),
    ({ input }): ValueOrEntry => ("entry" in input ? input : { entry: inputSeq }),
  );
};

/** The attempt failed: another follows after a wait where the policy and the failure allow it, else the step fails. */
export const failAttempt = Effect.fnUntraced(function* (
  run: StepRun,
  failure: Failure,
): Effect.fn.Return<void> {
  const { job, node } = run;
  const progress = progressIn(run);
  const now = yield* Clock.currentTimeMillis;
  const { retry } = node.step;
  const mayRetry =
    progress.attemptsInRound < retry.attempts &&
    failure.isRetryable &&
    (failure._tag !== "TimeoutFailure" || retry.timeouts) &&
    isRepeatableAfter(run, failure);
  if (!mayRetry) return yield* failStep(run, failure);
  const asked = failure._tag === "ProviderFailure" ? (failure.retryAfterMs ?? 0) : 0;
  const delayMs = Math.max(backoffMs(retry, progress.attemptsInRound, yield* Random.next), asked);
  if (delayMs >= stepLeftMs(run, now)) return yield* failStep(run, stepTimeout(run));
  const timer: Timer = { wakeAt: now + delayMs, delayMs };
  const { attempt } = progress;
  yield* job.append({
    type: "AttemptFailed",
    path: node.path,
    attempt,
    failure: encodeFailure(failure),
    retry: timer,
  });
});

/** What a step that may not run again did before its time ran out, nobody knows. */
const isRepeatableAfter = ({ node }: StepRun, failure: Failure): boolean =>
  node.step.isRepeatable || failure._tag === "ProviderFailure";

/** How much of the step's own time is left (ms), over all attempts of the round; infinite where it has no bound. */
export const stepLeftMs = (run: StepRun, now: number): number => {
  const { stepMs } = run.node.step.timeout;
  if (stepMs === undefined) return Number.POSITIVE_INFINITY;
  return remainingMs({ wakeAt: (progressIn(run).roundAt ?? now) + stepMs, delayMs: stepMs }, now);
};

export const stepTimeout = ({ node }: StepRun): TimeoutFailure =>
  new TimeoutFailure({
    timeoutMs: node.step.timeout.stepMs ?? node.step.timeout.attemptMs,
    awaited: "step",
  });

/** The step is over and the job rests. */
export const failStep = (
  { job, node }: StepRun,
  failure: Failure | Defect,
): Effect.Effect<void> => {
  const stored = failure._tag === "Defect" ? failure : encodeFailure(failure);
  const { attempt } = progressIn({ job, node });
  return job.append({
    type: "StepFailed",
    path: node.path,
    attempt,
    kind: kindOf(stored),
    failure: stored,
  });
};
