/**
 * Any JSON value, written out and wrapped as models do, parses to itself. A failure prints the value it
 * was shrunk to and its replay token, which holds the seed.
 */
import { assert, describe, it } from "@effect/vitest";
import { Result, Schema } from "effect";
import { Parse } from "../../../src/steps/parse.ts";

const Fields = Schema.Record(Schema.String, Schema.Json);
const parsers = [
  ["by the schema", Parse.for(Fields)],
  ["whatever it is", Parse.json],
] as const;

/** JSON as Python prints it, strings excepted. */
const inPython = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"|\btrue\b|\bfalse\b|\bnull\b/g, (token) => words[token] ?? token);
const words: Readonly<Record<string, string>> = { true: "True", false: "False", null: "None" };

/** A comma before every closing bracket that ends something. */
const withCommas = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"|([^\s[{,])?\s*[\]}]/g, (token, before: unknown) =>
    token.startsWith('"') || before === undefined
      ? token
      : `${token.slice(0, 1)},${token.slice(1)}`,
  );

const wrappings: ReadonlyArray<readonly [string, (json: string) => string]> = [
  ["bare", (json) => json],
  ["with space around", (json) => `\n\n  ${json}\n`],
  ["after a byte order mark", (json) => `\uFEFF${json}`],
  ["with words around", (json) => `Sure! Here it is: ${json}\n\nAnything else?`],
  ["after a label", (json) => `**Output:** ${json}`],
  ["in a fence", (json) => `Here:\n\`\`\`json\n${json}\n\`\`\`\nEnjoy!`],
  ["in a fence never closed", (json) => `\`\`\`\n${json}`],
  ["in tildes", (json) => `~~~\n${json}\n~~~`],
  ["after thoughts", (json) => `<think>\nMaybe {"a": 1}?\n</think>\n${json}`],
  ["with chatter in braces after it", (json) => `${json}\n\nReplace {name} and [x] as needed.`],
  ["in tags", (json) => `<answer>${json}</answer>`],
  ["with Python's words", inPython],
  ["with commas too many", withCommas],
];

describe("an object", () => {
  for (const [wrapping, wrap] of wrappings) {
    for (const [how, parse] of parsers) {
      it.prop(`written out ${wrapping} and read ${how} is itself`, [Fields], ([value]) => {
        for (const indent of [undefined, 2]) {
          const written = JSON.stringify(value, undefined, indent);
          const parsed = parse(wrap(written));
          const expected: unknown = JSON.parse(written);
          assert.deepStrictEqual(
            Result.getOrElse(parsed, (issues) => ({ issues })),
            expected,
          );
        }
      });
    }
  }

  it.prop("given as tokens is itself", [Fields, Schema.Int], ([value, size]) => {
    const written = JSON.stringify(value);
    const length = (Math.abs(size) % 7) + 1;
    const tokens = written.match(new RegExp(`[^]{1,${length}}`, "g")) ?? [];
    const parsed = Parse.for(Fields)([...tokens, ""]);
    assert.deepStrictEqual(
      Result.getOrElse(parsed, (issues) => ({ issues })),
      JSON.parse(written),
    );
  });

  it.prop("cut off anywhere is refused", [Fields, Schema.Int], ([value, at]) => {
    const written = JSON.stringify({ first: "x", value, last: "y" });
    const length = (Math.abs(at) % (written.length - 2)) + 2;
    const cut = written.slice(0, length);
    for (const text of [cut, `Here:\n\`\`\`json\n${cut}`, `Sure! ${cut}`]) {
      const parsed = Parse.json(text);
      if (length === written.length) assert.ok(Result.isSuccess(parsed));
      else assert.ok(Result.isFailure(parsed), `${text} was read`);
    }
  });
});

describe("a list", () => {
  it.prop("of objects is itself, in prose too", [Schema.Array(Fields)], ([value]) => {
    const written = JSON.stringify(value);
    const parse = Parse.for(Schema.Array(Fields));
    for (const text of [written, `The items: ${written}.`]) {
      const parsed = parse(text);
      assert.deepStrictEqual(
        Result.getOrElse(parsed, (issues) => ({ issues })),
        JSON.parse(written),
      );
    }
  });
});
