import { Steps } from "../../../src/index.ts";
import { Concept } from "../chain.ts";

const check = Steps.moderate("check", { model: "judges/small" });
export const step = check.as("check-concept", Concept);

// Error at line 5:
// Expected 3 arguments, but got 2.
