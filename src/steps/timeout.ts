/** Timeout as data: how long one attempt, a model's boot, and the whole step with its retries may take. */
import type { Duration } from "effect";
import { positiveMillis } from "./duration.ts";

/** All in ms. `bootMs` bounds the time before a prediction starts running; `stepMs` all attempts together. */
export interface TimeoutPolicy {
  readonly attemptMs: number;
  readonly bootMs?: number;
  readonly stepMs?: number;
}

/** A duration ("60 seconds", a number of ms) for the attempt, or each bound by name. */
export type TimeoutInput =
  | Duration.Input
  | {
      readonly attempt: Duration.Input;
      readonly boot?: Duration.Input;
      readonly step?: Duration.Input;
    };

/** Ten minutes: longer than a cold boot, shorter than the half hour after which a provider gives up. */
const defaultAttemptMs = 600_000;

const isBounds = (
  input: TimeoutInput,
): input is Extract<TimeoutInput, { readonly attempt: Duration.Input }> =>
  typeof input === "object" && "attempt" in input;

/** The policy with every bound in ms. Throws a TypeError that names the bound where it is no positive duration. */
export const timeoutPolicy = (input: TimeoutInput | undefined): TimeoutPolicy => {
  if (input === undefined) return { attemptMs: defaultAttemptMs };
  if (!isBounds(input)) return { attemptMs: positiveMillis("timeout", input) };
  return {
    attemptMs: positiveMillis("timeout.attempt", input.attempt),
    ...(input.boot === undefined ? {} : { bootMs: positiveMillis("timeout.boot", input.boot) }),
    ...(input.step === undefined ? {} : { stepMs: positiveMillis("timeout.step", input.step) }),
  };
};
