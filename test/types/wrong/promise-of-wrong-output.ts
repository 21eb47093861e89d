import { Schema } from "effect";
import { Concept } from "../chain.ts";
import { Step } from "../../../src/steps/step.ts";

export const think = Step.make("think", {
  input: Schema.String,
  output: Concept,
  run: async (text) => ({ headline: text }),
});

// Error at line 8:
// Property 'tone' is missing in type '{ readonly headline: string; }' but required in type '{ readonly headline: string; readonly tone: string; }'.
