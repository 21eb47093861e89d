import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, concept } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .step(concept, ({ input }) => input);

// Error at line 6:
// Property '"name-taken"' is missing in type 'Step<"concept", { readonly product: string; readonly audience: string; }, { readonly headline: string; readonly tone: string; }, PolicyFailure | ProviderFailure | TimeoutFailure | ValidationFailure, never, never>' but required in type '{ readonly "name-taken": "step \"concept\" is in this pipeline already: add it as .as(\"another-name\")"; }'.
