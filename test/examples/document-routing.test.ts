/** Mail lies on the right desk as data, and what a person has to see goes no further. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { mailRouting } from "../../examples/document-routing.ts";
import { Answer, paths, testCatena } from "../../src/testing.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-routing-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const mail = { from: "ann@example.org", text: "Invoice A-17 over 12.50 EUR, due on 1 March." };
const matter = { subject: "Invoice A-17", amount: 12.5, deadline: "2027-03-01" };

test("a letter is read, put on a desk and filed", async () => {
  const pipeline = mailRouting(folder);
  await using t = await testCatena({
    pipelines: [pipeline],
    answers: { read: matter, desk: Answer.sequence("billing", "Label: accounts") },
  });
  const { outcome, ledger } = await t.run(pipeline, mail);
  expect(outcome).toMatchObject({ status: "complete", output: { desk: "accounts" } });
  expect(ledger.map(({ path }) => path)).toEqual(["read", "desk", "desk"]);
  const file = outcome.status === "complete" ? outcome.output.file : "";
  expect(JSON.parse(await readFile(fileURLToPath(file), "utf8"))).toEqual({
    desk: "accounts",
    from: "ann@example.org",
    matter,
  });
});

test("what a person has to decide is sorted by no model", async () => {
  const pipeline = mailRouting(folder);
  await using t = await testCatena({
    pipelines: [pipeline],
    answers: { read: { ...matter, amount: 10_001 } },
  });
  const { outcome, ledger } = await t.run(pipeline, mail);
  expect(outcome).toMatchObject({ step: "limit", kind: "policy" });
  expect(ledger).toHaveLength(1);
});

describe("on every path it keeps its promises, and a job has one file at most:", () => {
  const suite = paths(mailRouting(folder), { input: mail, answers: { read: { valid: matter } } });
  for (const path of suite)
    test(path.name, async () => {
      const before = (await readdir(folder)).length;
      await path.run();
      expect((await readdir(folder)).length - before).toBeLessThanOrEqual(1);
    });
  test("no transition is left untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});
