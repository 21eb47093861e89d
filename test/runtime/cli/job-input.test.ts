/** Fields set over an input: dotted, JSON or text, into lists as well, and never past what is there. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { expect, onTestFinished, test } from "vitest";
import { readInput } from "../../../src/runtime/cli/job-input.ts";

const inputOf = (sets: ReadonlyArray<string>, file: string | null = null, folder = "/") =>
  Effect.runPromise(readInput({ folder, file, sets }));
const refusalOf = (sets: ReadonlyArray<string>, file: string | null = null, folder = "/") =>
  Effect.runPromise(
    Effect.map(Effect.flip(readInput({ folder, file, sets })), ({ message }) => message),
  );

const withFile = async (content: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-input-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "in.json"), content);
  return folder;
};

test.each<[ReadonlyArray<string>, unknown]>([
  [["a=1"], { a: 1 }],
  [["a=one"], { a: "one" }],
  [['a="1"'], { a: "1" }],
  [["a=null"], { a: null }],
  [["a=b=c"], { a: "b=c" }],
  [["a="], { a: "" }],
  [["a.b.c=true", "a.b.d=[1]"], { a: { b: { c: true, d: [1] } } }],
  [["a=1", "a=2"], { a: 2 }],
  [["a=[1,2]", "a.1=x", "a.2=y"], { a: [1, "x", "y"] }],
])("%j", async (sets, input) => {
  expect(await inputOf(sets)).toEqual(input);
});

test("a field named like the prototype is a field", async () => {
  const input = await inputOf(["__proto__.a=1"]);
  expect(JSON.stringify(input)).toBe('{"__proto__":{"a":1}}');
  expect(Object.getPrototypeOf(input)).toBe(Object.prototype);
});

test("fields keep the place they have in the file", async () => {
  const folder = await withFile('{ "a": 1, "b": 2 }');
  expect(JSON.stringify(await inputOf(["a=3", "c=4"], "in.json", folder))).toBe(
    '{"a":3,"b":2,"c":4}',
  );
});

test("what cannot be set or read is said", async () => {
  expect(await refusalOf(["=1"])).toContain("Expected --set field=value");
  expect(await refusalOf(["a..b=1"])).toContain("Expected --set field=value");
  expect(await refusalOf(["a=1", "a.b=2"])).toContain("the input has no place a.b");
  expect(await refusalOf(["a=[]", "a.5=2"])).toContain("the input has no place a.5");
  expect(await refusalOf([], "in.json", await withFile(""))).toContain("to be JSON: it is empty");
  expect(await refusalOf([], "in.json", await withFile("{"))).toContain("to be JSON: ");
  const folder = await withFile("5");
  expect(await refusalOf(["a=1"], "in.json", folder)).toContain("the input has no place a");
});
