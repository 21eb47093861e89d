/**
 * The service of a step that waits for a signal: says so, waits, and makes of the signal what the step
 * returns. As with a model step the journal says where it stands; while it waits nothing has to be in memory.
 */
import { Effect, Result, Schedule } from "effect";
import type { Timer } from "../../machines/entry.ts";
import type { SignalNode } from "../../machines/plan.ts";
import {
  encodeFailure,
  type Failure,
  kindOf,
  TimeoutFailure,
  ValidationFailure,
} from "../../steps/failure.ts";
import {
  failStep,
  journaledInput,
  progressIn,
  timerFrom,
  waitFor,
  whenNotPaused,
} from "./attempt.ts";
import { codecOf } from "./codecs.ts";
import { decodeInput, jsonOf, keep } from "./hand-over.ts";
import type { ServiceJob } from "../jobs/job-host.ts";

interface SignalRun {
  readonly job: ServiceJob;
  readonly node: SignalNode;
}

/** Runs the step to its end, from wherever the journal says that it stands. */
export const runSignalStep = Effect.fnUntraced(function* (run: SignalRun): Effect.fn.Return<void> {
  while (true) {
    const { phase } = progressIn(run);
    if (phase === "awaiting") yield* awaitSignal(run);
    else if (phase === "signalled") yield* judge(run);
    else yield* begin(run);
  }
});

/** A mapper runs once: what the step waits with is journaled, over all rounds. */
const begin = Effect.fnUntraced(function* (run: SignalRun): Effect.fn.Return<void> {
  const { job, node } = run;
  yield* whenNotPaused(run);
  const progress = progressIn(run);
  const input = yield* Effect.result(journaledInput(run, progress));
  if (Result.isFailure(input)) return yield* failStep(run, input.failure);
  const { timeoutMs } = node.program;
  const timeout = timeoutMs === null ? null : yield* timerFrom(timeoutMs);
  yield* job.append({
    type: "SignalAwaited",
    path: node.path,
    round: progress.round,
    input: input.success,
    timeout,
  });
});

const isAwaiting = (run: SignalRun): boolean => progressIn(run).phase === "awaiting";

const awaitSignal = Effect.fnUntraced(function* (run: SignalRun): Effect.fn.Return<void> {
  const { timer } = progressIn(run);
  const received = run.job.until(() => !isAwaiting(run));
  if (timer === null) return yield* received;
  yield* Effect.raceFirst(received, waitFor(timer));
  if (!isAwaiting(run)) return;
  // It was sent in time and is still to be read, as after a night in which no process ran.
  if (yield* isUnread(run)) return yield* received;
  yield* timeOut(run, timer);
});

const isUnread = ({ job, node }: SignalRun): Effect.Effect<boolean> =>
  Effect.orDie(Effect.retry(job.host.store.inbox(job.jobId), Schedule.spaced("500 millis"))).pipe(
    Effect.map((rows) =>
      rows.some(({ facts }) =>
        facts.some((fact) => fact.type === "SignalReceived" && fact.path === node.path),
      ),
    ),
  );

const timeOut = ({ job, node }: SignalRun, { delayMs }: Timer): Effect.Effect<void> => {
  const failure = new TimeoutFailure({ timeoutMs: delayMs, awaited: "signal" });
  const { path } = node;
  // What has come while this was being said wins.
  return job.appendWhile(({ steps }) => steps[path]?.phase === "awaiting", {
    type: "StepFailed",
    path,
    attempt: progressIn({ job, node }).attempt,
    kind: kindOf(encodeFailure(failure)),
    failure: encodeFailure(failure),
  });
};

/** What was sent has passed its schema; the step's own functions have the last word. */
const judge = Effect.fnUntraced(function* (run: SignalRun): Effect.fn.Return<void> {
  const { job, node } = run;
  const output = yield* Effect.result(outputOf(run));
  if (Result.isFailure(output)) return yield* failStep(run, output.failure);
  yield* job.append({
    type: "StepSucceeded",
    path: node.path,
    attempt: progressIn(run).attempt,
    output: output.success,
  });
});

const outputOf = Effect.fnUntraced(function* ({ job, node }: SignalRun) {
  const { program, path, step } = node;
  const { value } = yield* job.entry(job.context().signals[path] ?? 0, "SignalReceived");
  if (program.toOutput === undefined && program.refuse === undefined) return value;
  const input = yield* decodeInput(job, node, { entry: progressIn({ job, node }).inputSeq ?? 0 });
  const signal = codecOf(program.signal).decode(yield* jsonOf(job, value));
  // It was encoded by this schema when it was sent: the schema was changed under the job.
  if (Result.isFailure(signal)) return yield* invalid("signal", signal.failure);
  // Both were decoded by the step's own schemas, which is what `never` stands for here.
  const result = { input: input as never, signal: signal.success as never };
  const refusal = program.refuse?.(result);
  if (refusal !== undefined) return yield* Effect.fail<Failure>(refusal);
  const made = program.toOutput === undefined ? signal.success : program.toOutput(result);
  const encoded = codecOf(step.output).encode(made);
  if (Result.isFailure(encoded)) return yield* invalid("output", encoded.failure);
  return yield* keep(job, encoded.success);
});

const invalid = (
  at: ValidationFailure["at"],
  issues: ValidationFailure["issues"],
): Effect.Effect<never, Failure> => Effect.fail(new ValidationFailure({ at, issues }));
