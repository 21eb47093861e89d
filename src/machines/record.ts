/**
 * The fold: how one entry changes what the machine remembers. Reads entry fields only; no user function,
 * no clock, no I/O, so that a stored journal always folds to the same context.
 */
import { countDeaths } from "./count-deaths.ts";
import { type CallProgress, type JobContext, progressOf, type StepProgress } from "./context.ts";
import type { Entry, EntryOf } from "./entry.ts";

/** The context after the entry. */
export const record = (context: JobContext, entry: Entry): JobContext => {
  const next = fold(context, entry);
  return countDeaths(next, entry);
};

const fold = (context: JobContext, entry: Entry): JobContext => {
  switch (entry.type) {
    case "JobSubmitted":
      return { ...context, submittedSeq: entry.seq, lastSeq: entry.seq };
    case "Claimed":
      return context.isQueued ? { ...context, isQueued: false } : context;
    case "JobStarted":
      return context;
    case "StepStarted":
      return withStep(context, entry.path, (step) => started(step, entry));
    case "PredictionIntended":
      return intended(context, entry);
    case "PredictionAccepted":
      return withCall(context, entry, (step, call) => ({
        ...step,
        call: { ...call, state: "accepted" },
      }));
    case "PredictionUnknown":
      return withCall(context, entry, (step, call) => ({
        ...step,
        call: { ...call, state: "unknown" },
      }));
    case "PredictionRejected":
      return closed(context, entry, "rejected");
    case "PredictionAbsent":
      return closed(context, entry, "absent");
    case "PredictionUnconfirmed":
      return unconfirmed(context, entry);
    case "PredictionSettled":
      return settled(context, entry);
    case "PredictionReused":
      return reused(context, entry);
    case "AttemptTimedOut":
      return timedOut(context, entry);
    case "OutputRejected":
      return withStep(context, entry.path, (step) => ({
        ...step,
        phase: "repairing",
        repairs: step.repairs + 1,
        repairSeq: entry.seq,
      }));
    case "AttemptHeld":
      return withStep(context, entry.path, (step) => ({
        ...step,
        phase: "held",
        timer: entry.retry,
        limit: entry.limit ?? null,
      }));
    case "AttemptFailed":
      return withStep(context, entry.path, (step) => ({
        ...step,
        phase: "backingOff",
        timer: entry.retry,
      }));
    case "SignalAwaited":
      return withStep(context, entry.path, (step) => ({
        ...step,
        phase: entry.path in context.signals ? "signalled" : "awaiting",
        round: entry.round,
        inputSeq: entry.seq,
        timer: entry.path in context.signals ? null : entry.timeout,
      }));
    case "SignalReceived":
      return signalled(context, entry);
    case "StepSucceeded":
      return {
        ...without(context, entry.path),
        outputs: { ...context.outputs, [entry.path]: entry.seq },
        lastSeq: entry.seq,
      };
    case "StepFailed":
      return {
        ...withoutWait(context, entry.path),
        failure: { path: entry.path, kind: entry.kind, seq: entry.seq },
      };
    case "JobCompleted":
      return { ...context, completedSeq: entry.seq };
    case "CancelRequested":
      return { ...context, isPaused: false, isQueued: false, open: allClosing(context.open) };
    case "PauseRequested":
      return { ...context, isPaused: true, isQueued: false };
    case "ResumeRequested":
      return { ...context, isPaused: false, isQueued: entry.isQueued === true };
    case "RetryRequested":
      return { ...retried(context, entry), isQueued: entry.isQueued === true };
    case "JobCancelled":
      return context;
  }
};

const withStep = (
  context: JobContext,
  path: string,
  change: (step: StepProgress) => StepProgress,
): JobContext => ({
  ...context,
  steps: { ...context.steps, [path]: change(progressOf(context, path)) },
});

const without = (context: JobContext, path: string): JobContext => {
  const { [path]: _, ...steps } = context.steps;
  return { ...context, steps };
};

