import { mailer, publishing } from "../chain.ts";
import { start } from "../start.ts";

await start({ pipelines: [publishing], layer: mailer });

// Error at line 4:
// Property 'send' is missing in type '{ readonly put: (text: string) => Effect<void, never, never>; }' but required in type '{ readonly send: (text: string) => Effect<void, never, never>; }'.
