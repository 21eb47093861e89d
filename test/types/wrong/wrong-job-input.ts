import { counting } from "../chain.ts";
import { submit } from "../start.ts";

await submit(counting, { text: "seven" });

// Error at line 4:
// Argument of type '{ text: string; }' is not assignable to parameter of type 'string'.
