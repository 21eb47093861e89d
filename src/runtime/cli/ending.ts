/** How a command ends other than well: exit code 1, a job or a check failed; 2, it was asked for wrongly. */
import { Cause, Data, Effect } from "effect";
import { PipelineUnsound } from "../../machines/check-plan.ts";
import { StartError } from "../options.ts";

/** What was asked for cannot be: an argument, the environment or the config is not what it has to be. */
export class UsageError extends Data.TaggedError("UsageError")<{
  /** What was expected, what came, what to do. */
  readonly message: string;
}> {}

/** The command did its part and what it looked at failed. Everything has been said already. */
export class Failed extends Data.TaggedError("Failed")<{}> {}

/** Something outside went wrong in a way that has a sentence. */
export class Trouble extends Data.TaggedError("Trouble")<{ readonly message: string }> {}

/** What start options cannot be is thrown there; here the user has to be told. */
export const asUsage = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | UsageError, R> =>
  Effect.catchCause(effect, (cause): Effect.Effect<A, E | UsageError> => {
    const thrown = Cause.squash(cause);
    if (thrown instanceof StartError || thrown instanceof PipelineUnsound)
      return Effect.fail(new UsageError({ message: thrown.message }));
    return Effect.failCause(cause);
  });
