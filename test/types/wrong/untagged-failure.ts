import { Effect, Schema } from "effect";
import { Step } from "../../../src/steps/step.ts";

export const check = Step.make("check", {
  input: Schema.String,
  output: Schema.String,
  fails: ["policy"],
  run: () => Effect.fail(new Error("no")),
});

// Error at line 4:
// Property '"undeclared-failure"' is missing in type '{ input: Schema.String; output: Schema.String; fails: "policy"[]; run: () => Effect.Effect<never, Error, never>; }' but required in type '{ readonly "undeclared-failure": "step \"check\" can fail with an untagged error, which it does not declare: add its kind to fails, or turn it into a declared failure"; }'.
