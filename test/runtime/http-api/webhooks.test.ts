/** Webhooks of a provider: a hint that makes us look, whoever sends what in whatever order and however often. */
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { describe, expect, it } from "vitest";
import { type FaultRule, startEmulator } from "../../../emulator/src/emulator.ts";
import { Catena, Pipeline, Replicate, Step } from "../../../src/index.ts";
import { isSigned } from "../../../src/runtime/http-api/webhook-signature.ts";
import { admin, ask, base } from "./support/api.ts";

const token = "r8_a_token_that_must_stand_nowhere";

const line = Step.model("line", {
  input: Schema.String,
  output: Schema.NonEmptyString,
  model: "meta/meta-llama-3-8b-instruct",
  request: (product) => ({ prompt: `Product: ${product}` }),
  timeout: "20 seconds",
});
const lines = Pipeline.make("lines", { version: 1, input: Schema.String })
  .step(line)
  .output(Schema.String, ({ last }) => last);

interface Options {
  readonly pollEvery: "10 minutes" | "20 millis";
  readonly faults?: ReadonlyArray<FaultRule>;
  readonly store?: string;
}

/** A provider that can reach us, and a Catena that without its reports would look after ten minutes only. */
const start = async ({ pollEvery, faults = [], store = "memory" }: Options) => {
  const late: { listener?: RequestListener } = {};
  const server = createServer((req, res) => late.listener?.(req, res));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // It listens on a port: only a pipe's address is text.
  const { port } = server.address() as AddressInfo;
  const emulator = await startEmulator({ models: "instant", bootMs: 150, token, faults });
  const catena = await Catena.start({
    pipelines: [lines],
    models: Replicate.client({
      token,
      baseUrl: `${emulator.url}/v1`,
      webhook: `http://127.0.0.1:${port}/webhooks/replicate`,
    }),
    pollEvery,
    store,
    lookEvery: "10 millis",
    http: { keys: [admin.key] },
  });
  late.listener = catena.handler;
  return {
    catena,
    emulator,
    secret: async () => {
      const headers = { authorization: `Bearer ${token}` };
      const told = await fetch(`${emulator.url}/v1/webhooks/default/secret`, { headers });
      return Schema.decodeUnknownSync(Schema.Struct({ key: Schema.String }))(await told.json()).key;
    },
    [Symbol.asyncDispose]: async () => {
      await catena.stop();
      await emulator[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
};

interface Delivery {
  readonly body?: string;
  readonly at?: number;
  readonly signature?: (good: string) => string;
  readonly intent?: string;
  readonly provider?: string;
}

const deliver = (
  catena: Catena,
  secret: string,
  {
    body = "{}",
    at = Date.now(),
    signature = (good) => good,
    intent = "x",
    provider = "replicate",
  }: Delivery,
) => {
  const timestamp = String(Math.floor(at / 1_000));
  return catena.fetch(
    new Request(`${base}/webhooks/${provider}?intent=${intent}`, {
      method: "POST",
      headers: {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(sign(secret, `msg_1.${timestamp}.${body}`)),
      },
      body,
    }),
  );
};

const sign = (secret: string, content: string): string => {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
};

describe("POST /webhooks/replicate", () => {
  it("a report makes us look at once, and what the look shows is what counts", async () => {
    await using around = await start({ pollEvery: "10 minutes" });
    const { catena, emulator } = around;
    const told = await ask(catena, "/lines", { body: '"tea"', headers: { prefer: "wait=15" } });
    expect(told.json).toMatchObject({ status: "complete", output: expect.any(String) });
    expect(emulator.ledger()).toHaveLength(1);
    expect(JSON.stringify(await catena.jobs())).not.toContain(token);
  });

  it("reports that are dropped or come twice change nothing but the time it takes", async () => {
    const faults: ReadonlyArray<FaultRule> = [
      { match: { operation: "webhook", nth: [1, 2] }, fault: { type: "dropped-webhook" } },
      { match: { operation: "webhook", nth: [3, 4] }, fault: { type: "duplicated-webhook" } },
    ];
    await using around = await start({ pollEvery: "20 millis", faults });
    const { catena, emulator } = around;
    const headers = { prefer: "wait=15" };
    for (const body of ['"one"', '"two"'])
      expect((await ask(catena, "/lines", { body, headers })).json.status).toBe("complete");
    expect(emulator.ledger()).toHaveLength(2);
  });

  it("settles nothing from what a report says, however well it is signed", async () => {
    await using around = await start({
      pollEvery: "10 minutes",
      faults: [{ match: { operation: "webhook" }, fault: { type: "dropped-webhook" } }],
    });
    const { catena } = around;
    const secret = await around.secret();
    const { json } = await ask(catena, "/lines", { body: '"tea"' });
    const job = await catena.job(lines, json.job_id);
    const intents = async () => (await job.state()).predictions;
    while ((await intents())[0]?.predictionId == null) await new Promise(setImmediate);
    const [row] = await intents();
    const lie = JSON.stringify({ id: row?.predictionId, status: "succeeded", output: "a lie" });
    const hint = { body: lie, intent: row?.key ?? "" };
    // Also again and again, until the prediction has ended at the provider.
    for (;;) {
      expect((await deliver(catena, secret, hint)).status).toBe(204);
      if ((await ask(catena, json.links.self)).json.status === "complete") break;
      await new Promise(setImmediate);
    }
    const { record, predictions } = await job.state();
    expect(JSON.stringify({ record, predictions })).not.toContain("a lie");
  });

  it("answers 2xx to a signed report of nothing we know, and keeps nothing of it", async () => {
    await using around = await start({ pollEvery: "20 millis" });
    const { catena } = around;
    const secret = await around.secret();
    expect((await deliver(catena, secret, { intent: "nobody" })).status).toBe(204);
    expect(await catena.jobs()).toEqual([]);
    expect((await deliver(catena, secret, { provider: "nobody" })).status).toBe(404);
  });

  it("keeps a report before it answers, so that another process of the store looks at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-webhooks-"));
    const store = join(folder, "jobs.db");
    const dropped: ReadonlyArray<FaultRule> = [
      { match: { operation: "webhook" }, fault: { type: "dropped-webhook" } },
    ];
    await using around = await start({ pollEvery: "10 minutes", faults: dropped, store });
    const { emulator } = around;
    // It serves the reports; the jobs are the other's.
    await using front = await Catena.start({
      pipelines: [lines],
      models: Replicate.client({ token, baseUrl: `${emulator.url}/v1` }),
      store,
      http: { keys: [admin.key] },
    });
    const { json } = await ask(around.catena, "/lines", { body: '"tea"' });
    const job = await around.catena.job(lines, json.job_id);
    const row = async () => (await job.state()).predictions[0];
    while ((await row())?.predictionId == null) await new Promise(setImmediate);
    while (emulator.ledger()[0]?.status !== "succeeded") await new Promise(setImmediate);
    const began = performance.now();
    const intent = (await row())?.key ?? "";
    expect((await deliver(front, await around.secret(), { intent })).status).toBe(204);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await job.result()).toEqual(expect.any(String));
    await around.catena.stop();
    await front.stop();
    await rm(folder, { recursive: true });
  });

  it("answers within a second, with 503, where the provider is slow to name its secret", async () => {
    const never = new Promise<Response>(() => undefined);
    const slow = Replicate.client({ token, baseUrl: "http://127.0.0.1:1/v1", fetch: () => never });
    await using catena = await Catena.start({
      pipelines: [lines],
      models: slow,
      http: { keys: [admin.key] },
    });
    const began = performance.now();
    const told = await deliver(catena, "whsec_AAAAAAAAAAAAAAAAAAAAAAAA", {});
    expect(told.status).toBe(503);
    expect(told.headers.get("retry-after")).toBe("5");
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  it.each<[string, Delivery]>([
    ["no signature that fits", { signature: () => "v1,AAAA" }],
    ["another version's signature", { signature: (good) => good.replace("v1", "v2") }],
    ["one that is six minutes old", { at: Date.now() - 360_000 }],
    ["one from a future six minutes away", { at: Date.now() + 360_000 }],
    ["words for a signature", { signature: () => "" }],
  ])("refuses %s with 401", async (_, delivery) => {
    await using around = await start({ pollEvery: "20 millis" });
    const told = await deliver(around.catena, await around.secret(), delivery);
    expect(told.status).toBe(401);
  });

  it("answers 503 where the secret cannot be had, so that the provider sends again", async () => {
    await using around = await start({ pollEvery: "20 millis" });
    await around.emulator[Symbol.asyncDispose]();
    const told = await deliver(around.catena, "whsec_AAAAAAAAAAAAAAAAAAAAAAAA", {});
    expect(told.status).toBe(503);
  });
});

describe("a signature", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const body = Buffer.from('{"test": 2432232314}');
  const timestamp = "1614265330";
  const now = 1_614_265_330_000;
  // Source: the example of the Standard Webhooks specification and its libraries' tests.
  const good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";

  it("is the one of the specification, wherever it stands in the list", () => {
    for (const signature of [good, `v1a,x v1,AAAA ${good}`, `${good} v1,AAAA`])
      expect(isSigned({ id, timestamp, signature, body }, secret, now)).toBe(true);
  });

  it("fits no other bytes, id or time", () => {
    const delivery = { id, timestamp, signature: good, body };
    for (const changed of [
      { body: Buffer.from("{}") },
      { id: "msg_2" },
      { id: undefined },
      { timestamp: "1614265331" },
      { timestamp: "soon" },
      { signature: undefined },
    ])
      expect(isSigned({ ...delivery, ...changed }, secret, now)).toBe(false);
  });
});
