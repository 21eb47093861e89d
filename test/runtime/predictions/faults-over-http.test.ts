/**
 * The ledger over real HTTP: the emulator's fault plan against the Replicate adapter. Whatever goes wrong,
 * the receipts are what the provider booked, to the cent, and the token stands nowhere.
 */
import { expect, test } from "vitest";
import { type Emulator, type FaultRule, startEmulator } from "../../../emulator/src/emulator.ts";
import { Asset, Catena, Pipeline, Replicate, Retry, Step } from "../../../src/index.ts";
import { Schema } from "effect";

const llama = "meta/meta-llama-3-8b-instruct";
const flux = "black-forest-labs/flux-schnell";
const token = "r8_a_token_that_must_stand_nowhere";

const line = Step.model("line", {
  input: Schema.String,
  output: Schema.NonEmptyString,
  model: llama,
  request: (product) => ({ prompt: `Product: ${product}` }),
  retry: Retry.fixed({ attempts: 6, delayMs: 20 }),
  timeout: "20 seconds",
});
const image = Step.model("image", {
  input: Schema.NonEmptyString,
  output: Asset.Image,
  model: flux,
  request: (prompt) => ({ prompt, output_format: "png" }),
  retry: Retry.fixed({ attempts: 6, delayMs: 20 }),
  timeout: "20 seconds",
});
const poster = Pipeline.make("poster", { version: 1, input: Schema.String })
  .step(line)
  .step(image)
  .output(Schema.String, ({ last }) => last.sha256);

const start = (emulator: Emulator, options: { readonly hasWebhook?: boolean } = {}) =>
  Catena.start({
    pipelines: [poster],
    models: Replicate.client({
      token,
      baseUrl: `${emulator.url}/v1`,
      allowOwnOriginDownloads: true,
      requestTimeoutMs: 700,
      ...(options.hasWebhook === true ? { webhook: "http://127.0.0.1:9/hook" } : {}),
    }),
    pollEvery: "20 millis",
    orphanGrace: "6 seconds",
  });

const on = (
  operation: FaultRule["match"]["operation"],
  fault: FaultRule["fault"],
  match: Partial<FaultRule["match"]> = { nth: 1 },
): FaultRule => ({ match: { operation, ...match }, fault });

const lost = (by: "reset" | "server-error" | "hang" | "html", applied: boolean) =>
  ({ type: "lost-answer", by, applied }) as const;

interface Plan {
  readonly name: string;
  readonly faults: ReadonlyArray<FaultRule>;
  /** Predictions that the provider makes for one job. */
  readonly made: number;
}

const plans: ReadonlyArray<Plan> = [
  { name: "nothing", faults: [], made: 2 },
  { name: "a reset after the create", faults: [on("create", lost("reset", true))], made: 2 },
  { name: "a 502 after the create", faults: [on("create", lost("server-error", true))], made: 2 },
  {
    name: "a page of HTML instead of the answer",
    faults: [on("create", lost("html", true))],
    made: 2,
  },
  { name: "an answer that hangs", faults: [on("create", lost("hang", true))], made: 2 },
  {
    name: "429 in the header, in the body, and nowhere",
    faults: [
      on("create", { type: "rate-limited", retryAfterSeconds: 1, announcedIn: "header" }),
      on("create", { type: "rate-limited", retryAfterSeconds: 1, announcedIn: "body" }, { nth: 2 }),
    ],
    made: 2,
  },
  {
    name: "a failed prediction",
    faults: [
      on("create", { type: "outcome", outcome: { kind: "failed", error: "E1000: unknown" } }),
    ],
    made: 3,
  },
  {
    name: "looks that break off",
    faults: [on("get", lost("reset", false), { nth: [1, 2, 3] })],
    made: 2,
  },
  {
    name: "a truncated and an HTML file",
    faults: [
      on("file", { type: "truncated-file", promisedLength: "whole" }),
      on("file", { type: "html-file" }, { nth: 2 }),
    ],
    made: 2,
  },
  { name: "a file that expired", faults: [on("file", { type: "expired-file" })], made: 3 },
];

const micros = (costUsd: number): number => Math.round(costUsd * 1e7) / 10;

for (const { name, faults, made } of plans) {
  test.concurrent(`a job completes through ${name}, and is paid for as the provider says`, async () => {
    await using emulator = await startEmulator({
      models: "instant",
      listLagMs: 300,
      token,
      faults,
    });
    await using catena = await start(emulator);
    const job = await catena.submit(poster, `tea for ${name}`);
    expect(await job.outcome()).toMatchObject({ status: "complete" });
    const { predictions, record, entries } = await job.state();
    const ledger = emulator.ledger();
    expect(ledger).toHaveLength(made);
    const booked = new Map(predictions.map((row) => [row.predictionId, row.receipt?.costMicros]));
    for (const { id, costUsd } of ledger) expect(booked.get(id)).toBe(micros(costUsd));
    const sum = ledger.reduce((total, { costUsd }) => total + costUsd, 0);
    expect(record.costMicros).toBeCloseTo(sum * 1e6, 1);
    expect(JSON.stringify({ predictions, record, entries })).not.toContain(token);
  });
}

test.concurrent("with keys in the webhook, two equal jobs whose answers are lost find their own", async () => {
  const faults = [on("create", lost("reset", true), { nth: [1, 2] })];
  await using emulator = await startEmulator({ models: "instant", listLagMs: 300, token, faults });
  await using catena = await start(emulator, { hasWebhook: true });
  const jobs = await Promise.all([catena.submit(poster, "tea"), catena.submit(poster, "tea")]);
  for (const job of jobs) expect(await job.outcome()).toMatchObject({ status: "complete" });
  const rows = (await Promise.all(jobs.map((job) => job.state()))).flatMap(
    (one) => one.predictions,
  );
  const keyOf = new Map(emulator.ledger().map(({ id, key }) => [id, key]));
  for (const { key, predictionId } of rows) expect(keyOf.get(predictionId ?? "")).toBe(key);
  expect(emulator.ledger()).toHaveLength(4);
});

test.concurrent(
  "a create that was never made is made again, once",
  { timeout: 60_000 },
  async () => {
    const faults = [on("create", lost("reset", false))];
    await using emulator = await startEmulator({
      models: "instant",
      listLagMs: 300,
      token,
      faults,
    });
    await using catena = await start(emulator);
    const job = await catena.submit(poster, "rope");
    expect(await job.outcome()).toMatchObject({ status: "complete" });
    expect(emulator.ledger()).toHaveLength(2);
    const { entries } = await job.state();
    expect(entries.filter(({ type }) => type === "PredictionAbsent")).toHaveLength(1);
  },
);

test("a refused token fails the step, and stands in no entry, record, error or log", async () => {
  const written: Array<unknown> = [];
  const log = console.log;
  console.log = (...words: ReadonlyArray<unknown>) => written.push(...words);
  try {
    const faults = [on("create", { type: "unauthorized" }, {})];
    await using emulator = await startEmulator({ models: "instant", token, faults });
    await using catena = await start(emulator);
    const job = await catena.submit(poster, "tea");
    const end = await job.outcome();
    expect(end).toMatchObject({ status: "failed", kind: "provider" });
    const error: unknown = await job.result().catch((thrown: unknown) => thrown);
    const told = JSON.stringify([end, await job.state(), String(error), written.map(String)]);
    expect(told).not.toContain(token);
    expect(emulator.ledger()).toEqual([]);
  } finally {
    console.log = log;
  }
});
