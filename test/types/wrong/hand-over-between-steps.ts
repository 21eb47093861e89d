import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, concept, count } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .step(count);

// Error at line 6:
// Type 'Step<"count", string, number, DeclaredFailure<never>, never, never>' is not assignable to type '"step \"count\" takes what step \"concept\" does not return: add a mapper as the second argument, ({ input, outputs, last }) => ..."'.
