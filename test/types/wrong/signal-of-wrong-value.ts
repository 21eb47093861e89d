import { Schema } from "effect";
import { Pipeline } from "../../../src/machines/pipeline.ts";
import { Step } from "../../../src/steps/step.ts";
import { submit } from "../start.ts";

const asking = Pipeline.make("asking", { version: 1, input: Schema.String })
  .step(Step.signal("price", { input: Schema.String, output: Schema.Number }))
  .output(Schema.Number, ({ last }) => last);
await (await submit(asking, "text")).signal("price", "five");

// Error at line 9:
// Argument of type 'string' is not assignable to parameter of type 'number'.
