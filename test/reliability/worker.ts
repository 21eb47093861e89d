/**
 * A process to be killed: Catena on a SQLite file and an emulator over HTTP. Argument: a WorkerOrder as JSON.
 * Says `ready` once it has started (with the address of its API where it has one), `ack <n>` for every
 * submission that is durable, and then works on, for its own jobs and for those of dead neighbours, until
 * somebody ends it.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { flushCompileCache } from "node:module";
import type { AddressInfo } from "node:net";
import { Catena, type HttpApiOptions, Replicate } from "../../src/index.ts";
import { chain } from "./real/chain.ts";

export interface WorkerOrder {
  /** The journals' file. */
  readonly store: string;
  readonly emulatorUrl: string;
  /** Numbers of the jobs to submit; submitting one again is the same job. */
  readonly submit: ReadonlyArray<number>;
  readonly concurrency: number;
  readonly orphanGraceMs: number;
  /** Serves the HTTP API to who has this key. */
  readonly apiKey?: string;
}

const isOrder = (value: unknown): value is WorkerOrder =>
  typeof value === "object" && value !== null && "store" in value && "submit" in value;

const order: unknown = JSON.parse(process.argv[2] ?? "null");
if (!isOrder(order)) throw new Error("expected a WorkerOrder as JSON");

const catena = await Catena.start({
  pipelines: [chain],
  store: order.store,
  durability: "normal",
  models: Replicate.client({
    token: "r8_test",
    baseUrl: `${order.emulatorUrl}/v1`,
    allowOwnOriginDownloads: true,
    allowInsecureDownloads: true,
  }),
  concurrency: order.concurrency,
  orphanGrace: order.orphanGraceMs,
  closeGrace: "5 seconds",
  pollEvery: "50 millis",
  lookEvery: "100 millis",
  recoverEvery: "300 millis",
  rate: { createsPerMinute: 60_000, burst: 1_000 },
  ...(order.apiKey === undefined ? {} : { http: httpFor(order.apiKey) }),
});
console.log(order.apiKey === undefined ? "ready" : `ready ${await serve(catena)}`);
// Written at an exit otherwise, and this process is not to have one.
flushCompileCache();

// What processes died of too often rests as poison until a person says otherwise: here, at once.
await retryPoisoned();
setInterval(() => {
  void retryPoisoned().catch(() => undefined);
}, 250);

for (const number of order.submit) {
  // Every third product is as the one before: equal inputs must not be confused, and may be exchanged.
  const product = `product ${number - (number % 3 === 2 ? 1 : 0)}`;
  await catena.submit(chain, { product }, { idempotencyKey: `job-${number}` });
  console.log(`ack ${number}`);
}

async function retryPoisoned(): Promise<void> {
  for (const { jobId, failureKind } of await catena.jobs({ status: "failed", limit: 50 })) {
    if (failureKind !== "defect") continue;
    console.log(`poisoned ${jobId}`);
    const job = await catena.job(chain, jobId);
    await job.retry();
  }
}

function httpFor(secret: string): HttpApiOptions {
  const scopes = ["submit", "read", "operate"] as const;
  return { keys: [{ id: "clients", secret, scopes }], requestsPerMinute: 1_000_000 };
}

async function serve({ handler }: Catena): Promise<string> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  // It listens on a port: only a pipe's address is text.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Its first request loads the API: whoever is to be killed at work has to have come to work.
  await fetch(`${url}/health/live`);
  return url;
}
