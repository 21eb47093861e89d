import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Brief, concept } from "../chain.ts";
import { start } from "../start.ts";

const draft = Pipeline.make("campaign", { version: 1, input: Brief }).step(concept);

await start({ pipelines: [draft] });

// Error at line 7:
// Property 'output' is missing in type 'Omit<PipelinePlan, "output">' but required in type 'PipelinePlan'.
