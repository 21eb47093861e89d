import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, concept, prompt } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .step(prompt, ({ outputs }) => outputs.concept.headline);

// Error at line 6:
// Type 'string' is not assignable to type '{ readonly headline: string; readonly tone: string; }'.
