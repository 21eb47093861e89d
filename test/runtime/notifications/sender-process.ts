/**
 * A process to be killed: a Catena on a SQLite file that tells a webhook what becomes of its jobs. Argument: a
 * SenderOrder as JSON. Says `submitted` once its jobs are durable, and lives on.
 */
import { Schema } from "effect";
import { Catena, Notify, Pipeline, Step } from "../../../src/index.ts";

export const SenderOrder = Schema.Struct({
  store: Schema.String,
  url: Schema.String,
  secret: Schema.String,
  jobs: Schema.Int,
});

const order = Schema.decodeUnknownSync(Schema.fromJsonString(SenderOrder))(process.argv[2]);

const echo = Step.make("echo", { input: Schema.Int, output: Schema.Int, run: (n) => n });
const chain = Pipeline.make("chain", { version: 1, input: Schema.Int })
  .step(echo)
  .output(Schema.Int, ({ last }) => last);

const { url, secret, store } = order;
const catena = await Catena.start({
  pipelines: [chain],
  store,
  durability: "normal",
  recoverEvery: "200 millis",
  notifications: { orders: { channel: Notify.webhook({ url, secret, allowPrivate: true }) } },
});
for (let index = 0; index < order.jobs; index += 1) await catena.submit(chain, index);
console.log("submitted");
