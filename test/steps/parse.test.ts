/** From a model's answer to a value: what is understood, and what is refused rather than guessed. */
import { assert, describe, expect, it, test } from "@effect/vitest";
import { Result, Schema } from "effect";
import { Asset } from "../../src/steps/asset.ts";
import { Parse } from "../../src/steps/parse.ts";

/** The parsed value, or the sentences of the issues. */
const read = (parse: Parse, output: Schema.Json): unknown =>
  Result.match(parse(output), {
    onSuccess: (value) => value,
    onFailure: (issues) => ({ issues: issues.map(({ message }) => message) }),
  });

const image = {
  sha256: "0".repeat(64),
  url: "file:///image.png",
  contentType: "image/png",
  sizeBytes: 7,
};

describe("text", () => {
  test("is trimmed", () => {
    expect(read(Parse.text, " a headline\n")).toBe("a headline");
  });

  test.for([
    ["", "an empty answer"],
    [" \n", "an empty answer"],
    [null, "null"],
    [7, "a number"],
    [true, "a boolean"],
    [[], "an empty list"],
    [["a"], "a list"],
    [{}, "an object"],
  ] as const)("is not %j", ([output, got]) => {
    expect(read(Parse.text, output)).toEqual({ issues: [`expected text, got ${got}`] });
  });
});

test("text is what comes after the thoughts", () => {
  expect(read(Parse.text, "<think>\nA headline? {\n</think>\n\nCold")).toBe("Cold");
  expect(read(Parse.text, "Hm, a headline.\n</think>\nCold")).toBe("Cold");
  expect(read(Parse.text, "Put it into </think> tags")).toBe("Put it into </think> tags");
  expect(read(Parse.text, "<think>\nA headline?")).toEqual({
    issues: ["the answer looks cut off: its thoughts are not ended"],
  });
});

describe("JSON", () => {
  test.for([
    ["bare", '{"a":1}'],
    ["with space around it", '\n {"a":1}\n'],
    ["in a fenced block", 'Here:\n```json\n{"a":1}\n```\nEnjoy!'],
    ["in a fence without a language", '```\n{"a":1}\n```'],
    ["in a fence marked JSON", '```JSON\n{"a":1}\n```'],
    ["with words around it", 'Sure! {"a":1} Hope that helps.'],
    ["in a fence never closed", '```json\n{"a":1}'],
  ])("is found %s", ([, answer]) => {
    expect(read(Parse.json, answer ?? "")).toEqual({ a: 1 });
  });

  test.for(['"{a}"', '"a [list]"', '{"code":"```\\n{}\\n```"}'])(
    "is itself where its text looks like more JSON: %s",
    (answer) => {
      expect(read(Parse.json, answer)).toEqual(JSON.parse(answer));
    },
  );

  test("in a fenced block may hold a fence", () => {
    expect(read(Parse.json, 'So:\n```json\n{"code":"```js"}\n```')).toEqual({ code: "```js" });
  });

  test("may be a list, and a list may hold objects", () => {
    expect(read(Parse.json, 'The items: [{"a":1},{"a":2}].')).toEqual([{ a: 1 }, { a: 2 }]);
  });

  test.for(['"text"', "7", "null", "true"])("may be the bare value %s", (answer) => {
    expect(read(Parse.json, answer)).toBe(JSON.parse(answer));
  });

  test("that a model gave as a value stays as it is", () => {
    expect(read(Parse.json, { a: [1, null] })).toEqual({ a: [1, null] });
  });

  test.for([
    ["no JSON at all", 'expected JSON, got text without any: "no JSON at all"'],
    ['{"a":1', "the answer looks cut off: an object is not ended"],
    ["[1, 2", "the answer looks cut off: a list is not ended"],
    ['{"a":1} or {"a":2}', "expected one answer, got 2 different ones"],
    ["{a b}", 'expected JSON, got text without any: "{a b}"'],
    ['{"a": b}', 'expected JSON: expected a value, got "b}"'],
  ])("is not guessed from %j", ([answer, message]) => {
    expect(read(Parse.json, answer ?? "")).toEqual({ issues: [message] });
  });

  test("is not an empty answer", () => {
    expect(read(Parse.json, " ")).toEqual({ issues: ["expected JSON, got an empty answer"] });
  });

  it.prop("survives being written out by a model that talks", [Schema.Json], ([value]) => {
    const written = JSON.stringify(value, undefined, 2);
    const expected: unknown = JSON.parse(written);
    assert.deepStrictEqual(read(Parse.json, written), expected);
    if (typeof value === "object" && value !== null) {
      assert.deepStrictEqual(read(Parse.json, `Here you are: ${written} Enjoy!`), expected);
    }
  });
});

