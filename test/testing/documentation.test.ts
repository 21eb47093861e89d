/** The code of docs/testing.md runs as it is written there. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const folder = join(import.meta.dirname, ".documentation");

/** Stands in for a test runner: keeps what it is given. */
const runner = [
  "const expect = (value) => ({ toEqual: () => value });",
  "export const tests = [];",
  "export const last = [];",
  "const test = (name, run) => { tests.push({ name, run }); };",
  "const afterAll = (run) => { last.push(run); };",
].join("\n");

/** The blocks of code, with the package's names pointing at its sources. */
const blocks = async (): Promise<ReadonlyArray<string>> => {
  const page = await readFile(join(root, "docs", "testing.md"), "utf8");
  return [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) =>
    code
      .replaceAll('"catena-ai/testing"', '"../../../src/testing.ts"')
      .replaceAll('"./article.ts"', '"../three-steps.ts"')
      .replace(/^import \{.*\} from "vitest"$/m, runner)
      .replaceAll(/^const (inputs|findings|\{ outcome)/gm, "export const $1"),
  );
};

const load = async (index: number): Promise<Record<string, unknown>> => {
  const file = join(folder, `block-${index}.ts`);
  await writeFile(file, (await blocks())[index] ?? "");
  return import(file);
};

interface Case {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const isCase = (value: unknown): value is Case =>
  typeof value === "object" && value !== null && "run" in value && typeof value.run === "function";

const testsIn = (value: unknown): ReadonlyArray<Case> =>
  Array.isArray(value) ? value.filter(isCase) : [];

beforeAll(() => mkdir(folder, { recursive: true }));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the page registers every path as a test, and the check of what is left uncovered", async () => {
  const { tests, last } = await load(0);
  const cases = testsIn(tests);
  expect(cases.length).toBeGreaterThan(50);
  for (const { run } of cases.slice(0, 3)) await run();
  expect(last).toHaveLength(1);
});

test("the job of the page completes after a rate limit and a lost answer", async () => {
  const { outcome, tookMs } = await load(1);
  expect(outcome).toMatchObject({ status: "complete" });
  expect(tookMs).toBeGreaterThan(300_000);
});

test("the page's inputs and findings are there", async () => {
  const { inputs, findings } = await load(2);
  expect(inputs).toHaveLength(20);
  expect(findings).toBeInstanceOf(Array);
});
