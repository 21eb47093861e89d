import { Schema } from "effect";
import { Step } from "../../../src/steps/step.ts";

export const check = Step.make("check", {
  input: Schema.String,
  output: Schema.String,
  fails: ["moderation"],
  run: (text) => text,
});

// Error at line 7:
// Type '"moderation"' is not assignable to type 'FailureKind'.
