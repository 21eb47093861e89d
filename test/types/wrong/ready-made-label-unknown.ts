import { Schema } from "effect";
import { Pipeline, Steps } from "../../../src/index.ts";

export const pipeline = Pipeline.make("mail", { version: 1, input: Schema.String })
  .step(Steps.classify("sort", { model: "sorters/small", labels: ["sales", "spam"] }))
  .output(Schema.Boolean, ({ outputs }) => outputs.sort === "billing");

// Error at line 6:
// This comparison appears to be unintentional because the types '"sales" | "spam"' and '"billing"' have no overlap.
