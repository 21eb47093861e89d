/**
 * Answers as models write them, one test each: `corpus/*.txt` hold the raw text, the schema that the step
 * wants, and either the value that must come of it or the path and words of the issue that must.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Result, Schema } from "effect";
import { describe, expect, test } from "vitest";
import { codecOf } from "../../../src/runtime/services/codecs.ts";
import { Parse } from "../../../src/steps/parse.ts";

const { String: Text, Finite, Boolean, Struct } = Schema;
const schemas = {
  concept: Struct({ headline: Text, scene: Text }),
  campaign: Struct({ headline: Text, visual_direction: Text, tone: Text }),
  review: Struct({
    score: Finite,
    is_safe: Boolean,
    labels: Schema.Array(Text),
    note: Schema.optionalKey(Schema.NullOr(Text)),
  }),
  items: Schema.Array(Struct({ name: Text, quantity: Finite })),
  tags: Schema.Array(Text),
  score: Finite,
  verdict: Schema.Literals(["safe", "unsafe"]),
  any: Schema.Json,
};
const SchemaName = Schema.Literals([
  "concept",
  "campaign",
  "review",
  "items",
  "tags",
  "score",
  "verdict",
  "any",
]);

interface Case {
  readonly name: string;
  readonly schema: typeof SchemaName.Type;
  readonly answer: Schema.Json;
  readonly expected:
    | { readonly value: unknown }
    | { readonly path: string; readonly words: string };
}

const readJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json));

/** `%%% name | model | schema`, the answer, `%%= value` or `%%! path: words`; `%%json` gives the answer as JSON. */
const caseOf = (block: string): Case => {
  const [, head = "", body = "", mark = "", expected = ""] =
    /^(.*)\n([^]*)\n%%([=!]) (.*)\n*$/.exec(block) ?? [];
  const [name = "", model = "", schema = ""] = head.split(" | ");
  const [path = "", words = ""] = expected.split(/: ?(.*)/);
  return {
    name: `${name} (${model})`,
    schema: Schema.decodeUnknownSync(SchemaName)(schema),
    answer: body.startsWith("%%json ") ? readJson(body.slice(7)) : body,
    expected: mark === "=" ? { value: readJson(expected) } : { path, words },
  };
};

const folder = new URL("corpus/", import.meta.url);
const corpus = readdirSync(folder).map((file) => ({
  file,
  cases: readFileSync(new URL(file, folder), "utf8").split(/^%%% /m).slice(1).map(caseOf),
}));

/** What the step makes of an answer: the value as parsed where it decodes, else the issues. */
const read = ({ schema, answer }: Case): unknown => {
  const parse = schema === "any" ? Parse.json : Parse.for(schemas[schema]);
  const parsed = parse(answer);
  if (Result.isFailure(parsed)) return { issues: parsed.failure };
  const decoded = codecOf(schemas[schema]).decode(parsed.success);
  return Result.isFailure(decoded) ? { issues: decoded.failure } : { value: parsed.success };
};

test("the corpus holds at least 80 answers, each under its own name", () => {
  const names = corpus.flatMap(({ cases }) => cases.map(({ name }) => name));
  expect(names.length).toBeGreaterThanOrEqual(80);
  expect(new Set(names).size).toBe(names.length);
});

for (const { file, cases } of corpus) {
  describe(file, () => {
    test.for(cases)("$name", (one) => {
      const { expected } = one;
      expect(read(one)).toEqual(
        "value" in expected
          ? expected
          : {
              issues: expect.arrayContaining([
                { path: expected.path, message: expect.stringContaining(expected.words) },
              ]),
            },
      );
    });
  });
}
