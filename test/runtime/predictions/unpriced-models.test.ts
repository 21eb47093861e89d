import { expect, it } from "vitest";
import { Functions } from "../../../src/index.ts";
import { unpricedModels } from "../../../src/runtime/predictions/unpriced-models.ts";
import { asking } from "../support/ledger-harness.ts";

it("are named without their client's key, once, and those with a price not at all", () => {
  const plans = ["a:x/one", "x/one", "x/two:v1", "b:x/three"].map(
    (model) => asking({ model }).plan,
  );
  const models = { a: Functions.client({ models: {} }) };
  const prices = { "x/two": { unit: "image", usdPerImage: 1 } } as const;
  expect(unpricedModels(plans, prices, models)).toEqual(["x/one", "b:x/three"]);
});
