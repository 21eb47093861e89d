/** What a call may cost at the most: never less than what its bounds allow, and said where nothing bounds it. */
import { describe, expect, it } from "vitest";
import { listPrices, type PriceTable } from "../../../src/runtime/predictions/price-table.ts";
import {
  type PlannedCall,
  upperEstimate,
} from "../../../src/runtime/predictions/upper-estimate.ts";

const schema = (properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => ({
  schema: { type: "object", properties } as const,
  definitions: {},
});

const call = (part: Partial<PlannedCall> & { readonly model: string }): PlannedCall => ({
  description: { input: null, output: null },
  input: { prompt: "" },
  timeoutMs: 60_000,
  ...part,
});

const whyOf = (prices: PriceTable, planned: PlannedCall): string => {
  const estimate = upperEstimate(prices, planned);
  return estimate.micros === null ? estimate.why : `known: ${estimate.micros}`;
};

describe("by the second", () => {
  const prices: PriceTable = { "a/b": { unit: "second", usdPerSecond: 0.001 } };

  it("is the time after which the provider ends it, whatever the version", () => {
    expect(upperEstimate(prices, call({ model: "a/b" }))).toEqual({ micros: 60_000 });
    const short = call({ model: "a/b:v1", timeoutMs: 1 });
    expect(upperEstimate(prices, short)).toEqual({ micros: 1 });
  });
});

describe("by the image", () => {
  const prices: PriceTable = { "a/b": { unit: "image", usdPerImage: 0.003 } };
  const counted = schema({ num_outputs: { type: "integer", default: 2, maximum: 4 } });
  const many = { schema: { type: "array", items: { type: "string" } }, definitions: {} } as const;

  it("is as many as the request asks for, else as the model makes by itself", () => {
    const description = { input: counted, output: many };
    const asked = call({ model: "a/b", description, input: { num_outputs: 3 } });
    expect(upperEstimate(prices, asked)).toEqual({ micros: 9_000 });
    expect(upperEstimate(prices, call({ model: "a/b", description }))).toEqual({ micros: 6_000 });
  });

  it("multiplies what multiplies, and takes the most where the model has no default", () => {
    const input = schema({ num_outputs: { maximum: 4 }, batch_size: { default: 2 } });
    const description = { input, output: many };
    expect(upperEstimate(prices, call({ model: "a/b", description }))).toEqual({ micros: 24_000 });
  });

  it("is as many as a choice in words says, and the most where the request asks for no number", () => {
    const input = schema({ num_outputs: { enum: ["1", "4"], default: "1" } });
    const description = { input, output: many };
    const four = call({ model: "a/b", description, input: { num_outputs: "4" } });
    expect(upperEstimate(prices, four)).toEqual({ micros: 12_000 });
    expect(upperEstimate(prices, call({ model: "a/b", description }))).toEqual({ micros: 3_000 });
    const asMany = { description: { input: counted, output: many }, input: { num_outputs: -1 } };
    expect(upperEstimate(prices, call({ model: "a/b", ...asMany }))).toEqual({ micros: 12_000 });
    expect(whyOf(prices, call({ model: "a/b", input: { num_outputs: -1 } }))).toMatch(/bounds/);
  });

  it("is unknown where a list of any length may come, and one image where no schema says more", () => {
    const description = { input: schema({ prompt: {} }), output: many };
    expect(whyOf(prices, call({ model: "a/b", description }))).toMatch(
      /how many images.*maxUsdPerCall/,
    );
    expect(upperEstimate(prices, call({ model: "a/b" }))).toEqual({ micros: 3_000 });
  });
});

describe("by the token", () => {
  const prices: PriceTable = {
    "a/b": { unit: "token", inputUsdPerMillion: 1, outputUsdPerMillion: 100 },
  };
  const described = schema({
    prompt: { type: "string" },
    system_prompt: { type: "string", default: "Be brief." },
    max_tokens: { type: "integer", default: 500, maximum: 4_000 },
    max_new_tokens: { type: "integer" },
  });
  const answers: PriceTable = {
    "a/b": { unit: "token", inputUsdPerMillion: 0, outputUsdPerMillion: 1 },
  };
  const ofAnswer = (planned: PlannedCall): number | null => upperEstimate(answers, planned).micros;

  it("counts the answer as the request bounds it, else as the model does by itself", () => {
    const description = { input: described, output: null };
    const asked = (input: PlannedCall["input"]) => call({ model: "a/b", description, input });
    expect(ofAnswer(asked({ prompt: "", max_tokens: 30 }))).toBe(30);
    expect(ofAnswer(asked({ prompt: "", max_new_tokens: 40 }))).toBe(40);
    expect(ofAnswer(asked({ prompt: "" }))).toBe(500);
    const atMost = { input: schema({ max_tokens: { maximum: 4_000 } }), output: null };
    expect(ofAnswer(call({ model: "a/b", description: atMost }))).toBe(4_000);
  });

  it("counts a byte of what is asked, and of what the model adds, as a token", () => {
    const description = { input: described, output: null };
    const of = (prompt: string) =>
      upperEstimate(prices, call({ model: "a/b", description, input: { prompt, max_tokens: 1 } }))
        .micros ?? NaN;
    expect(of("ü".repeat(1_000)) - of("")).toBe(2_000);
    expect(of("")).toBeGreaterThan(100 + "Be brief.".length);
  });

  it("is unknown where nothing bounds the answer", () => {
    expect(whyOf(prices, call({ model: "a/b" }))).toMatch(/how many tokens.*max_tokens/);
  });
});

describe("a price", () => {
  it("that nobody knows is said to be missing, with the model's name", () => {
    const why = whyOf(listPrices, call({ model: "some/model:v3" }));
    expect(why).toContain("no price is known for some/model:v3");
    expect(why).toContain('prices: { "some/model": … }');
  });

  it("may say itself what a call costs at the most, and nothing costs nothing", () => {
    const prices: PriceTable = {
      "a/b": { unit: "second", usdPerSecond: 1, maxUsdPerCall: 0.5 },
      "a/free": { unit: "token", inputUsdPerMillion: 0, outputUsdPerMillion: 0 },
    };
    expect(upperEstimate(prices, call({ model: "a/b" }))).toEqual({ micros: 500_000 });
    expect(upperEstimate(prices, call({ model: "a/free" }))).toEqual({ micros: 0 });
  });
});
