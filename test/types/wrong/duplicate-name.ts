import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, concept } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .step(concept, ({ input }) => input);

// Error at line 6:
// Type 'Step<"concept", { readonly product: string; readonly audience: string; }, { readonly headline: string; readonly tone: string; }, PolicyFailure | ProviderFailure | TimeoutFailure | ValidationFailure, never, never>' is not assignable to type '"step \"concept\" is in this pipeline already: add it as .as(\"another-name\")"'.
