/**
 * The service of a model step. The journal says where the step stands; each phase has one thing to do
 * next, and doing it leads to another phase. Nothing is remembered here, so that a restart goes on.
 */
import { Clock, Effect, Option } from "effect";
import type { CallProgress, StepPhase } from "../../machines/context.ts";
import type { StepNode } from "../../machines/plan.ts";
import { decodeFailure, ProviderFailure } from "../../steps/failure.ts";
import type { ModelProgram } from "../../steps/step.ts";
import {
  beginAttempt,
  failAttempt,
  failStep,
  progressIn,
  remainingMs,
  waitFor,
  whenNotPaused,
} from "./attempt.ts";
import type { ServiceJob } from "../jobs/job-host.ts";
import { judge, judgeStored, timeoutOf } from "./model-answer.ts";
import { holdFor } from "./call-permit.ts";
import { intend } from "./model-call.ts";
import type { ModelRun } from "./model-run.ts";
import { tooManyUnanswered } from "./unanswered-creates.ts";

/** Runs the step to its end, from wherever the journal says that it stands. */
export const runModelStep = Effect.fnUntraced(function* (
  job: ServiceJob,
  node: StepNode,
  program: ModelProgram,
): Effect.fn.Return<void> {
  const resolved = job.host.providers.resolve(program.model);
  if (resolved === undefined) {
    const message = `no model client is configured for "${program.model}": give Catena.start "models"`;
    return yield* failStep({ job, node }, { _tag: "Defect", message });
  }
  const run: ModelRun = { job, node, program, ...resolved };
  while (true) {
    const { phase } = progressIn(run);
    yield* stages[phase](run);
  }
});

type Stage = (run: ModelRun) => Effect.Effect<void>;

const begin: Stage = Effect.fnUntraced(function* (run) {
  yield* waitOut(run);
  yield* whenNotPaused(run);
  const begun = yield* beginAttempt(run);
  if (begun !== null) yield* run.job.append(begun);
});

/** What was answered already, and paid for, is looked at once more before anything is paid again. */
const start: Stage = Effect.fnUntraced(function* (run) {
  yield* whenNotPaused(run);
  yield* lookBack(run);
  if (yield* judgeStored(run)) return;
  yield* intend(run);
});

/** A call that was given up as unconfirmed may have ended since, with the answer that is about to be paid again. */
const lookBack = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<void> {
  const { job, node, provider } = run;
  const given = Object.entries(job.context().unconfirmed);
  const [key] = given.find(([, { path, isLatest }]) => path === node.path && isLatest) ?? [];
  if (key === undefined) return;
  yield* provider.watcher.look(key);
  if (yield* isSettled(run, key)) yield* job.until(({ unconfirmed }) => !(key in unconfirmed));
});

/** By the ledger: the message of it may not have been read yet. */
const isSettled = ({ job }: ModelRun, key: string): Effect.Effect<boolean> =>
  Effect.match(job.host.store.prediction(key), {
    onFailure: () => false,
    onSuccess: (row) => Option.isSome(row) && row.value.state === "settled",
  });

const goOn: Stage = Effect.fnUntraced(function* (run) {
  yield* waitOut(run);
  if (progressIn(run).phase === "held" && (yield* judgeStored(run))) return;
  yield* intend(run);
});

/** The wait of a back-off or a hold; a late success ends it, because it may do the step without a call. */
const waitOut = (run: ModelRun): Effect.Effect<void> => {
  const { timer, answerSeq } = progressIn(run);
  if (timer === null) return Effect.void;
  const lateAnswer = run.job.until(() => progressIn(run).answerSeq !== answerSeq);
  return Effect.raceFirst(Effect.raceFirst(waitFor(timer), reopening(run)), lateAnswer);
};

/** A gate that opens before its time lets go on who was held at it. */
const reopening = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<void> {
  const { provider, model } = run;
  const isAtGate = (yield* provider.gate.hold(model)) !== null;
  const isHeld = progressIn(run).phase === "held";
  return yield* isAtGate && isHeld ? provider.gate.opened(model) : Effect.never;
});

const awaitEnd: Stage = (run) => {
  const { call } = progressIn(run);
  if (call === null) return Effect.void;
  return call.timedOut === null ? awaitAnswer(run, call) : awaitClosing(run, call);
};

/**
 * Until the call ends in any way, or its time runs out; on time-out look first, then give up on it. While
 * nobody knows whether the prediction exists, no time runs: giving up then would be paying twice.
 */
const awaitAnswer = Effect.fnUntraced(function* (
  run: ModelRun,
  call: CallProgress,
): Effect.fn.Return<void> {
  const { job, node, provider } = run;
  yield* job.until(() => isOver(run, call.key) || progressIn(run).call?.state === "accepted");
  if (isOver(run, call.key)) return;
  const bound = yield* Effect.raceFirst(
    Effect.as(
      job.until(() => isOver(run, call.key)),
      null,
    ),
    Effect.raceFirst(untilDeadline(run, call), untilBootDeadline(run, call)),
  );
  if (bound === null) return;
  yield* provider.watcher.look(call.key);
  // A look that found the end has sent it as a message; it is not read here yet.
  if (yield* isSettled(run, call.key)) return yield* job.until(() => isOver(run, call.key));
  const { attempt } = progressIn(run);
  job.enqueue({ type: "AttemptTimedOut", path: node.path, attempt, key: call.key, ...bound });
  // The end of the call may be quicker into the journal than this.
  yield* job.until(() => isOver(run, call.key) || progressIn(run).call?.timedOut !== null);
});

