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
const inline = "data:image/png;base64,iVBORw0KGgo=";
const files = new Map([one, two, inline].map((url) => [url, assetOf(`file:///${url.slice(-7)}`)]));
const [first, second, third] = [files.get(one), files.get(two), files.get(inline)];

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
const branching = { anyOf: Array.from({ length: 8 }, () => ({ allOf: [circular, circular] })) };
const model = (schema: object): ModelSchema => ({
  schema: { ...schema },
  definitions: {
    Picture: uri,
    Circular: branching,
    Verdict: { type: "string", enum: ["normal", "nsfw", one] },
    Output: { title: "Output", ...nested },
    Maybe: { anyOf: [uri, { type: "null" }] },
  },
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

/** Every form in which a model's schema describes its output, by the name of the form. */
const forms: typeof cases = [
  ["string", { type: "string", title: "Output" }, "hello", "hello", []],
  ["string: uri", uri, one, first, [one]],
  ["string: uri as a data URI of a synchronous answer", uri, inline, third, [inline]],
  ["array of uri", { type: "array", items: uri }, [two, one], [second, first], [two, one]],
  [
    "array of uri as data URIs of a synchronous answer",
    { type: "array", items: uri },
    [inline],
    [third],
    [inline],
  ],
  ["iterator with concatenation: the last token is empty", tokens, ["a", " b", ""], "a b", []],
  ["iterator with concatenation: already one text", tokens, "a b", "a b", []],
  [
    "iterator without concatenation: a progressive list",
    { type: "array", items: { type: "string" }, "x-cog-array-type": "iterator" },
    ["a draft", "a better draft"],
    ["a draft", "a better draft"],
    [],
  ],
  [
    "iterator of uri: progressive images, in their order",
    { type: "array", items: uri, "x-cog-array-type": "iterator" },
    [one, two],
    [first, second],
    [one, two],
  ],
  [
    "object with nested uris by reference",
    { $ref: "#/components/schemas/Output" },
    { picture: one, masks: [two, one], items: "text", maybe: null },
    { picture: first, masks: [second, first], items: "text", maybe: null },
    [one, two],
  ],
  [
    "object with a uri for every name",
    { type: "object", additionalProperties: uri },
    { a: one, b: two },
    { a: first, b: second },
    [one, two],
  ],
  [
    "object that allows any other field",
    { type: "object", properties: { text: { type: "string" } }, additionalProperties: true },
    { text: one, other: two },
    { text: one, other: second },
    [two],
  ],
  [
    "object with a token list",
    { type: "object", properties: { text: tokens, image: uri } },
    { text: ["a", "b", ""], image: one },
    { text: "ab", image: first },
    [one],
  ],
  [
    "array of objects with uris",
    {
      type: "array",
      items: { type: "object", properties: { file: uri, label: { type: "string" } } },
    },
    [
      { file: one, label: "a" },
      { file: two, label: "b" },
    ],
    [
      { file: first, label: "a" },
      { file: second, label: "b" },
    ],
    [one, two],
  ],
  [
    "allOf with a reference to an enum",
    { allOf: [{ $ref: "#/components/schemas/Verdict" }] },
    "nsfw",
    "nsfw",
    [],
  ],
  ["enum of texts that are URLs", { $ref: "#/components/schemas/Verdict" }, one, one, []],
  ["nullable uri, null", { ...uri, nullable: true }, null, null, []],
  ["nullable uri, a file", { ...uri, nullable: true }, one, first, [one]],
  ["uri or null by anyOf", { $ref: "#/components/schemas/Maybe" }, one, first, [one]],
  [
    "uri or null by a list of types",
    { type: ["string", "null"], format: "uri" },
    one,
    first,
    [one],
  ],
  ["text or null by a list of types", { type: ["string", "null"] }, one, one, []],
  ["array that may be null", { type: "array", items: uri, nullable: true }, null, null, []],
  ["number", { type: "number" }, 0.25, 0.25, []],
  ["integer", { type: "integer" }, 7, 7, []],
  ["boolean", { type: "boolean" }, false, false, []],
  ["anything: a title alone", { title: "Output" }, { a: one }, { a: first }, [one]],
  ["anything: an empty schema", {}, ["cat", "dog"], ["cat", "dog"], []],
  ["no schema: a number", null, 1, 1, []],
  ["no schema: a data URI", null, inline, third, [inline]],
  ["no schema: a word that begins like a data URI", null, "data:none", "data:none", []],
];

describe("every output form", () => {
  it.each(forms)("%s", (_, schema, output, expected, urls) => {
    const described = schema === null ? null : model(schema);
    assert.deepEqual(normaliseOutput(described, output, files), expected);
    assert.deepEqual(filesIn(described, output), urls);
  });
});

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
