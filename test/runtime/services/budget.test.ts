/** Budgets as jobs meet them: what is refused, by which budget, and what becomes of who is refused. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { expect, onTestFinished, test } from "vitest";
import { Catena, Functions, Pipeline, StartError, Step } from "../../../src/index.ts";
import type { BudgetOptions, PriceTable } from "../../../src/index.ts";

const Text = Schema.String;
const asking = (name: string) =>
  Step.model(name, {
    input: Text,
    output: Text,
    model: "painter",
    request: (prompt) => ({ prompt }),
    timeout: "10 seconds",
  });

const once = Pipeline.make("once", { version: 1, input: Text })
  .step(asking("only"))
  .output(Text, ({ last }) => last);
const twice = Pipeline.make("twice", { version: 1, input: Text })
  .step(asking("first"))
  .step(asking("second"))
  .output(Text, ({ last }) => last);

const cent: PriceTable = { painter: { unit: "image", usdPerImage: 0.01 } };

const start = (budgets: BudgetOptions, prices: PriceTable = cent) =>
  Catena.start({
    pipelines: [once, twice],
    models: Functions.client({ models: { painter: { run: () => "done" } } }),
    prices,
    pollEvery: "1 millis",
    budgets,
  });

/** Gone when the test is over. */
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "catena-budgets-"));
  onTestFinished(() => {
    rmSync(made, { recursive: true });
  });
  return made;
};

test("a call that would take the job over its budget is not made, and the job says why", async () => {
  await using catena = await start({ perJobUsd: 0.015 });
  const job = await catena.submit(twice, "a");
  const outcome = await job.outcome();
  expect(outcome).toMatchObject({
    status: "failed",
    step: "second",
    kind: "policy",
    message: "The work was not done: a budget does not allow it.",
    failure: {
      rule: "budget",
      categories: ["job"],
      scores: {
        limitMicros: 15_000,
        reservedMicros: 0,
        spentMicros: 10_000,
        estimateMicros: 10_000,
      },
    },
  });
  const { record, predictions } = await job.state();
  expect(predictions).toHaveLength(1);
  expect(record.errorMessage).toContain(
    "of the $0.015 for the job, $0.01 is spent and $0 reserved; the call may cost $0.01",
  );
});

test("a call that is dearer than a whole budget says what would make it less", async () => {
  await using catena = await start({ perJobUsd: 0.005 });
  const job = await catena.submit(once, "a");
  await job.outcome();
  expect((await job.state()).record.errorMessage).toContain(
    "the call may cost $0.01, more than there is in all: give its step a shorter timeout,",
  );
});

test("a job may spend its budget to the last cent", async () => {
  await using catena = await start({ perJobUsd: 0.02 });
  const job = await catena.submit(twice, "a");
  expect(await job.result()).toBe("done");
});

test("a hundred jobs at once spend a day's budget to the cent and not beyond it", async () => {
  await using catena = await start({ perDayUsd: 0.37 });
  const jobs = await Promise.all(
    Array.from({ length: 100 }, (_, index) => catena.submit(once, `${index}`)),
  );
  const outcomes = await Promise.all(jobs.map((job) => job.outcome()));
  expect(outcomes.filter(({ status }) => status === "complete")).toHaveLength(37);
  const refused = outcomes.flatMap((outcome) =>
    outcome.status === "failed" ? [outcome.failure] : [],
  );
  expect(refused).toHaveLength(63);
  for (const failure of refused)
    expect(failure).toMatchObject({ rule: "budget", categories: ["day"] });
  expect(await catena.budgets()).toMatchObject([
    { budget: "day", limitMicros: 370_000, reservedMicros: 0, spentMicros: 370_000, usedPart: 1 },
  ]);
});

test("two processes on one file spend a day's budget together to the cent", async () => {
  const store = join(folder(), "journal.db");
  const begin = () =>
    Catena.start({
      pipelines: [once],
      store,
      models: Functions.client({ models: { painter: { run: () => "done" } } }),
      prices: cent,
      pollEvery: "1 millis",
      lookEvery: "10 millis",
      budgets: { perDayUsd: 0.2 },
    });
  await using one = await begin();
  await using other = await begin();
  const jobs = await Promise.all(
    Array.from({ length: 60 }, (_, index) => (index % 2 === 0 ? one : other).submit(once, "a")),
  );
  const outcomes = await Promise.all(jobs.map((job) => job.outcome()));
  expect(outcomes.filter(({ status }) => status === "complete")).toHaveLength(20);
  expect(await one.budgets()).toEqual(await other.budgets());
  expect(await one.budgets()).toMatchObject([{ reservedMicros: 0, spentMicros: 200_000 }]);
});

test("who was refused goes on by retry once there is room", async () => {
  const shared = {
    pipelines: [once, twice],
    store: join(folder(), "journal.db"),
    models: Functions.client({ models: { painter: { run: () => "done" } } }),
    prices: cent,
    pollEvery: "1 millis",
  } as const;
  let jobId: string;
  {
    await using catena = await Catena.start({ ...shared, budgets: { perDayUsd: 0.01 } });
    const job = await catena.submit(twice, "a");
    jobId = job.id;
    expect(await job.outcome()).toMatchObject({ status: "failed", step: "second" });
  }
  await using catena = await Catena.start({ ...shared, budgets: { perDayUsd: 0.02 } });
  const job = await catena.job(twice, jobId);
  await job.retry();
  expect(await job.result()).toBe("done");
  expect((await job.state()).record.costMicros).toBe(20_000);
});

test("under a budget a model without a price is not asked, and the failure says what helps", async () => {
  await using catena = await start({ perDayUsd: 100 }, {});
  const outcome = await (await catena.submit(once, "a")).outcome();
  expect(outcome).toMatchObject({ status: "failed", kind: "policy" });
  const words = outcome.status === "failed" ? outcome.failure.message : "";
  expect(words).toContain("no price is known for painter: give one through prices");
  await using unbounded = await start({}, {});
  expect(await (await unbounded.submit(once, "a")).result()).toBe("done");
});

test("a model whose price is nothing is asked under any budget", async () => {
  const free: PriceTable = { painter: { unit: "second", usdPerSecond: 0 } };
  await using catena = await start({ perJobUsd: 0, perDayUsd: 0 }, free);
  expect(await (await catena.submit(twice, "a")).result()).toBe("done");
});

test("a budget that is no amount, or none that is known, is refused by name", async () => {
  await expect(start({ perJobUsd: Number.NaN })).rejects.toThrow(StartError);
  await expect(start({ perDayUsd: -1 })).rejects.toThrow(/budgets\.perDayUsd/);
  await expect(start({ perTenantDayUsd: Infinity })).rejects.toThrow(/budgets\.perTenantDayUsd/);
  const misspelt: object = { perDayUds: 1 };
  await expect(start(misspelt)).rejects.toThrow(/perJobUsd, perTenantDayUsd, perDayUsd.*perDayUds/);
});
