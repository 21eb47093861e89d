/** What predictions cost: reckoned from what was measured, and honest where nothing was. */
import { describe, expect, it } from "vitest";
import {
  costOf,
  listPrices,
  type PriceTable,
} from "../../../src/runtime/predictions/price-table.ts";
import type { Prediction } from "../../../src/steps/model-client.ts";

const llama = "meta/meta-llama-3-8b-instruct";
const flux = "black-forest-labs/flux-schnell";

const ended = (changes: Partial<Prediction>): Prediction => ({
  id: "p",
  status: "succeeded",
  output: null,
  error: null,
  input: {},
  key: null,
  source: "api",
  createdAt: 0,
  startedAt: 0,
  completedAt: 1_000,
  metrics: {},
  isDataRemoved: false,
  raw: {},
  ...changes,
});

describe("a price", () => {
  it("by the token counts both ways", () => {
    const metrics = { input_token_count: 1_000, output_token_count: 2_000 };
    expect(costOf(listPrices, llama, ended({ metrics })).costMicros).toBe(550);
  });

  it("by the image counts what was measured, else what came out", () => {
    expect(costOf(listPrices, flux, ended({ metrics: { image_count: 2 } })).costMicros).toBe(6_000);
    expect(costOf(listPrices, flux, ended({ output: ["a", "b", "c"] })).costMicros).toBe(9_000);
  });

  it("by the second is owed for what ran before a cancel", () => {
    const prices: PriceTable = { "a/b": { unit: "second", usdPerSecond: 0.001 } };
    const canceled = ended({ status: "canceled", metrics: { predict_time: 2.5 } });
    expect(costOf(prices, "a/b:version", canceled).costMicros).toBe(2_500);
  });

  it("by the second counts what ran by its times where a cancelled or failed one shows no measure", () => {
    const prices: PriceTable = { "a/b": { unit: "second", usdPerSecond: 0.001 } };
    const ran = { startedAt: 10_000, completedAt: 14_500 };
    for (const status of ["canceled", "failed"] as const)
      expect(costOf(prices, "a/b", ended({ status, ...ran }))).toMatchObject({ costMicros: 4_500 });
    for (const times of [{ startedAt: null }, { completedAt: null }, { startedAt: 20_000 }])
      expect(costOf(prices, "a/b", ended({ status: "canceled", ...ran, ...times }))).toEqual({
        costMicros: 0,
        basis: "0.001 USD a second",
      });
  });

  it("is nothing for what was aborted before it ran, and for a cancelled picture", () => {
    expect(costOf(listPrices, flux, ended({ status: "aborted" })).costMicros).toBe(0);
    expect(costOf(listPrices, flux, ended({ status: "canceled" })).costMicros).toBe(0);
  });

  it("of the user's own table counts more than the list's, a version's more than its name's", () => {
    const prices: PriceTable = {
      ...listPrices,
      [flux]: { unit: "image", usdPerImage: 1 },
      [`${flux}:v2`]: { unit: "image", usdPerImage: 2 },
    };
    const picture = ended({ metrics: { image_count: 1 } });
    expect(costOf(prices, flux, picture).costMicros).toBe(1e6);
    expect(costOf(prices, `${flux}:v1`, picture).costMicros).toBe(1e6);
    expect(costOf(prices, `${flux}:v2`, picture).costMicros).toBe(2e6);
  });

  it("that nobody knows says so, also for a model named like a member of every object", () => {
    for (const model of ["unknown/model", "constructor", "toString"]) {
      const cost = costOf(listPrices, model, ended({ metrics: { predict_time: 9 } }));
      const basis = `no price known for ${model}`;
      expect(cost).toEqual({ costMicros: 0, basis, isUnmeasured: true });
    }
  });

  it("of a success without the measure it is priced by, or with less than nothing of it, is unknown", () => {
    const prices: PriceTable = { ...listPrices, "a/b": { unit: "second", usdPerSecond: 0.001 } };
    const measured = { input_token_count: 10, output_token_count: 10 };
    const doubtful: ReadonlyArray<readonly [string, Prediction["metrics"]]> = [
      ["a/b", {}],
      ["a/b", { predict_time: -5 }],
      [llama, { predict_time: 1 }],
      [llama, { input_token_count: 10 }],
      [llama, { ...measured, output_token_count: -10 }],
      [flux, { image_count: -1 }],
    ];
    for (const [model, metrics] of doubtful)
      expect(costOf(prices, model, ended({ metrics }))).toMatchObject({
        costMicros: 0,
        isUnmeasured: true,
      });
    expect(costOf(prices, llama, ended({ metrics: measured })).isUnmeasured).toBeUndefined();
    // What never ran has no measure and no cost.
    expect(costOf(prices, "a/b", ended({ status: "canceled" })).isUnmeasured).toBeUndefined();
    expect(costOf(prices, llama, ended({ status: "failed" })).isUnmeasured).toBeUndefined();
  });

  it("of what the provider forgot is unknown, not nothing", () => {
    const forgotten = costOf(listPrices, flux, ended({ isDataRemoved: true }));
    expect(forgotten.basis).toContain("unknown");
    expect(forgotten.isUnmeasured).toBe(true);
  });
});
