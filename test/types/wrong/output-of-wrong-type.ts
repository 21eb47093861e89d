import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, Concept, concept } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .output(Concept, ({ outputs }) => ({ headline: outputs.concept.headline, tone: 7 }));

// Error at line 6:
// Type 'number' is not assignable to type 'string'.
