/** Durations as steps are given them, checked where the step is made. */
import { Duration, Option } from "effect";

/** The duration in ms. Throws a TypeError that names the field where it is no duration above zero. */
export const positiveMillis = (field: string, input: Duration.Input): number => {
  const millis = Option.match(Duration.fromInput(input), {
    onNone: () => Number.NaN,
    onSome: Duration.toMillis,
  });
  if (Number.isFinite(millis) && millis > 0) return millis;
  throw new TypeError(
    `expected ${field} to be a duration above zero, such as "30 seconds", got ${JSON.stringify(input) ?? typeof input}`,
  );
};
