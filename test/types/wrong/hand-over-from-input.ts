import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, prompt } from "../chain.ts";

export const pipeline = Pipeline.make("campaign", { version: 1, input: Brief }).step(prompt);

// Error at line 4:
// Type 'Step<"prompt", { readonly headline: string; readonly tone: string; }, string, PolicyFailure | ProviderFailure | TimeoutFailure | ValidationFailure, never, never>' is not assignable to type '"step \"prompt\" takes what pipeline \"campaign\" is not given: add a mapper as the second argument, ({ input, outputs, last }) => ..."'.