describe("labelled lines", () => {
  const Review = Schema.Struct({
    verdict: Schema.Literals(["fits", "does not fit"]),
    score: Schema.Finite,
    isSafe: Schema.optionalKey(Schema.Boolean),
    notes: Schema.optionalKey(Schema.Array(Schema.String)),
  });

  test("are read by the fields of the schema, whatever the case of their labels", () => {
    const answer = "VERDICT: Does not fit\nscore: 3\nIs safe: no\nNotes:\n1. too dark\n2. too wide";
    expect(read(Parse.fields(Review), answer)).toEqual({
      verdict: "does not fit",
      score: 3,
      isSafe: false,
      notes: ["too dark", "too wide"],
    });
  });

  test("leave out what is optional and not there", () => {
    expect(read(Parse.fields(Review), "Verdict: fits\nScore: 4")).toEqual({
      verdict: "fits",
      score: 4,
    });
  });

  test("name every required field that is not there", () => {
    const issues = Result.flip(Parse.fields(Review)("I like it."));
    expect(Result.getOrThrow(issues).map(({ path }) => path)).toEqual(["verdict", "score"]);
  });

  test("whose names only case tells apart need labels that are the names", () => {
    const parse = Parse.fields(Schema.Struct({ tone: Schema.String, Tone: Schema.String }));
    expect(read(parse, "tone: calm\nTone: bold")).toEqual({ tone: "calm", Tone: "bold" });
    expect(Result.isFailure(parse("TONE: calm\nTone: bold"))).toBe(true);
  });

  test("are not looked for in JSON, whatever is wrong with it", () => {
    const parse = Parse.for(Schema.Struct({ a: Schema.String, b: Schema.String }));
    expect(read(parse, '{"a": "x\nb: y", "b": ')).toEqual({
      issues: ["the answer looks cut off: an object is not ended"],
    });
  });

  test.for([
    ["text", Schema.String],
    ["a list", Schema.Array(Schema.String)],
    ["a record", Schema.Record(Schema.String, Schema.String)],
  ] as const)("cannot be asked for %s", ([, schema]) => {
    expect(() => Parse.fields(schema)).toThrow("a schema of an object with named fields");
  });

  test.for([
    [7, "a number"],
    [["a"], "a list"],
  ] as const)("are not %j", ([output, got]) => {
    expect(read(Parse.fields(Review), output)).toEqual({ issues: [`expected text, got ${got}`] });
  });
});

describe("a file", () => {
  test("is the asset, or the first of a list", () => {
    expect(read(Parse.file, image)).toEqual(image);
    expect(read(Parse.file, [image, { ...image, sizeBytes: 8 }])).toEqual(image);
  });

  test.for([
    ["https://files.example/a.png", "a string"],
    [[], "an empty list"],
    [["a"], "a list"],
    [null, "null"],
    [{ url: "a" }, "an object"],
  ] as const)("is not %j", ([output, got]) => {
    expect(read(Parse.file, output)).toEqual({ issues: [`expected a file, got ${got}`] });
  });
});

test("none takes everything as it is", () => {
  for (const output of [null, "", [], { a: 1 }]) expect(read(Parse.none, output)).toBe(output);
});

describe("by default", () => {
  test.for([
    ["text", Schema.String],
    ["text with checks", Schema.NonEmptyString],
    ["what is text when encoded", Schema.DateTimeUtcFromString],
  ] as const)("%s is read as text", ([, schema]) => {
    expect(Parse.for(schema)).toBe(Parse.text);
  });

  test.for([
    ["any asset", Asset.Any],
    ["an image", Asset.Image],
  ] as const)("%s is read as a file", ([, schema]) => {
    expect(Parse.for(schema)).toBe(Parse.file);
  });

  test.for([
    ["a struct", Schema.Struct({ url: Schema.String }), '{"url":"a"}'],
    [
      "a class",
      class Link extends Schema.Class<Link>("Link")({ url: Schema.String }) {},
      '{"url":"a"}',
    ],
    ["a list", Schema.Array(Schema.String), '["a"]'],
    ["a number", Schema.Number, "7"],
    ["a choice of texts", Schema.Literals(["yes", "no"]), '"yes"'],
  ] as const)("%s is read as JSON", ([, schema, answer]) => {
    expect(read(Parse.for(schema), `The answer:\n\`\`\`\n${answer}\n\`\`\``)).toEqual(
      JSON.parse(answer),
    );
  });

  test("what makes the schema throw is left to the decoding, which says so", () => {
    const broken = Schema.Struct({
      a: Schema.String.check(
        Schema.makeFilter(() => {
          throw new TypeError("a bug in the schema");
        }),
      ),
    });
    expect(read(Parse.for(broken), '{"a":"x"}')).toEqual({ a: "x" });
  });
});
