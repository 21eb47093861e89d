/** Numbers that no journal can keep: what a client measured, or a request asks for, hangs no job and empties no budget. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { expect, onTestFinished, test } from "vitest";
import { Catena, Functions, Pipeline, type PriceTable, Step } from "../../../src/index.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";

const write = Step.model("write", {
  input: Schema.Number,
  output: Schema.String,
  model: "house/writer",
  request: (tokens) => ({ max_tokens: tokens }),
  timeout: "10 seconds",
});
const writing = Pipeline.make("writing", { version: 1, input: Schema.Number })
  .step(write)
  .output(Schema.String, ({ last }) => last);

const functions = Functions.client({ models: { "house/writer": { run: () => "done" } } });

/** A client that says so of the time that every model took. */
const measuring = (seconds: number): ModelClient => ({
  ...functions,
  get: (id) =>
    Effect.map(functions.get(id), (one) => ({
      ...one,
      metrics: one.completedAt === null ? {} : { predict_time: seconds, retries: 2 },
    })),
});

const start = (store: string, models: ModelClient, price: PriceTable[string]) =>
  Catena.start({
    pipelines: [writing],
    store,
    models,
    prices: { "house/writer": price },
    budgets: { perDayUsd: 100 },
    pollEvery: "1 millis",
  });

const bySecond = { unit: "second", usdPerSecond: 0.001 } as const;

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])(
  "a measure of %s s is no measure: the job is done, and its estimate stays reserved",
  async (seconds) => {
    const folder = mkdtempSync(join(tmpdir(), "catena-nonsense-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    for (const store of ["memory", join(folder, "catena.db")]) {
      await using catena = await start(store, measuring(seconds), bySecond);
      const job = await catena.submit(writing, 1);
      expect(await job.result()).toBe("done");
      const { record, predictions } = await job.state();
      expect(record.costMicros).toBe(0);
      expect(predictions).toMatchObject([
        { receipt: { isUnmeasured: true, metrics: { retries: 2 } } },
      ]);
      expect((await catena.budgets())[0]).toMatchObject({ reservedMicros: 10_000, spentMicros: 0 });
    }
  },
);

test("a request for more than any number is refused under a budget, and can be read afterwards", async () => {
  const byToken = { unit: "token", inputUsdPerMillion: 1, outputUsdPerMillion: 1_000 } as const;
  await using catena = await start("memory", functions, byToken);
  const outcome = await (await catena.submit(writing, 1e308)).outcome();
  expect(outcome).toMatchObject({ status: "failed", failure: { rule: "budget" } });
  expect(outcome.status === "failed" && outcome.failure.message).toMatch(/nothing bounds.*maxUsd/);
});

test("the same without a budget is made, at an estimate of nothing", async () => {
  await using catena = await Catena.start({
    pipelines: [writing],
    models: functions,
    prices: {
      "house/writer": { unit: "token", inputUsdPerMillion: 1, outputUsdPerMillion: 1_000 },
    },
    pollEvery: "1 millis",
  });
  const job = await catena.submit(writing, 1e308);
  expect(await job.result()).toBe("done");
  expect((await job.state()).predictions).toMatchObject([{ estimateMicros: 0 }]);
});
