/** From a snapshot to the row a person reads. */
import type { JobContext, StepProgress } from "../../machines/context.ts";
import type { Entry, EntryOf, Value } from "../../machines/entry.ts";
import type { JobSnapshot } from "../../machines/advance.ts";
import { operatorMessageOf } from "../../steps/failure.ts";
import type { JobStatus, JobTimer, StateRecord, Waiting } from "../journal-store.ts";

/** The public status; everything finer is its detail. */
export const statusOf = ({ value }: JobSnapshot): JobStatus => {
  // Asked several times a commit; `matches` would build and walk a state value for each status.
  const top = typeof value === "string" ? value : firstOf(value)?.[0];
  return top === "pending" || top === "failed" || top === "complete" || top === "cancelled"
    ? top
    : "processing";
};

/** Whether the job has nothing more to do by itself. */
export const isAtRest = (snapshot: JobSnapshot): boolean => {
  const status = statusOf(snapshot);
  return status === "failed" || status === "complete" || status === "cancelled";
};

interface Position {
  readonly path: string | null;
  readonly detail: string | null;
  readonly step: StepProgress | undefined;
}

/** Where a running job stands: its first active step, and that step's own state. */
export const positionOf = (snapshot: JobSnapshot): Position => {
  const { context, value } = snapshot;
  if (value === "cancelling") return { path: null, detail: "cancelling", step: undefined };
  if (typeof value !== "object") return { path: null, detail: null, step: undefined };
  const running: unknown = "running" in value ? value.running : null;
  const [path, detail] = inner(running);
  if (path === null) return { path: context.failure?.path ?? null, detail: null, step: undefined };
  return { path, detail: detailOf(context) ?? detail, step: context.steps[path] };
};

/** What goes before everything a step may be at. */
const detailOf = ({ isPaused, isQueued }: JobContext): string | null => {
  if (isPaused) return "paused";
  return isQueued ? "queued" : null;
};

const inner = (running: unknown): readonly [path: string | null, detail: string | null] => {
  if (typeof running === "string") return [running, "active"];
  if (typeof running !== "object" || running === null) return [null, null];
  const first = firstOf(running);
  if (first === undefined) return [null, null];
  return [first[0], typeof first[1] === "string" ? first[1] : "active"];
};

/** The first key and its value, without a list of all. */
const firstOf = (states: object): readonly [key: string, value: unknown] | undefined => {
  // A state value is a plain object: it inherits no key.
  for (const key in states) return [key, Reflect.get(states, key)];
  return undefined;
};

/** The row after an entry. `entry` is the last one of the commit; earlier ones of it are folded already. */
export const recordAfter = (
  before: StateRecord,
  entries: ReadonlyArray<Entry>,
  snapshot: JobSnapshot,
): StateRecord => {
  const { context } = snapshot;
  const { path, detail, step } = positionOf(snapshot);
  const at = entries.at(-1)?.at ?? before.updatedAt;
  const { failed, output, raw } = saidIn(entries);
  const isFailed = context.failure !== null;
  return {
    ...before,
    status: statusOf(snapshot),
    detail,
    currentStep: path,
    attempt: step?.attempt ?? (path === before.currentStep ? before.attempt : 0),
    normalizedOutput: output ?? before.normalizedOutput,
    errorMessage:
      failed === undefined
        ? isFailed
          ? before.errorMessage
          : null
        : operatorMessageOf(failed.failure),
    failureKind: context.failure?.kind ?? null,
    rawReference: raw?.raw ?? before.rawReference,
    costMicros: context.costMicros,
    waiting: isAtRest(snapshot) ? null : waitingOf({ context, path, detail, step, at, before }),
    updatedAt: at,
  };
};

interface Said {
  failed: EntryOf<"StepFailed"> | undefined;
  output: Value | undefined;
  raw: EntryOf<"PredictionSettled" | "PredictionReused"> | undefined;
}

