/**
 * The entries of a job's journal: versioned facts, in the past tense, that are at once the events of the
 * machine. Everything else about a job is derived from them. They hold plain JSON only, so that what is
 * written is what is read.
 */
import { Schema } from "effect";
import { PredictionStatus } from "../steps/model-client.ts";
import { Defect, Failure } from "../steps/failure.ts";

/** Version of the entry format; a reader refuses what is newer than itself. */
export const entryVersion = 1;

/**
 * A JSON value, inline while small, else in the asset store under its SHA-256; or the mark of one that was
 * taken away again, by age or by request (`erasedAt` in ms), so that its entry still folds.
 */
export const Value = Schema.Union([
  Schema.Struct({ json: Schema.Json }),
  Schema.Struct({ asset: Schema.String, sizeBytes: Schema.Number }),
  Schema.Struct({ erasedAt: Schema.Number }),
]);
export type Value = typeof Value.Type;

/** A value, or the entry of this journal (by seq) that already holds it. */
export const ValueOrEntry = Schema.Union([Value, Schema.Struct({ entry: Schema.Number })]);
export type ValueOrEntry = typeof ValueOrEntry.Type;

/** A durable wait: resume waits clamp(wakeAt - now, 0, delayMs). Instants and delays in ms. */
export const Timer = Schema.Struct({ wakeAt: Schema.Number, delayMs: Schema.Number });
export type Timer = typeof Timer.Type;

/** What a prediction cost, in millionths of a US dollar; `basis` says how the price was reached. */
export const Receipt = Schema.Struct({
  provider: Schema.String,
  model: Schema.String,
  predictionId: Schema.String,
  costMicros: Schema.Number,
  basis: Schema.String,
  metrics: Schema.Record(Schema.String, Schema.Number),
  /** Nobody can say what it cost: budgets go on counting what it may have cost at the most. */
  isUnmeasured: Schema.optionalKey(Schema.Boolean),
});
export type Receipt = typeof Receipt.Type;

/** Provider URL of each copied output file to its asset. */
const Files = Schema.Array(Schema.Struct({ url: Schema.String, asset: Schema.Json }));

const EncodedFailure = Schema.toEncoded(Failure);
/** What a job rests on in `failed`. */
const Rest = Schema.Union([EncodedFailure, Defect]);

const at = { path: Schema.String, attempt: Schema.Number };

const JobSubmitted = Schema.Struct({
  type: Schema.tag("JobSubmitted"),
  pipeline: Schema.String,
  version: Schema.Number,
  fingerprint: Schema.String,
  input: Value,
});
/**
 * A process became the job's only owner; `isTakeover` where the one before it died. `isSuspect` says of a takeover
 * whether something of this job may have been running then; absent in journals from before that was asked.
 */
const Claimed = Schema.Struct({
  type: Schema.tag("Claimed"),
  owner: Schema.String,
  epoch: Schema.Number,
  isTakeover: Schema.Boolean,
  isSuspect: Schema.optionalKey(Schema.Boolean),
});
/** The job left the pending queue. */
const JobStarted = Schema.Struct({ type: Schema.tag("JobStarted") });

/** An attempt begins with this input; `round` counts the operator's RETRYs, from 1. */
const StepStarted = Schema.Struct({
  type: Schema.tag("StepStarted"),
  ...at,
  round: Schema.Number,
  input: ValueOrEntry,
});
/** The decision to make one paid call; `call` is 1-based within the attempt, `repair` 0 for the first asking. */
const PredictionIntended = Schema.Struct({
  type: Schema.tag("PredictionIntended"),
  ...at,
  call: Schema.Number,
  repair: Schema.Number,
  key: Schema.String,
  provider: Schema.String,
  model: Schema.String,
  inputHash: Schema.String,
  request: Value,
  estimateMicros: Schema.Number,
  timeoutMs: Schema.Number,
});
/** The provider named the prediction; `isAdopted` where it was found again after a lost answer. */
const PredictionAccepted = Schema.Struct({
  type: Schema.tag("PredictionAccepted"),
  path: Schema.String,
  key: Schema.String,
  predictionId: Schema.String,
  isAdopted: Schema.Boolean,
});
/** A definite no: nothing was created and no attempt is used up. */
const PredictionRejected = Schema.Struct({
  type: Schema.tag("PredictionRejected"),
  path: Schema.String,
  key: Schema.String,
  failure: EncodedFailure,
});
/** Nobody knows yet whether the prediction exists. */
const PredictionUnknown = Schema.Struct({
  type: Schema.tag("PredictionUnknown"),
  path: Schema.String,
  key: Schema.String,
  detail: Schema.String,
});
/**
 * No prediction exists under this intent: `isCertain` by the ledger's rule, else merely assumed, because
 * the provider cannot list what it made.
 */
const PredictionAbsent = Schema.Struct({
  type: Schema.tag("PredictionAbsent"),
  path: Schema.String,
  key: Schema.String,
  isCertain: Schema.Boolean,
});
/** The remote truth: terminal status, raw answer, copied files, cost. Durable before anything is parsed. */
const PredictionSettled = Schema.Struct({
  type: Schema.tag("PredictionSettled"),
  path: Schema.String,
  key: Schema.String,
  predictionId: Schema.String,
  status: PredictionStatus,
  raw: Value,
  files: Files,
  /** Where an output file could not be copied. */
  fileFailure: Schema.NullOr(EncodedFailure),
  receipt: Receipt,
});
/**
 * The stored answer of an earlier job's equal call, used instead of paying for one: it does decode for this
 * step. `source` says whose it is; the receipt is for nothing.
 */
