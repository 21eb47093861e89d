import { expect, it } from "vitest";
import { Functions } from "../../../src/index.ts";
import { hopelessModels } from "../../../src/runtime/predictions/hopeless-models.ts";
import { asking } from "../support/ledger-harness.ts";

const plansOf = (...models: ReadonlyArray<string>) => models.map((model) => asking({ model }).plan);
const client = Functions.client({ models: {} });
const second = { unit: "second", usdPerSecond: 0.001 } as const;

it("a step whose model has no client is named", () => {
  const bare = { models: undefined, prices: {}, budgets: undefined };
  const [found, ...others] = hopelessModels(plansOf("x/one", "x/two"), bare);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ rule: "no-client", severity: "warning" });
  expect(found?.message).toContain("there is no client for the models of ask");
  expect(
    hopelessModels(plansOf("x/one", "x/one:v1", "a:one"), { ...bare, models: { a: client } }),
  ).toEqual([]);
  const [misspelt] = hopelessModels(plansOf("b:one"), { ...bare, models: { a: client } });
  expect(misspelt?.message).toContain('as "models" has no b; it has a');
});

it("under a budget so is one whose model has no price, by the name that prices want", () => {
  const surroundings = {
    models: { a: client },
    prices: { "x/two": { unit: "image", usdPerImage: 1 } },
    budgets: { dayMicros: 1e6 },
  } as const;
  const found = hopelessModels(plansOf("a:x/one", "x/two:v1"), surroundings);
  expect(found.map(({ rule }) => rule)).toEqual(["no-price"]);
  expect(found[0]?.message).toContain('until "prices" has "x/one", the model\'s name without');
  expect(hopelessModels(plansOf("x/one"), { ...surroundings, budgets: undefined })).toEqual([]);
});

it("and one of which a single call may cost more than the smallest budget", () => {
  const surroundings = { models: client, prices: { slow: second } } as const;
  const found = (jobMicros: number) =>
    hopelessModels(plansOf("slow"), { ...surroundings, budgets: { jobMicros, dayMicros: 9e9 } });
  const [small] = found(1_000);
  expect(small?.rule).toBe("small-budget");
  expect(small?.message).toMatch(/more than the smallest budget, \$0\.001: every call is refused/u);
  expect(found(1e9)).toEqual([]);
});
