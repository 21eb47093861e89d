/** What of a journal's entry a job's caller may see: an allow-list, so that what is new stays inside. */
import type { Entry } from "../../machines/entry.ts";
import { kindOf, safeMessageOf } from "../../steps/failure.ts";

export interface PublicEntry {
  readonly type: string;
  readonly seq: number;
  readonly at: string;
  readonly step?: string;
  readonly attempt?: number;
  /** The kind of a failure, and what a user may read of it. */
  readonly kind?: string;
  readonly message?: string;
  /** When it is tried again. */
  readonly retry_at?: string;
  /** Until when a signal is waited for, where that has an end. */
  readonly until?: string;
}

const iso = (at: number): string => new Date(at).toISOString();

/** Null for an entry that tells a caller nothing. */
export const publicEntry = (entry: Entry): PublicEntry | null => {
  const fields = fieldsOf(entry);
  const { type, seq, at } = entry;
  return fields === null ? null : { type, seq, at: iso(at), ...fields };
};

const fieldsOf = (entry: Entry): Omit<PublicEntry, "type" | "seq" | "at"> | null => {
  switch (entry.type) {
    case "JobSubmitted":
    case "JobStarted":
    case "JobCompleted":
    case "JobCancelled":
    case "CancelRequested":
    case "PauseRequested":
    case "ResumeRequested":
    case "RetryRequested":
      return {};
    case "StepStarted":
    case "StepSucceeded":
    case "PredictionIntended":
    case "AttemptTimedOut":
    case "OutputRejected":
      return { step: entry.path, attempt: entry.attempt };
    case "AttemptHeld":
    case "AttemptFailed":
      return {
        step: entry.path,
        attempt: entry.attempt,
        kind: kindOf(entry.failure),
        message: safeMessageOf(entry.failure),
        retry_at: iso(entry.retry.wakeAt),
      };
    case "SignalAwaited":
      return {
        step: entry.path,
        ...(entry.timeout === null ? {} : { until: iso(entry.timeout.wakeAt) }),
      };
    case "SignalReceived":
      return { step: entry.path };
    case "StepFailed":
      return { step: entry.path, kind: entry.kind, message: safeMessageOf(entry.failure) };
    default:
      return null;
  }
};
