import { submit } from "../start.ts";
import { counting } from "../chain.ts";

await (await submit(counting, "text")).signal("price", 5);

// Error at line 4:
// Argument of type '"price"' is not assignable to parameter of type 'never'.
