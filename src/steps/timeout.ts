/** Timeout as data: how long one attempt, a model's boot, and the whole step with its retries may take. */
import { Duration, Option } from "effect";

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
  if (!isBounds(input)) return { attemptMs: millisOf("timeout", input) };
  return {
    attemptMs: millisOf("timeout.attempt", input.attempt),
    ...(input.boot === undefined ? {} : { bootMs: millisOf("timeout.boot", input.boot) }),
    ...(input.step === undefined ? {} : { stepMs: millisOf("timeout.step", input.step) }),
  };
};

const millisOf = (field: string, input: Duration.Input): number => {
  const millis = Option.match(Duration.fromInput(input), {
    onNone: () => Number.NaN,
    onSome: Duration.toMillis,
  });
  if (Number.isFinite(millis) && millis > 0) return millis;
  throw new TypeError(
    `expected ${field} to be a duration above zero, such as "30 seconds", got ${JSON.stringify(input) ?? typeof input}`,
  );
};