/** The last of its kind each. */
const saidIn = (entries: ReadonlyArray<Entry>): Said => {
  const said: Said = { failed: undefined, output: undefined, raw: undefined };
  for (const entry of entries) {
    switch (entry.type) {
      case "StepFailed":
        said.failed = entry;
        break;
      case "StepSucceeded":
      case "JobCompleted":
        said.output = entry.output;
        break;
      case "PredictionSettled":
      case "PredictionReused":
        said.raw = entry;
        break;
      default:
    }
  }
  return said;
};

interface Standing extends Position {
  readonly context: JobContext;
  readonly at: number;
  readonly before: StateRecord;
}

/** What the job waits for, since when, and what happens next. */
const waitingOf = ({ context, path, detail, step, at, before }: Standing): Waiting => {
  const [waitingFor, next, until] = words({ context, path, detail, step });
  const since = before.waiting?.waitingFor === waitingFor ? before.waiting.since : at;
  return { waitingFor, next, until, since };
};

type Words = readonly [waitingFor: string, next: string, until: number | null];

const words = ({
  context,
  path,
  detail,
  step,
}: Position & { readonly context: JobContext }): Words => {
  if (detail === "cancelling")
    return ["the provider to confirm the cancel", "the job becomes cancelled", null];
  if (path === null) return ["a free slot", "the first step starts", null];
  if (context.isPaused) return ["a resume", `${path} goes on`, null];
  if (context.isQueued) return ["a free slot", `${path} goes on`, null];
  if (step?.phase === "awaiting")
    return [`signal ${path}`, "what is sent is its output", step.timer?.wakeAt ?? null];
  const call = step?.call;
  const until = call == null ? null : call.intendedAt + call.timeoutMs;
  if (detail === "backingOff" && step?.phase === "held" && step.limit !== null)
    return [`room under the limit of ${step.limit}`, `attempt ${step.attempt} goes on`, null];
  if (detail === "backingOff" && step?.phase === "held")
    return [
      `the provider of ${path} to take calls again`,
      `attempt ${step.attempt} goes on`,
      step.timer?.wakeAt ?? null,
    ];
  if (detail === "backingOff")
    return [`the next try of ${path}`, `attempt ${nextAttempt(step)}`, step?.timer?.wakeAt ?? null];
  if (detail === "unknown" && step?.phase === "absent")
    return ["a decision", "retry pays for the call again, cancel ends the job", null];
  // Whoever sent a call that was only intended when its job was taken over is dead.
  const isLost = call?.state === "intended" && call.intendedSeq < (context.takenOverSeq ?? 0);
  if (detail === "unknown" || isLost)
    return [`news of a call of ${path} whose answer was lost`, "it is found, or made again", until];
  if (call?.state === "intended")
    return [`the provider to take a call of ${path}`, "its model runs", until];
  if (detail === "waiting") return [`the model of ${path}`, "its answer is checked", until];
  return [path, "its result is committed", null];
};

const nextAttempt = (step: StepProgress | undefined): number =>
  step === undefined ? 1 : step.attempt + 1;

/** The timers a job needs on disk: what wakes it when nothing else does. */
export const timersOf = (context: JobContext): ReadonlyArray<JobTimer> =>
  Object.entries(context.steps).flatMap(([path, step]) => {
    // The next attempt of a paused job is for a word to begin, whenever its time has come.
    const isHeld = context.isPaused && (step.phase === "backingOff" || step.phase === "held");
    if (isHeld) return [];
    if (step.timer !== null) return [{ path, ...step.timer }];
    const call = step.phase === "calling" ? step.call : null;
    if (call === null) return [];
    return [{ path, wakeAt: call.intendedAt + call.timeoutMs, delayMs: call.timeoutMs }];
  });

/** The timers after an append, null where there were none and are none: as for most appends. */
export const timersAfter = (
  before: JobContext,
  after: JobContext,
): ReadonlyArray<JobTimer> | null =>
  hasTimers(before) || hasTimers(after) ? timersOf(after) : null;

/** Whether `timersOf` would find any, without making a list: asked twice a commit. */
const hasTimers = ({ steps }: JobContext): boolean => {
  for (const path in steps) {
    const step = steps[path];
    if (step === undefined) continue;
    if (step.timer !== null || (step.phase === "calling" && step.call !== null)) return true;
  }
  return false;
};
