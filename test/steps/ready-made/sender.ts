/** A process that sends one request and waits for its answer: `node sender.ts <origin> <store>`. It is there to be killed. */
import { Catena, Functions } from "../../../src/index.ts";
import { lead, leadsTo } from "./leads.ts";

const [origin = "", store = ""] = process.argv.slice(2);
const pipeline = leadsTo(origin);
const models = Functions.client({ models: {} });
const catena = await Catena.start({ pipelines: [pipeline], store, models });
const job = await catena.submit(pipeline, lead, { idempotencyKey: "order-1" });
await job.result();
