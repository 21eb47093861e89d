import { Schema } from "effect";
import { Concept } from "../chain.ts";
import { Step } from "../../../src/steps/step.ts";

export const paint = Step.model("paint", {
  input: Concept,
  output: Schema.String,
  model: "painters/small",
  request: (concept) => ({ prompt: concept.subject }),
});

// Error at line 9:
// Property 'subject' does not exist on type '{ readonly headline: string; readonly tone: string; }'.
