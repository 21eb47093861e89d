import { expect, it } from "vitest";
import { Functions } from "../../../src/index.ts";
import { hopelessModels } from "../../../src/runtime/predictions/hopeless-models.ts";
import { asking } from "../support/ledger-harness.ts";

const plansOf = (...models: ReadonlyArray<string>) => models.map((model) => asking({ model }).plan);
const client = Functions.client({ models: {} });
type ModelTimeout = NonNullable<NonNullable<Parameters<typeof asking>[0]>["timeout"]>;
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

it("but not one that fits, by the step's own time or to the last tenth of a millionth", () => {
  const found = (timeout: ModelTimeout, usd: number, dayMicros: number) =>
    hopelessModels([asking({ model: "slow", timeout }).plan], {
      models: client,
      prices: { slow: { unit: "second", usdPerSecond: usd } },
      budgets: { dayMicros },
    });
  expect(found({ attempt: "10 minutes", step: "10 seconds" }, 0.001, 10_000)).toEqual([]);
  // 3 × 0.1 is a little more than 0.3 to a computer.
  expect(found("3 seconds", 0.1, 300_000)).toEqual([]);
  expect(found("3 seconds", 0.1, 299_999)).toHaveLength(1);
});
