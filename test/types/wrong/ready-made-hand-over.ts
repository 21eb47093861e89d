import { Pipeline, Steps } from "../../../src/index.ts";
import { Brief } from "../chain.ts";

export const pipeline = Pipeline.make("poster", { version: 1, input: Brief }).step(
  Steps.image("paint", { model: "painters/small" }),
);

// Error at line 5:
// Type 'Step<"paint", string, { readonly sha256: string; readonly url: string; readonly contentType: string; readonly sizeBytes: number; }, PolicyFailure | ProviderFailure | TimeoutFailure | ValidationFailure, never, never>' is not assignable to type '"step \"paint\" takes what pipeline \"poster\" is not given: add a mapper as the second argument, ({ input, outputs, last }) => ..."'.