const started = (step: StepProgress, entry: EntryOf<"StepStarted">): StepProgress => ({
  ...step,
  phase: "started",
  round: entry.round,
  attempt: entry.attempt,
  attemptsInRound: step.attemptsInRound + 1,
  roundAt: step.roundAt ?? entry.at,
  attemptAt: entry.at,
  inputSeq: entry.seq,
  timer: null,
  calls: 0,
  repairs: 0,
  repairSeq: null,
  call: null,
});

const intended = (context: JobContext, entry: EntryOf<"PredictionIntended">): JobContext => {
  const call: CallProgress = {
    key: entry.key,
    call: entry.call,
    repair: entry.repair,
    state: "intended",
    intendedSeq: entry.seq,
    intendedAt: entry.at,
    timeoutMs: entry.timeoutMs,
    timedOut: null,
    timedOutAt: null,
    closedSeq: null,
  };
  const next = withStep(context, entry.path, (step) => ({
    ...step,
    phase: "calling",
    timer: null,
    calls: entry.call,
    call,
  }));
  return {
    ...next,
    unconfirmed: superseded(context.unconfirmed, entry.path),
    open: { ...context.open, [entry.key]: { path: entry.path, isClosing: false } },
  };
};

/** From now on what earlier intents of the step bring is receipt and raw answer only. */
const superseded = (
  unconfirmed: JobContext["unconfirmed"],
  path: string,
): JobContext["unconfirmed"] =>
  Object.fromEntries(
    Object.entries(unconfirmed).map(([key, one]) => [
      key,
      one.path === path ? { ...one, isLatest: false } : one,
    ]),
  );

/** Only the step's present call changes; a fact of an earlier call touches no step. */
const withCall = (
  context: JobContext,
  entry: { readonly path: string; readonly key: string },
  change: (step: StepProgress, call: CallProgress) => StepProgress,
): JobContext => {
  const call = context.steps[entry.path]?.call;
  if (call?.key !== entry.key) return context;
  return withStep(context, entry.path, (step) => change(step, call));
};

const closed = (
  context: JobContext,
  entry: Entry & { readonly path: string; readonly key: string },
  phase: "rejected" | "absent" | "unconfirmed" | "settled",
): JobContext => {
  const { [entry.key]: _, ...open } = context.open;
  const next = withCall(context, entry, (step, call) => ({
    ...step,
    phase,
    call: { ...call, state: "closed", closedSeq: entry.seq },
  }));
  return { ...next, open };
};

const unconfirmed = (context: JobContext, entry: EntryOf<"PredictionUnconfirmed">): JobContext => {
  const next = closed(context, entry, "unconfirmed");
  const isLatest = context.steps[entry.path]?.call?.key === entry.key;
  const given = { path: entry.path, isLatest };
  return { ...next, unconfirmed: { ...next.unconfirmed, [entry.key]: given } };
};

const settled = (context: JobContext, entry: EntryOf<"PredictionSettled">): JobContext => {
  const late = context.unconfirmed[entry.key];
  if (late !== undefined) return settledLate(context, entry, late.isLatest);
  const next = closed(context, entry, "settled");
  const booked = {
    ...next,
    rawSeq: entry.seq,
    costMicros: next.costMicros + entry.receipt.costMicros,
  };
  if (entry.status !== "succeeded") return booked;
  return withCall(booked, entry, (step) => ({ ...step, answerSeq: entry.seq }));
};

/** It ended after all: booked, and kept as an answer where nothing has been asked since. */
const settledLate = (
  context: JobContext,
  entry: EntryOf<"PredictionSettled">,
  isLatest: boolean,
): JobContext => {
  const { [entry.key]: _, ...rest } = context.unconfirmed;
  const costMicros = context.costMicros + entry.receipt.costMicros;
  const booked = { ...context, unconfirmed: rest, costMicros };
  const counts =
    isLatest && entry.status === "succeeded" && context.steps[entry.path] !== undefined;
  if (!counts) return booked;
  const next = withStep(booked, entry.path, (step) => ({ ...step, answerSeq: entry.seq }));
  return { ...next, rawSeq: entry.seq };
};

