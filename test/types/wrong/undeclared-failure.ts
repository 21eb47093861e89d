import { Effect, Schema } from "effect";
import { PolicyFailure } from "../../../src/steps/failure.ts";
import { Step } from "../../../src/steps/step.ts";

export const check = Step.make("check", {
  input: Schema.String,
  output: Schema.String,
  run: Effect.fn(function* (text) {
    if (text === "") return yield* new PolicyFailure({ rule: "empty" });
    return text;
  }),
});

// Error at line 5:
// Property '"undeclared-failure"' is missing in type '{ input: Schema.String; output: Schema.String; run: (text: string) => Effect.Effect<string, PolicyFailure, never>; }' but required in type '{ readonly "undeclared-failure": "step \"check\" can fail with PolicyFailure, which it does not declare: add its kind to fails, or turn it into a declared failure"; }'.
