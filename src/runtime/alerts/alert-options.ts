/** What a host may say of alerts. Types only: the checks are in `alert-settings.ts`. */
import type { Duration } from "effect";
import type { AlertChange } from "./alert.ts";

/** Each alert is on unless it is `false`. */
export interface AlertOptions {
  /** How often all of them are looked at. Default: 30 seconds. */
  readonly every?: Duration.Input;
  /** Attempts of a step, or of a model's steps, that failed in this process, policies and wrong inputs left out. */
  readonly failureRate?: false | FailureRateOptions;
  /** How long the first of the queue may wait for a slot. */
  readonly queueAge?: false | { readonly after?: Duration.Input };
  readonly stuckJobs?: false | StuckJobsOptions;
  /** At which shares of a budget. Default: 0.8 and 1. */
  readonly budget?: false | { readonly at?: ReadonlyArray<number> };
  /** How many jobs may fail for good within a while. */
  readonly deadLetters?: false | { readonly count?: number; readonly window?: Duration.Input };
  /** How long an answer that may be there already may go unseen. Default: three quarters of what its provider keeps it for. */
  readonly aboutToBeLost?: false | { readonly after?: Duration.Input };
}

export interface FailureRateOptions {
  /** The share of attempts, from 0 to 1. Default: 0.5. */
  readonly share?: number;
  /** Fewer attempts than these say nothing. Default: 10. */
  readonly attempts?: number;
  /** Default: 10 minutes. */
  readonly window?: Duration.Input;
}

export interface StuckJobsOptions {
  /** How long the instant that a job waits for may be over. Default: 10 minutes. */
  readonly overdue?: Duration.Input;
  /** How long a job that waits for no instant may be silent. Default: 1 hour. */
  readonly quiet?: Duration.Input;
}

/** Hears of each alert when it is raised and when it is cleared; what it throws is ignored. */
export type OnAlert = (change: AlertChange) => void;
