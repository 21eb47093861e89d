/** How a command ends other than well: exit code 1, a job or a check failed; 2, it was asked for wrongly. */
import { Data } from "effect";

/** What was asked for cannot be: an argument, the environment or the config is not what it has to be. */
export class UsageError extends Data.TaggedError("UsageError")<{
  /** What was expected, what came, what to do. */
  readonly message: string;
}> {}

/** The command did its part and what it looked at failed. Everything has been said already. */
export class Failed extends Data.TaggedError("Failed")<{}> {}

/** Something outside went wrong in a way that has a sentence. */
export class Trouble extends Data.TaggedError("Trouble")<{ readonly message: string }> {}