/** As a call that was made and settled at once. */
const reused = (context: JobContext, entry: EntryOf<"PredictionReused">): JobContext => {
  const call: CallProgress = {
    key: entry.key,
    call: entry.call,
    repair: 0,
    state: "closed",
    intendedSeq: entry.seq,
    intendedAt: entry.at,
    timeoutMs: 0,
    timedOut: null,
    timedOutAt: null,
    closedSeq: entry.seq,
  };
  const next = withStep(context, entry.path, (step) => ({
    ...step,
    phase: "settled",
    timer: null,
    calls: entry.call,
    call,
    answerSeq: entry.seq,
  }));
  return {
    ...next,
    unconfirmed: superseded(context.unconfirmed, entry.path),
    rawSeq: entry.seq,
    costMicros: context.costMicros + entry.receipt.costMicros,
  };
};

const timedOut = (context: JobContext, entry: EntryOf<"AttemptTimedOut">): JobContext => {
  const next = withCall(context, entry, (step, call) => ({
    ...step,
    call: { ...call, timedOut: entry.awaited, timedOutAt: entry.at },
  }));
  const open = next.open[entry.key];
  return open === undefined
    ? next
    : { ...next, open: { ...next.open, [entry.key]: { ...open, isClosing: true } } };
};

/** Who has given up waiting for a signal has no timer any more. */
const withoutWait = (context: JobContext, path: string): JobContext =>
  context.steps[path]?.phase === "awaiting"
    ? withStep(context, path, (step) => ({ ...step, phase: "idle", timer: null }))
    : context;

/** One that comes before its step has begun to wait is kept for it. */
const signalled = (context: JobContext, entry: EntryOf<"SignalReceived">): JobContext => {
  const next = { ...context, signals: { ...context.signals, [entry.path]: entry.seq } };
  if (context.steps[entry.path]?.phase !== "awaiting") return next;
  return withStep(next, entry.path, (step) => ({ ...step, phase: "signalled", timer: null }));
};

const allClosing = (open: JobContext["open"]): JobContext["open"] =>
  Object.fromEntries(Object.entries(open).map(([key, one]) => [key, { ...one, isClosing: true }]));

/** The signals that still count: a RETRY of a step that was refused waits for another word. */
const signalsAfter = (
  { signals, failure }: JobContext,
  { isFresh }: EntryOf<"RetryRequested">,
): JobContext["signals"] => {
  if (failure === null || !(failure.path in signals)) return signals;
  if (failure.kind !== "policy" && !isFresh) return signals;
  const { [failure.path]: _, ...others } = signals;
  return others;
};

const retried = (context: JobContext, entry: EntryOf<"RetryRequested">): JobContext => {
  const cleared = { ...context, failure: null, signals: signalsAfter(context, entry) };
  const path = context.failure?.path ?? undecided(context);
  if (path === undefined) return cleared;
  return withStep(cleared, path, (step) => {
    const opened = {
      ...step,
      round: step.round + 1,
      attemptsInRound: 0,
      roundAt: null,
      timer: null,
    };
    // What is paid already and may still come is awaited before anything is paid again.
    if (step.call !== null && step.call.key in context.open) return { ...opened, phase: "calling" };
    const answerSeq = entry.isFresh ? null : step.answerSeq;
    return { ...opened, phase: "idle", call: null, answerSeq };
  });
};

/** The step that rests in `unknown` until somebody decides whether to pay again. */
const undecided = (context: JobContext): string | undefined =>
  Object.keys(context.steps).find((path) => context.steps[path]?.phase === "absent");
