/**
 * What a machine remembers of its job: references by seq, counts and phases, never payloads. It is a
 * pure fold over the journal and plain JSON.
 */
import type { RestKind } from "../steps/failure.ts";
import type { Timer } from "./entry.ts";

/**
 * Where a step stands. `idle`: nothing begun in this round. `started`: an attempt runs. `calling`: an
 * intent is open. `settled`, `rejected`, `absent`, `unconfirmed`: how the intent ended, not yet judged.
 * `repairing`: the output was refused, the model is to be asked again. `held`, `backingOff`: waiting.
 * `awaiting`: the signal has not come; `signalled`: it is there, not yet judged.
 */
export type StepPhase =
  | "idle"
  | "started"
  | "calling"
  | "settled"
  | "rejected"
  | "absent"
  | "unconfirmed"
  | "repairing"
  | "held"
  | "backingOff"
  | "awaiting"
  | "signalled";

/** One paid call of a step. Seqs point into the journal; instants in ms. */
export interface CallProgress {
  readonly key: string;
  readonly call: number;
  readonly repair: number;
  readonly state: "intended" | "unknown" | "accepted" | "closed";
  readonly intendedSeq: number;
  readonly intendedAt: number;
  readonly timeoutMs: number;
  /** Which bound ran out, once one has. */
  readonly timedOut: "attempt" | "boot" | "step" | null;
  readonly timedOutAt: number | null;
  /** The entry that closed the call: settled, reused, rejected or absent. */
  readonly closedSeq: number | null;
}

export interface StepProgress {
  readonly phase: StepPhase;
  readonly round: number;
  /** The last attempt begun, 0 before the first; never reused over rounds. */
  readonly attempt: number;
  readonly attemptsInRound: number;
  /** When the round began: the first attempt's instant. */
  readonly roundAt: number | null;
  readonly attemptAt: number | null;
  /** The StepStarted or SignalAwaited that holds the input. */
  readonly inputSeq: number | null;
  readonly timer: Timer | null;
  /** The limit that a held attempt waits for, in words; null where it waits for the provider. */
  readonly limit: string | null;
  readonly calls: number;
  readonly repairs: number;
  /** The OutputRejected that the next call shall repair. */
  readonly repairSeq: number | null;
  readonly call: CallProgress | null;
  /** The last settled answer that was a success: decoded again before anything is paid again. */
  readonly answerSeq: number | null;
}

export interface OpenPrediction {
  readonly path: string;
  /** Its remote end has been asked for. */
  readonly isClosing: boolean;
}

export interface UnconfirmedPrediction {
  readonly path: string;
  /** No later intent of its step exists: a late success still counts. */
  readonly isLatest: boolean;
}

export interface JobContext {
  readonly submittedSeq: number;
  /** Step path to the seq of its StepSucceeded. */
  readonly outputs: Readonly<Record<string, number>>;
  /** The seq of the last output; before the first, of JobSubmitted. */
  readonly lastSeq: number;
  readonly steps: Readonly<Record<string, StepProgress>>;
  /** Step path to the seq of the SignalReceived that counts; early ones too. */
  readonly signals: Readonly<Record<string, number>>;
  /** By intent key; a prediction leaves when it is settled, rejected, absent or given up as unconfirmed. */
  readonly open: Readonly<Record<string, OpenPrediction>>;
  /**
   * By intent key: given up as unconfirmed, but still watched; what comes of them is booked. After the
   * job's end as well.
   */
  readonly unconfirmed: Readonly<Record<string, UnconfirmedPrediction>>;
  readonly isPaused: boolean;
  /** Asked to go on while no place was free: it does so with whoever claims it. */
  readonly isQueued: boolean;
  readonly failure: { readonly path: string; readonly kind: RestKind; readonly seq: number } | null;
  readonly completedSeq: number | null;
  /** The last PredictionSettled or PredictionReused: where the raw answer is. */
  readonly rawSeq: number | null;
  readonly costMicros: number;
  /** Deaths of owners since the last progress in which something of this job may have been running; three are poison. */
  readonly claims: number;
  /** The seq of the last takeover from a dead owner since the last progress, whatever the job was at; null after progress. */
  readonly takenOverSeq: number | null;
}

export const initialContext: JobContext = {
  submittedSeq: 0,
  outputs: {},
  lastSeq: 0,
  steps: {},
  signals: {},
  open: {},
  unconfirmed: {},
  isPaused: false,
  isQueued: false,
  failure: null,
  completedSeq: null,
  rawSeq: null,
  costMicros: 0,
  claims: 0,
  takenOverSeq: null,
};

/** A step before its first attempt. */
const idleStep: StepProgress = {
  phase: "idle",
  round: 1,
  attempt: 0,
  attemptsInRound: 0,
  roundAt: null,
  attemptAt: null,
  inputSeq: null,
  timer: null,
  limit: null,
  calls: 0,
  repairs: 0,
  repairSeq: null,
  call: null,
  answerSeq: null,
};

/** Where the step at `path` stands; idle where nothing was ever recorded of it. */
export const progressOf = (context: JobContext, path: string): StepProgress =>
  context.steps[path] ?? idleStep;
