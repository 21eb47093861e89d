import { Schema } from "effect";
import { expect, test } from "vitest";
import { Catena, Functions, Pipeline, StartError, Step } from "../../../src/index.ts";

const Text = Schema.String;
const asking = (name: string) =>
  Step.model(name, {
    input: Text,
    output: Text,
    model: "painter",
    request: (prompt) => ({ prompt }),
  });

const twice = Pipeline.make("twice", { version: 1, input: Text })
  .step(asking("first"))
  .step(asking("second"))
  .output(Text, ({ last }) => last);

const start = (budgetUsdPerJob: number) =>
  Catena.start({
    pipelines: [twice],
    models: Functions.client({ models: { painter: { run: () => "done" } } }),
    prices: { painter: { unit: "image", usdPerImage: 0.01 } },
    pollEvery: "1 millis",
    budgetUsdPerJob,
  });

test("a call that would take the job over its budget is not made, and the job says why", async () => {
  await using catena = await start(0.015);
  const job = await catena.submit(twice, "a");
  const outcome = await job.outcome();
  expect(outcome).toMatchObject({
    status: "failed",
    step: "second",
    kind: "policy",
    failure: {
      rule: "budget",
      scores: { committedMicros: 10_000, estimateMicros: 10_000, budgetMicros: 15_000 },
    },
  });
  expect((await job.state()).predictions).toHaveLength(1);
});

test("a job may spend its budget to the last cent", async () => {
  await using catena = await start(0.02);
  const job = await catena.submit(twice, "a");
  expect(await job.result()).toBe("done");
});

test("a budget that is no amount is refused by name", async () => {
  await expect(start(Number.NaN)).rejects.toThrow(StartError);
  await expect(start(-1)).rejects.toThrow(/budgetUsdPerJob/);
});
