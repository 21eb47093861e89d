import { Effect, Schema } from "effect";
import { Steps } from "../../../src/index.ts";

export const step = Steps.store("keep", {
  input: Schema.String,
  put: () => Effect.fail("the database is away"),
});

// Error at line 6:
// Type 'string' is not assignable to type 'PolicyFailure | ProviderFailure | TimeoutFailure | ValidationFailure'.
