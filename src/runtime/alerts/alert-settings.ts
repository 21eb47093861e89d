/** Which alerts there are and when they are raised: the options checked, and what stands where nothing was said. */
import { millisOf, pauseOf, positiveInteger, refuseStrangers, StartError } from "../options.ts";
import type { AlertOptions, OnAlert } from "./alert-options.ts";

/** Null where an alert is off; durations in ms. */
export interface AlertSettings {
  readonly everyMs: number;
  readonly failureRate: {
    readonly share: number;
    readonly attempts: number;
    readonly windowMs: number;
  } | null;
  readonly queueAge: { readonly afterMs: number } | null;
  readonly stuckJobs: { readonly overdueMs: number; readonly quietMs: number } | null;
  readonly budget: { readonly at: ReadonlyArray<number> } | null;
  readonly deadLetters: { readonly count: number; readonly windowMs: number } | null;
  /** `afterMs` null: three quarters of what the provider keeps it for. */
  readonly aboutToBeLost: { readonly afterMs: number | null } | null;
  readonly onAlert: OnAlert;
}

type Given = { readonly alerts?: false | AlertOptions; readonly onAlert?: OnAlert };

/** Null where all alerts are off. Throws StartError where an option is not of its kind. */
export const alertSettings = ({ alerts = {}, onAlert }: Given): AlertSettings | null => {
  if (onAlert !== undefined && typeof onAlert !== "function")
    throw new StartError("onAlert", "a function", onAlert);
  if (alerts === false) return null;
  if (typeof alerts !== "object" || alerts === null)
    throw new StartError("alerts", "an object of options, or false", alerts);
  refuseStrangers("alerts", alerts, names);
  return {
    everyMs: pauseOf("alerts.every", alerts.every, 30_000),
    failureRate: failureRateOf(alerts),
    queueAge: queueAgeOf(alerts),
    stuckJobs: stuckJobsOf(alerts),
    budget: budgetOf(alerts),
    deadLetters: deadLettersOf(alerts),
    aboutToBeLost: aboutToBeLostOf(alerts),
    onAlert: quietly(onAlert),
  };
};

const names = Object.keys({
  every: true,
  failureRate: true,
  queueAge: true,
  stuckJobs: true,
  budget: true,
  deadLetters: true,
  aboutToBeLost: true,
} satisfies Record<keyof AlertOptions, true>);

const minuteMs = 60_000;

/** Null where it is off. Throws StartError where it is neither `false` nor an object of these fields. */
const one = <Name extends Exclude<keyof AlertOptions, "every">>(
  alerts: AlertOptions,
  name: Name,
  fields: ReadonlyArray<string>,
): Exclude<AlertOptions[Name], false | undefined> | Record<never, never> | null => {
  const given = alerts[name];
  if (given === false) return null;
  if (given === undefined) return {};
  if (typeof given !== "object" || given === null)
    throw new StartError(`alerts.${name}`, `false, or an object of ${fields.join(", ")}`, given);
  refuseStrangers(`alerts.${name}`, given, fields);
  return given;
};

const failureRateOf = (alerts: AlertOptions): AlertSettings["failureRate"] => {
  const given = one(alerts, "failureRate", ["share", "attempts", "window"]);
  if (given === null) return null;
  const { share = 0.5, attempts, window }: Extract<AlertOptions["failureRate"], object> = given;
  return {
    share: shareOf("alerts.failureRate.share", share),
    attempts: positiveInteger("alerts.failureRate.attempts", attempts, 10),
    windowMs: pauseOf("alerts.failureRate.window", window, 10 * minuteMs),
  };
};

const queueAgeOf = (alerts: AlertOptions): AlertSettings["queueAge"] => {
  const given = one(alerts, "queueAge", ["after"]);
  if (given === null) return null;
  const { after }: Extract<AlertOptions["queueAge"], object> = given;
  return { afterMs: pauseOf("alerts.queueAge.after", after, 10 * minuteMs) };
};

const stuckJobsOf = (alerts: AlertOptions): AlertSettings["stuckJobs"] => {
  const given = one(alerts, "stuckJobs", ["overdue", "quiet"]);
  if (given === null) return null;
  const { overdue, quiet }: Extract<AlertOptions["stuckJobs"], object> = given;
  return {
    overdueMs: millisOf("alerts.stuckJobs.overdue", overdue, 10 * minuteMs),
    quietMs: pauseOf("alerts.stuckJobs.quiet", quiet, 60 * minuteMs),
  };
};

const budgetOf = (alerts: AlertOptions): AlertSettings["budget"] => {
  const given = one(alerts, "budget", ["at"]);
  if (given === null) return null;
  const { at = [0.8, 1] }: Extract<AlertOptions["budget"], object> = given;
  if (!Array.isArray(at) || at.length === 0)
    throw new StartError("alerts.budget.at", "a list of shares such as [0.8, 1]", at);
  return { at: at.map((share, index) => shareOf(`alerts.budget.at[${index}]`, share)) };
};

const deadLettersOf = (alerts: AlertOptions): AlertSettings["deadLetters"] => {
  const given = one(alerts, "deadLetters", ["count", "window"]);
  if (given === null) return null;
  const { count, window }: Extract<AlertOptions["deadLetters"], object> = given;
  return {
    count: positiveInteger("alerts.deadLetters.count", count, 10),
    windowMs: pauseOf("alerts.deadLetters.window", window, 60 * minuteMs),
  };
};

const aboutToBeLostOf = (alerts: AlertOptions): AlertSettings["aboutToBeLost"] => {
  const given = one(alerts, "aboutToBeLost", ["after"]);
  if (given === null) return null;
  const { after }: Extract<AlertOptions["aboutToBeLost"], object> = given;
  const afterMs = after === undefined ? null : pauseOf("alerts.aboutToBeLost.after", after, 0);
  return { afterMs };
};

const shareOf = (field: string, share: unknown): number => {
  if (typeof share === "number" && share > 0 && share <= 1) return share;
  throw new StartError(field, "a share above 0 and up to 1", share);
};

/** Who listens is no part of the work. */
const quietly = (onAlert: OnAlert | undefined): OnAlert => {
  if (onAlert === undefined) return () => undefined;
  return (change) => {
    try {
      const returned: unknown = onAlert(change);
      if (returned instanceof Promise) returned.catch(() => undefined);
    } catch {
      // What it throws is its own.
    }
  };
};