const isOver = (run: ModelRun, key: string): boolean => {
  const { call, phase } = progressIn(run);
  return call?.key !== key || phase !== "calling";
};

interface Bound {
  readonly timeoutMs: number;
  readonly awaited: "attempt" | "boot" | "step";
}

const untilDeadline = Effect.fnUntraced(function* (
  run: ModelRun,
  call: CallProgress,
): Effect.fn.Return<Bound> {
  const { stepMs } = run.node.step.timeout;
  const { roundAt } = progressIn(run);
  const now = yield* Clock.currentTimeMillis;
  const forCall = remainingMs(
    { wakeAt: call.intendedAt + call.timeoutMs, delayMs: call.timeoutMs },
    now,
  );
  const forStep =
    stepMs === undefined
      ? Number.POSITIVE_INFINITY
      : remainingMs({ wakeAt: (roundAt ?? now) + stepMs, delayMs: stepMs }, now);
  yield* Effect.sleep(Math.min(forCall, forStep));
  return forStep < forCall && stepMs !== undefined
    ? { timeoutMs: stepMs, awaited: "step" }
    : { timeoutMs: call.timeoutMs, awaited: "attempt" };
});

/** Waits (ms) between looks that a provider in trouble does not answer: the first, and the longest. */
const [firstLookMs, maxLookMs] = [1_000, 30_000];

/** A model that has not even started by then is still booting, or queued; as far as a look from then on shows. */
const untilBootDeadline = Effect.fnUntraced(function* (
  run: ModelRun,
  call: CallProgress,
): Effect.fn.Return<Bound> {
  const { bootMs } = run.node.step.timeout;
  if (bootMs === undefined) return yield* Effect.never;
  const now = yield* Clock.currentTimeMillis;
  yield* Effect.sleep(remainingMs({ wakeAt: call.intendedAt + bootMs, delayMs: bootMs }, now));
  const { watcher } = run.provider;
  const dueAt = yield* Clock.currentTimeMillis;
  for (let waitMs = firstLookMs; ; waitMs = Math.min(waitMs * 2, maxLookMs)) {
    yield* watcher.look(call.key);
    if (watcher.hasStarted(call.key)) return yield* Effect.never;
    const seenAt = watcher.sightOf(call.key)?.openAt ?? null;
    if (seenAt !== null && seenAt >= dueAt) return { timeoutMs: bootMs, awaited: "boot" };
    yield* Effect.sleep(waitMs);
  }
});

/** The remote end was asked for; a success that comes before it is confirmed still counts. */
const awaitClosing = Effect.fnUntraced(function* (
  run: ModelRun,
  call: CallProgress,
): Effect.fn.Return<void> {
  const { job, node } = run;
  const { closeGraceMs } = job.host.settings;
  const wakeAt = (call.timedOutAt ?? call.intendedAt) + closeGraceMs;
  const isEnded = yield* Effect.raceFirst(
    Effect.as(
      job.until(() => isOver(run, call.key)),
      true,
    ),
    Effect.as(waitFor({ wakeAt, delayMs: closeGraceMs }), false),
  );
  if (isEnded) return;
  job.enqueue({ type: "PredictionUnconfirmed", path: node.path, key: call.key });
  yield* job.until(() => isOver(run, call.key));
  if (progressIn(run).phase === "unconfirmed") job.host.providers.giveUp(call.key);
});

const timeOut: Stage = (run) => {
  const failure = timeoutOf(run, progressIn(run).call);
  return failure.awaited === "step" ? failStep(run, failure) : failAttempt(run, failure);
};

/** A definite no costs nothing: what may pass is waited out within the attempt, the rest fails. */
const onRejected: Stage = Effect.fnUntraced(function* (run) {
  const { call } = progressIn(run);
  if (call?.closedSeq == null) return;
  const { failure } = yield* run.job.entry(call.closedSeq, "PredictionRejected");
  const rejection = decodeFailure(failure);
  if (rejection._tag === "ProviderFailure" && isForWaiting(rejection))
    return yield* holdFor(run, rejection);
  yield* failAttempt(run, rejection);
});

/** `Unavailable` with a definite no is a call that was never sent. */
const isForWaiting = ({ reason }: ProviderFailure): boolean =>
  reason === "RateLimited" || reason === "QuotaExhausted" || reason === "Unavailable";

/** Nothing was made of the intent. Whether to pay again is the step's own policy. */
const onAbsent: Stage = Effect.fnUntraced(function* (run) {
  const { program, client } = { program: run.program, client: run.provider.client };
  if (program.onUnknown === "recreate") {
    const failure = yield* tooManyUnanswered(run);
    return yield* failure === null ? intend(run) : failAttempt(run, failure);
  }
  // A person decides: RETRY opens a new round, CANCEL ends the job.
  if (program.onUnknown === "ask")
    return yield* run.job.until(() => progressIn(run).phase !== "absent");
  const detail =
    "the answer of a call was lost and no prediction was found; the step does not pay again by itself";
  yield* failStep(
    run,
    new ProviderFailure({ reason: "OutcomeUnknown", provider: client.provider, detail }),
  );
});

const notOfThisStep: Stage = () =>
  Effect.die(new Error("a step that asks a model waits for no signal"));

const stages: { readonly [Phase in StepPhase]: Stage } = {
  idle: begin,
  backingOff: begin,
  started: start,
  held: goOn,
  repairing: goOn,
  calling: awaitEnd,
  settled: judge,
  unconfirmed: timeOut,
  rejected: onRejected,
  absent: onAbsent,
  awaiting: notOfThisStep,
  signalled: notOfThisStep,
};
