/**
 * Answers of a megabyte, of shapes that are dear to careless readers. Each is read in about a second or
 * less; a reader that looks again at what it has seen would need minutes, far more than a test may take.
 */
import { Result, Schema } from "effect";
import { expect, test } from "vitest";
import { Parse } from "../../../src/steps/parse.ts";

const concept = Parse.for(Schema.Struct({ headline: Schema.String, scene: Schema.String }));
const length = 1_000_000;
const filled = (unit: string): string => unit.repeat(Math.floor(length / unit.length));

const shapes: ReadonlyArray<readonly [string, string]> = [
  ["opening braces", filled("{")],
  ["opening brackets and a word", `${filled("[")}x`],
  ["lists in lists, all closed", "[".repeat(length / 2) + "]".repeat(length / 2)],
  ["keys never ended", filled('{"')],
  ["objects in objects never ended", filled('{"a":')],
  ["quotes that pair off, but for the last", `{a: '${filled(" '{a:' ")}',z`],
  ["braces far apart", filled("{        ")],
  ["comments never ended", filled("{/*")],
  ["objects that none decodes", filled('{"headline":1} ')],
  ["escaped braces", filled('{\\"a\\":')],
  ["fences", filled("```json\n{")],
  ["labels", filled("headline:\n")],
  ["tags never closed", filled("<headline>")],
  ["paragraphs after a label", `headline: a\nscene: ${filled("b\n\n")}`],
  ["a text that is not ended", `{"headline":"${filled("x")}`],
];

test.for(shapes)("a megabyte of %s is read in one pass", ([, answer]) => {
  expect(Result.isResult(concept(answer))).toBe(true);
});

test("a megabyte of JSON is read as it is", () => {
  const value = { headline: filled("x"), scene: filled("{[") };
  expect(concept(JSON.stringify(value))).toEqual(Result.succeed(value));
});
