import { Schema } from "effect";
import { PolicyFailure } from "../../../src/steps/failure.ts";
import { Step } from "../../../src/steps/step.ts";

export const check = Step.make("check", {
  input: Schema.String,
  output: Schema.String,
  fails: ["provider"],
  run: async (text) => text,
  mapError: () => new PolicyFailure({ rule: "empty" }),
});

// Error at line 10:
// Type 'PolicyFailure' is missing the following properties from type 'ProviderFailure': reason, provider
