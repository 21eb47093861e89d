import { Steps } from "../../../src/index.ts";
import { Brief } from "../chain.ts";

export const step = Steps.llm("write", { model: "writers/small", input: Brief });

// Error at line 4:
// Property 'prompt' is missing in type '{ model: string; input: Struct<{ readonly product: NonEmptyString; readonly audience: String; }>; }' but required in type '{ readonly prompt: unknown; }'.
