/** What an operator is told when something needs a look, and what the checks say of it each time. */

/**
 * `failure-rate`: attempts of a step, or of the steps of a model, fail. `queue-age`: a job waits for a slot.
 * `stuck-jobs`: jobs get nowhere. `budget`: a budget is nearly or all used. `dead-letters`: jobs fail for
 * good. `about-to-be-lost`: an answer that is paid may be removed by its provider before we have it.
 */
export const alertNames = [
  "failure-rate",
  "queue-age",
  "stuck-jobs",
  "budget",
  "dead-letters",
  "about-to-be-lost",
] as const;
export type AlertName = (typeof alertNames)[number];

/** What each process sees for itself; everything else is in the store, the same for all of them. */
export const isOfProcess = (name: AlertName): boolean =>
  name === "failure-rate" || name === "about-to-be-lost";

export interface Alert {
  readonly name: AlertName;
  /** What it is about, such as `step poster/image`, `model meta/llama` or `provider replicate`; empty: the service. */
  readonly subject: string;
  /** In a sentence, free of what users wrote. */
  readonly what: string;
  /** A share (0 to 1), a count, or ms, as the threshold. */
  readonly value: number;
  readonly threshold: number;
  /** When it was raised (ms). */
  readonly since: number;
  /** What to do, in a sentence. */
  readonly action: string;
}

export interface AlertChange {
  readonly type: "raised" | "cleared";
  readonly alert: Alert;
  readonly at: number;
}

/** What a check finds: `bad` raises, `good` clears after a while, `between` leaves it as it is. */
export interface Reading extends Omit<Alert, "since"> {
  readonly state: "bad" | "between" | "good";
}

/** An alert clears below this part of its threshold only, so that it does not come and go. */
const clearsBelow = 0.8;

/** The state of a value that is worse the higher it is. */
export const stateOf = (value: number, threshold: number): Reading["state"] => {
  if (value >= threshold) return "bad";
  return value >= threshold * clearsBelow ? "between" : "good";
};

/** Ms in words: `30 s`, `50 min`, `3 h`. */
export const inWords = (ms: number): string => {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
};

/** The first of many, and how many more there are. */
export const someOf = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
};
