/** What operators see of budgets and limits, and that a tenant sees nothing of the others'. */
import { expect, it } from "vitest";
import { Schema } from "effect";
import { Catena, Functions, Pipeline, Step } from "../../../src/index.ts";
import { admin, ask, holderOf, quick } from "./support/api.ts";

const draw = Pipeline.make("draw", { version: 1, input: Schema.String })
  .step(
    Step.model("draw", {
      input: Schema.String,
      output: Schema.String,
      model: "painter",
      request: (prompt) => ({ prompt }),
    }),
  )
  .output(Schema.String, ({ last }) => last);

const reader = holderOf("reader", ["read"]);
const acme = holderOf("acme", ["submit", "read", "operate"], "acme");
const bolt = holderOf("bolt", ["submit", "read", "operate"], "bolt");
const calm = holderOf("calm", ["operate"], "calm");

it("bounds each tenant by itself, and shows operators how far that is used", async () => {
  await using catena = await Catena.start({
    ...quick,
    pipelines: [draw],
    models: Functions.client({ models: { painter: { run: () => "done" } } }),
    prices: { painter: { unit: "image", usdPerImage: 0.01 } },
    pollEvery: "1 millis",
    budgets: { perTenantDayUsd: 0.02, perDayUsd: 1 },
    limits: { functions: { models: { painter: { concurrency: 3, createsPerMinute: 60 } } } },
    http: { keys: [admin.key, reader.key, acme.key, bolt.key, calm.key] },
  });
  const status = async (secret: string): Promise<string> => {
    const headers = { prefer: "wait=10" };
    return (await ask(catena, "/draw", { body: '"x"', secret, headers })).json.status;
  };
  const statuses = [];
  for (const { secret } of [acme, acme, acme, bolt]) statuses.push(await status(secret));
  expect(statuses).toEqual(["complete", "complete", "failed", "complete"]);

  const use = (tenant: string | null, limit_usd: number, spent_usd: number) => ({
    budget: tenant === null ? "day" : "tenant",
    tenant,
    day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    limit_usd,
    reserved_usd: 0,
    spent_usd,
    used_part: spent_usd / limit_usd,
  });
  const all = await ask(catena, "/limits");
  expect(all.json).toEqual({
    budgets: [use(null, 1, 0.03), use("acme", 0.02, 0.02), use("bolt", 0.02, 0.01)],
    limits: [
      {
        provider: "functions",
        model: null,
        open: 0,
        concurrency: null,
        creates_per_minute: 600,
        set_creates_per_minute: 600,
        waiting: 0,
        closed_for: null,
      },
      {
        provider: "functions",
        model: "painter",
        open: 0,
        concurrency: 3,
        creates_per_minute: 60,
        set_creates_per_minute: 60,
        waiting: 0,
        closed_for: null,
      },
    ],
  });
  const own = await ask(catena, "/limits", { secret: bolt.secret });
  expect(own.json).toEqual({ budgets: [use("bolt", 0.02, 0.01)], limits: [] });
  // Its budget is there before anything of it is used.
  const unused = await ask(catena, "/limits", { secret: calm.secret });
  expect(unused.json).toEqual({ budgets: [use("calm", 0.02, 0)], limits: [] });
  expect((await ask(catena, "/limits", { secret: reader.secret })).status).toBe(403);
});
