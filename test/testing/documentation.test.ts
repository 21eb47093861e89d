/** The code of docs/testing.md runs as it is written there. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnyPipeline } from "../../src/index.ts";

const root = join(import.meta.dirname, "..", "..");
const folder = join(import.meta.dirname, ".documentation");

/** The blocks of code, with the package's names pointing at its sources. */
const blocks = async (): Promise<ReadonlyArray<string>> => {
  const page = await readFile(join(root, "docs", "testing.md"), "utf8");
  return [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) =>
    code
      .replaceAll('"catena-ai/testing"', '"../../../src/testing.ts"')
      .replaceAll('"./article.ts"', '"../three-steps.ts"')
      .replace(/^import \{.*\} from "vitest"$/m, "")
      .replaceAll(/^const (inputs|findings|\{ outcome)/gm, "export const $1")
      .replace(/^const suite/m, "export const suite")
      .replace(/^for \(const path.*\n/m, "")
      .replace(/^afterAll.*\n/m, ""),
  );
};

const load = async (index: number): Promise<Record<string, unknown>> => {
  const file = join(folder, `block-${index}.ts`);
  await writeFile(file, (await blocks())[index] ?? "");
  return import(file);
};

beforeAll(() => mkdir(folder, { recursive: true }));
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the paths of the page are planned and run", async () => {
  const { suite } = await load(0);
  const { paths } = await import("../../src/testing.ts");
  const { article } = await import("./three-steps.ts");
  const same: Iterable<{ readonly name: string; run(): Promise<void> }> = paths(
    article satisfies AnyPipeline,
  );
  const isIterable = typeof suite === "object" && suite !== null && Symbol.iterator in suite;
  expect(isIterable).toBe(true);
  const [first] = same;
  await first?.run();
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
