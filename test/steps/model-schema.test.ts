/** A request against the model's own schema: every wrong field by name, before anything is paid. */
import { assert, describe, it } from "@effect/vitest";
import type { ModelSchema } from "../../src/steps/model-client.ts";
import { checkRequest } from "../../src/steps/model-schema.ts";

const schema = {
  type: "object",
  title: "Input",
  required: ["prompt"],
  properties: {
    prompt: { type: "string", title: "Prompt", "x-order": 0 },
    aspect_ratio: { allOf: [{ $ref: "#/components/schemas/aspect_ratio" }], default: "1:1" },
    num_outputs: { type: "integer", minimum: 1, maximum: 4 },
    seed: { type: "integer", nullable: true },
    image: { type: "string", format: "uri" },
    images: { type: "array", items: { type: "string", format: "uri" } },
    code: { type: "string", pattern: "^(a+)+$" },
    odd: { not: { type: "string" } },
  },
};
const input: ModelSchema = {
  schema,
  definitions: {
    Input: schema,
    aspect_ratio: { type: "string", title: "aspect_ratio", enum: ["1:1", "16:9"] },
  },
};

const asset = { sha256: "ab".repeat(32), url: "file:///x", contentType: "image/png", sizeBytes: 1 };

const issuesOf = (request: Record<string, unknown>): Record<string, string> => {
  const check = checkRequest(input, request);
  assert(check._tag === "Checked");
  return Object.fromEntries(check.issues.map(({ path, message }) => [path, message]));
};

describe("a request", () => {
  it.each([
    { prompt: "a shoe" },
    { prompt: "a shoe", aspect_ratio: "16:9", num_outputs: 4, seed: 7 },
    {
      prompt: "a shoe",
      image: "https://example.com/a.png",
      images: ["data:image/png;base64,AAAA"],
    },
    { prompt: "a shoe", image: asset, images: [asset, asset] },
    { prompt: "a shoe", seed: undefined },
  ])("that fits has no issues (%#)", (request) => {
    assert.deepEqual(issuesOf(request), {});
  });

  it("names each wrong field", () => {
    assert.deepEqual(
      issuesOf({ prompt: 1, aspect_ratio: "2:1", num_outputs: 5, images: ["x", 2] }),
      {
        prompt: "Expected string",
        aspect_ratio: 'Expected "1:1" | "16:9"',
        num_outputs: "Expected a value less than or equal to 4",
        "images.1": "Expected string | AssetReference",
      },
    );
  });

  it("names a missing field and one the model does not take", () => {
    assert.deepEqual(issuesOf({ promt: "a shoe" }), {
      prompt: "is required",
      promt:
        "is not a field of the model; it takes: prompt, aspect_ratio, num_outputs, seed, image, images, code, odd",
    });
  });

  it("may hold no null, not even where the schema says nullable", () => {
    const message = "must not be null: leave the field out instead";
    assert.deepEqual(issuesOf({ prompt: "a shoe", seed: null, image: null }), {
      seed: message,
      image: message,
    });
  });

  it("takes assets only where the model takes a URI", () => {
    assert.deepEqual(issuesOf({ prompt: asset }), { prompt: "Expected string" });
    assert.deepEqual(issuesOf({ prompt: "x", image: { url: "x" } }), {
      "image.sha256": "Missing key",
    });
  });

  it("says which fields nobody could check", () => {
    const check = checkRequest(input, { prompt: "x", odd: 1, code: "b" });
    assert.deepEqual(check, { _tag: "Checked", issues: [], unchecked: ["odd"] });
  });

  it("may have other fields where the model says so", () => {
    const open = {
      schema: { ...schema, additionalProperties: true },
      definitions: input.definitions,
    };
    assert.deepEqual(checkRequest(open, { prompt: "x", more: 1 }), {
      _tag: "Checked",
      issues: [],
      unchecked: [],
    });
  });

  it("is not checked against nothing, and that is said", () => {
    assert.deepEqual(checkRequest(null, { a: 1 }), {
      _tag: "Skipped",
      reason: "the model publishes no schema of its input",
    });
    assert.strictEqual(
      checkRequest({ schema: { type: "object" }, definitions: {} }, {})._tag,
      "Skipped",
    );
  });
});
