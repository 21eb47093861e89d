/** What people read: amounts, tables and answers that stay within their width and drive no terminal. */
import { expect, test } from "vitest";
import type { Entry } from "../../../../src/index.ts";
import { answeredAt, answerLines, receivedAt } from "../../../../src/runtime/cli/received.ts";
import {
  cut,
  dollars,
  duration,
  instant,
  oneLine,
  shellWords,
  wrapped,
} from "../../../../src/runtime/cli/render/amounts.ts";
import { entryLine } from "../../../../src/runtime/cli/render/entry-line.ts";
import { table } from "../../../../src/runtime/cli/render/table.ts";

test("amounts", () => {
  expect([0, 0.3, 12.3, 3_033.9, 250_000, 1_500_000, 12_345_678].map(dollars)).toEqual([
    "$0",
    "<$0.000001",
    "$0.000012",
    "$0.003034",
    "$0.25",
    "$1.50",
    "$12.35",
  ]);
  expect([-5, 340, 4_120, 720_000, 10_800_000, 432_000_000].map(duration)).toEqual([
    "0 ms",
    "340 ms",
    "4.1 s",
    "12 min",
    "3 h",
    "5 d",
  ]);
  expect(instant(0)).toBe("1970-01-01 00:00:00Z");
});

test("text is cut and broken to its width", () => {
  expect(cut("abcdef", 6)).toBe("abcdef");
  expect(cut("abcdefg", 6)).toBe("abcde…");
  expect(wrapped("one two three\nfour", 8)).toEqual(["one two", "three", "four"]);
  expect(wrapped("a-word-that-is-longer", 8)).toEqual(["a-word-that-is-longer"]);
});

test("what an answer holds cannot drive the terminal", () => {
  expect(oneLine("a\n b\u001b[2Jc\u0007")).toBe("a b\\x1b[2Jc\\x07");
});

test("words of a command can be pasted into a shell", () => {
  expect(shellWords(["catena", "--store", "my jobs.db", "it's", "$(rm)"])).toBe(
    `catena --store 'my jobs.db' 'it'\\''s' '$(rm)'`,
  );
});

test("the cut column of a table gives way, the others do not", () => {
  const columns = [
    { title: "ID", cells: ["12345678"] },
    { title: "NAME", cells: ["a-very-long-name-indeed"], isCut: true },
    { title: "N", cells: ["42"], isRight: true },
  ];
  expect(table(columns, 40)).toEqual([
    "ID        NAME                      N",
    "12345678  a-very-long-name-indeed  42",
  ]);
  expect(table(columns, 24)).toEqual(["ID        NAME         N", "12345678  a-very-lo…  42"]);
});

test("an entry is one line within the width", () => {
  const entry: Entry = {
    type: "PredictionIntended",
    seq: 3,
    at: 4_120,
    path: "image",
    attempt: 1,
    call: 1,
    repair: 1,
    key: "k",
    provider: "replicate",
    model: "black-forest-labs/flux-schnell:0123456789abcdef",
    inputHash: "h",
    request: { json: {} },
    estimateMicros: 3_000,
    timeoutMs: 60_000,
  };
  const view = { since: 0, paint: (_: string, text: string) => text };
  expect(entryLine(entry, { ...view, width: 100 })).toBe(
    "   +4.1 s  image      asks black-forest-labs/flux-schnell again (repair 1), at most $0.003",
  );
  expect(entryLine(entry, { ...view, width: 60 })).toHaveLength(60);
});

test("what was received stands where the schema looked for it", () => {
  expect(receivedAt({ a: 1 }, "b")).toBe("nothing");
  expect(receivedAt({ a: 1 }, "toString")).toBe("nothing");
  expect(receivedAt(["x", ""], "1")).toBe('""');
  expect(receivedAt(["x", ""], "")).toBe('["x",""]');
});

test("what was received of an answer is what a step would have read of it", () => {
  expect(answeredAt('{"a":{"b":[1,"x"]}}', "a.b.1")).toBe('"x"');
  expect(answeredAt(["Here: ", '{"a":', "5}"], "a")).toBe("5");
  expect(answeredAt("no JSON at all", "a")).toBe(null);
  expect(answeredAt("no JSON at all", "")).toBe('"no JSON at all"');
  expect(answeredAt(["no JSON", " at all"], "")).toBe('"no JSON at all"');
});

test("an answer in pieces is the text that they make", () => {
  expect(answerLines(["one\nt", "wo"])).toEqual(["one", "two"]);
  expect(answerLines({ a: 1 })).toEqual(["{", '  "a": 1', "}"]);
});