const PredictionReused = Schema.Struct({
  type: Schema.tag("PredictionReused"),
  ...at,
  call: Schema.Number,
  key: Schema.String,
  provider: Schema.String,
  model: Schema.String,
  inputHash: Schema.String,
  source: Schema.Struct({
    jobId: Schema.String,
    predictionId: Schema.String,
    settledAt: Schema.Number,
  }),
  raw: Value,
  files: Files,
  receipt: Receipt,
});
/** The remote end of a cancelled or timed out prediction could not be confirmed within `closeGrace`. */
const PredictionUnconfirmed = Schema.Struct({
  type: Schema.tag("PredictionUnconfirmed"),
  path: Schema.String,
  key: Schema.String,
});
/** The time of an attempt ran out while its prediction was open; only now may it be cancelled remotely. */
const AttemptTimedOut = Schema.Struct({
  type: Schema.tag("AttemptTimedOut"),
  ...at,
  key: Schema.String,
  timeoutMs: Schema.Number,
  awaited: Schema.Literals(["attempt", "boot", "step"]),
});
/** An output did not parse or decode; the model is asked once more within the same attempt. */
const OutputRejected = Schema.Struct({
  type: Schema.tag("OutputRejected"),
  ...at,
  key: Schema.String,
  failure: EncodedFailure,
});
/** The provider asked for patience, or a limit of ours is used up: the same attempt intends again after the wait. */
const AttemptHeld = Schema.Struct({
  type: Schema.tag("AttemptHeld"),
  ...at,
  failure: EncodedFailure,
  /** The limit that is waited for, in words; absent where it is the provider that wants patience. */
  limit: Schema.optionalKey(Schema.String),
  retry: Timer,
});
/** An attempt failed and another follows after the wait. */
const AttemptFailed = Schema.Struct({
  type: Schema.tag("AttemptFailed"),
  ...at,
  failure: EncodedFailure,
  retry: Timer,
});
const StepSucceeded = Schema.Struct({
  type: Schema.tag("StepSucceeded"),
  ...at,
  output: Value,
});
/** The step waits for the signal of its name, with this input; `timeout` is when it gives up, null where never. */
const SignalAwaited = Schema.Struct({
  type: Schema.tag("SignalAwaited"),
  path: Schema.String,
  round: Schema.Number,
  input: ValueOrEntry,
  timeout: Schema.NullOr(Timer),
});
/**
 * Somebody sent the signal of the step at `path`, in time or before the step was reached. Its value has passed
 * the signal's schema. `id` is the sender's own name for what was sent, or null.
 */
const SignalReceived = Schema.Struct({
  type: Schema.tag("SignalReceived"),
  path: Schema.String,
  id: Schema.NullOr(Schema.String),
  by: Schema.String,
  value: Value,
});
/** The step is out of attempts, or its failure is not for retrying; the job rests on it. */
const StepFailed = Schema.Struct({
  type: Schema.tag("StepFailed"),
  ...at,
  kind: Schema.Literals(["validation", "timeout", "provider", "policy", "defect"]),
  failure: Rest,
});
/** What users see is ready. */
const JobCompleted = Schema.Struct({ type: Schema.tag("JobCompleted"), output: Value });

const asked = { by: Schema.String };
const CancelRequested = Schema.Struct({ type: Schema.tag("CancelRequested"), ...asked });
const PauseRequested = Schema.Struct({ type: Schema.tag("PauseRequested"), ...asked });
/** Where no place was free the job does not go on before it is claimed (`isQueued`). */
const queued = { isQueued: Schema.optionalKey(Schema.Boolean) };
const ResumeRequested = Schema.Struct({
  type: Schema.tag("ResumeRequested"),
  ...asked,
  ...queued,
});
/** Opens a new round at the failed step, with a fresh allowance; `isFresh` forbids decoding a stored answer again. */
const RetryRequested = Schema.Struct({
  type: Schema.tag("RetryRequested"),
  ...asked,
  ...queued,
  isFresh: Schema.Boolean,
});
/** Every open prediction of a cancelled job is settled, or given up as unconfirmed. */
const JobCancelled = Schema.Struct({ type: Schema.tag("JobCancelled") });

/** A fact before the sequencer has given it its place. */
export const Fact = Schema.Union([
  JobSubmitted,
  Claimed,
  JobStarted,
  StepStarted,
  PredictionIntended,
  PredictionAccepted,
  PredictionRejected,
  PredictionUnknown,
  PredictionAbsent,
  PredictionSettled,
  PredictionReused,
  PredictionUnconfirmed,
  AttemptTimedOut,
  OutputRejected,
  AttemptHeld,
  AttemptFailed,
  SignalAwaited,
  SignalReceived,
  StepSucceeded,
  StepFailed,
  JobCompleted,
  CancelRequested,
  PauseRequested,
  ResumeRequested,
  RetryRequested,
  JobCancelled,
]);
export type Fact = typeof Fact.Type;
export type FactOf<Type extends Fact["type"]> = Extract<Fact, { readonly type: Type }>;

/** A fact in its place: `seq` is 1-based without holes, `at` the owner's clock in ms (never used for order). */
export type Entry = Fact & { readonly seq: number; readonly at: number };
export type EntryOf<Type extends Fact["type"]> = FactOf<Type> & {
  readonly seq: number;
  readonly at: number;
};
