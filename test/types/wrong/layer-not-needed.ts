import { counting, crm } from "../chain.ts";
import { start } from "../start.ts";

await start({ pipelines: [counting], layer: crm });

// Error at line 4:
// Property '"layer-not-needed"' is missing in type 'Layer<Crm, never, never>' but required in type '{ readonly "layer-not-needed": "no step of these pipelines needs a service: leave the layer out"; }'.
