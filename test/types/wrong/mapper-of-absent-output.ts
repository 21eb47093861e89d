import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, concept, count } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .step(count, ({ outputs }) => outputs.prompt);

// Error at line 6:
// Property 'prompt' does not exist on type '{ readonly concept: { readonly headline: string; readonly tone: string; }; }'.
