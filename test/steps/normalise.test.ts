/** Raw outputs as steps read them: by the model's schema, or by the stated rule where there is none. */
import { assert, describe, it } from "@effect/vitest";
import type { Schema } from "effect";
import type { Asset } from "../../src/steps/asset.ts";
import type { ModelSchema } from "../../src/steps/model-client.ts";
import { filesIn, normaliseOutput } from "../../src/steps/normalise.ts";

const uri = { type: "string", format: "uri" };
const one = "https://replicate.delivery/a/one.png";
const two = "https://replicate.delivery/a/two.png";
const assetOf = (url: string): Asset => ({
  sha256: "00",
  url,
  contentType: "image/png",
  sizeBytes: 1,
});
const files = new Map([one, two].map((url) => [url, assetOf(`file:///${url.slice(-7)}`)]));
const [first, second] = [files.get(one), files.get(two)];

const tokens = {
  type: "array",
  items: { type: "string" },
  "x-cog-array-type": "iterator",
  "x-cog-array-display": "concatenate",
};
const nested = {
  type: "object",
  properties: {
    picture: { allOf: [{ $ref: "#/components/schemas/Picture" }] },
    masks: { type: "array", items: { $ref: "#/components/schemas/Picture" } },
    items: { type: "string" },
    link: { type: "string" },
    maybe: { anyOf: [uri, { type: "null" }] },
  },
};
const circular = { $ref: "#/components/schemas/Circular" };
const model = (schema: object): ModelSchema => ({
  schema: { ...schema },
  definitions: { Picture: uri, Circular: circular },
});

const cases: ReadonlyArray<
  readonly [string, object | null, Schema.Json, unknown, ReadonlyArray<string>]
> = [
  ["tokens are joined", tokens, ["Hel", "lo ", "you", ""], "Hello you", []],
  ["tokens that look like URLs are text", tokens, [one, " and"], `${one} and`, []],
  ["no tokens are an empty answer", tokens, [], "", []],
  ["an answer that is no token list stays", tokens, null, null, []],
  [
    "a list without concatenation stays a list",
    { type: "array", items: { type: "string" } },
    ["a", "b"],
    ["a", "b"],
    [],
  ],
  ["a file is our asset", uri, one, first, [one]],
  [
    "files are our assets",
    { type: "array", items: uri },
    [one, two, one],
    [first, second, first],
    [one, two],
  ],
  [
    "files inside an object are found through references",
    nested,
    { picture: one, masks: [two], items: "a", link: one, maybe: two },
    { picture: first, masks: [second], items: "a", link: one, maybe: second },
    [one, two],
  ],
  ["a URL in a text field is text", { type: "string" }, one, one, []],
  ["what is no URL stays for parsing to refuse", uri, "not found", "not found", []],
  ["null stays null", uri, null, null, []],
  ["nulls inside stay null", { type: "array", items: uri }, [null, one], [null, first], [one]],
  [
    "a field the schema does not know follows the rule for none",
    nested,
    { other: two },
    { other: second },
    [two],
  ],
  ["a reference in circles says nothing", circular, one, first, [one]],
  ["without a schema a URL is a file", null, { a: [one, "b"] }, { a: [first, "b"] }, [one]],
  ["without a schema text around a URL is text", null, `see ${one}`, `see ${one}`, []],
  ["without a schema nothing is joined", null, ["cat", "dog"], ["cat", "dog"], []],
  [
    "without a schema numbers and nulls stay",
    null,
    { score: 0.5, none: null },
    { score: 0.5, none: null },
    [],
  ],
];

describe("a model's output", () => {
  it.each(cases)("%s", (_, schema, output, expected, urls) => {
    const described = schema === null ? null : model(schema);
    assert.deepEqual(normaliseOutput(described, output, files), expected);
    assert.deepEqual(filesIn(described, output), urls);
  });

  it("keeps a URL that was not copied, so that parsing refuses it", () => {
    assert.strictEqual(normaliseOutput(model(uri), one, new Map()), one);
  });
});
