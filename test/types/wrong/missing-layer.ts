import { counting, publishing } from "../chain.ts";
import { start } from "../start.ts";

await start({ pipelines: [counting, publishing] });

// Error at line 4:
// Property 'layer' is missing in type '{ pipelines: [Pipeline<"counting", string, number, DeclaredFailure<never>, never, {}>, Pipeline<"publishing", string, string, DeclaredFailure<never>, Crm, {}>]; }' but required in type '{ readonly layer: Layer<Crm, unknown, never>; }'.
