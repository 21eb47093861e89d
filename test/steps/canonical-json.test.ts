import { assert, describe, it } from "@effect/vitest";
import { Schema } from "effect";
import { canonicalJson, hashJson, sha256Hex } from "../../src/steps/canonical-json.ts";

describe("canonical JSON", () => {
  it("is the same whatever the order of keys", () => {
    assert.strictEqual(
      canonicalJson({ b: [1, { d: null, c: "ü" }], a: -0 }),
      '{"a":0,"b":[1,{"c":"ü","d":null}]}',
    );
    assert.strictEqual(hashJson({ a: 1, b: 2 }), hashJson({ b: 2, a: 1 }));
    assert.notStrictEqual(hashJson([1, 2]), hashJson([2, 1]));
  });

  it("hashes as everybody does", () => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.strictEqual(sha256Hex("abc"), expected);
    assert.strictEqual(sha256Hex(new TextEncoder().encode("abc")), expected);
  });

  it.prop("reads back as the same value", [Schema.Json], ([value]) => {
    const copy: unknown = JSON.parse(canonicalJson(value));
    assert.deepEqual(copy, JSON.parse(JSON.stringify(value)));
  });
});
