/** An offer is priced and approved by people before it is sent, and one that was refused is not sent. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { offers } from "../../examples/approved-offer.ts";
import { paths, testCatena } from "../../src/testing.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-offers-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const wish = { customer: "Ann", wish: "a trail bottle" };
const draft = { subject: "Your bottle", text: "Cold to the last mile." };

test("what was priced and approved is sent", async () => {
  const pipeline = offers(folder);
  await using t = await testCatena({ pipelines: [pipeline], answers: { draft } });
  const job = await t.submit(pipeline, wish);
  await job.signal("pricing", { euros: 19.5 });
  await job.signal("review", { approved: true, by: "Eve" });
  const { outcome } = await job.rested();
  const sent = outcome.status === "complete" ? outcome.output.sent : "";
  const kept: unknown = JSON.parse(await readFile(fileURLToPath(sent), "utf8"));
  expect(kept).toEqual({ ...draft, euros: 19.5 });
});

test("what was refused is not sent; asked again, nothing is paid again", async () => {
  const pipeline = offers(folder);
  const before = await readdir(folder);
  await using t = await testCatena({ pipelines: [pipeline], answers: { draft } });
  const job = await t.submit(pipeline, wish);
  await job.signal("pricing", { euros: 19.5 });
  await job.signal("review", { approved: false, comment: "too dear" });
  expect((await job.rested()).outcome).toMatchObject({ step: "review", kind: "policy" });
  await job.retry();
  await job.signal("review", { approved: false });
  const { outcome, ledger } = await job.rested();
  expect(outcome).toMatchObject({ step: "review", kind: "policy" });
  expect(ledger).toHaveLength(1);
  expect(await readdir(folder)).toEqual(before);
});

describe("on every path it keeps its promises:", () => {
  const suite = paths(offers(folder), {
    input: wish,
    answers: { draft: { valid: JSON.stringify(draft) } },
  });
  for (const path of suite) test(path.name, () => path.run());
  test("no transition is left untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});
