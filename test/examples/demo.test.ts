/**
 * The demo from outside. Wherever it is killed, the next run finishes the same job, and the emulator's
 * ledger shows each prediction once.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { journalLines } from "../../examples/campaign/demo/journal.ts";
import { demoFolder, expectResume, interruptDemo, jobIn, runDemo } from "./demo-process.ts";

// Several processes a test, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

test("a brief becomes a stored picture, with two ledgers that agree", async () => {
  const folder = await demoFolder();
  const words = ["--product_name", "Solace lamp", "--audience", "readers", "--value_prop", "warm"];
  const { output, code } = await runDemo(folder, words);
  expect(code, output).toBe(0);
  expect(output).toContain("Solace lamp, for readers: warm");
  expect(output).toMatch(/toys[^\n]*emulated/);
  for (const step of ["concept", "prompt", "image", "check", "store"])
    expect(output).toMatch(new RegExp(`${step} +done at attempt 1 after .* so far, emulated`));
  expect(output).toContain("The ledgers agree: 4 predictions");
  const picture = /^Picture +(.+)$/m.exec(output)?.[1] ?? "";
  expect(existsSync(picture), picture).toBe(true);
  expect(existsSync(join(folder, "demo.db"))).toBe(true);
});

test.each(["image:sent", "store:started"])(
  "killed at %s, the next run finishes the same job and pays nothing twice",
  async (point) => {
    await expectResume(point);
  },
);

test("interrupted, it leaves the job and says so; a new brief waits its turn", async () => {
  const folder = await demoFolder();
  const left = await interruptDemo(folder, "prompt   attempt 1");
  expect(left.code, left.output).toBe(130);
  expect(left.output).toContain("resumes it");
  const words = ["--product_name", "Other", "--audience", "a", "--value_prop", "b"];
  const resumed = await runDemo(folder, words);
  expect(resumed.output).toContain(
    `Resumes job ${jobIn(left.output)}: the run before was interrupted`,
  );
  expect(resumed.output).toContain("It has its own brief");
  expect(resumed.code).toBe(0);
});

test("the journal can be read, and looking resumes nothing", async () => {
  const folder = await demoFolder();
  const path = join(folder, "demo.db");
  await expect(journalLines(path, null)).rejects.toThrow("no journal");
  await runDemo(folder, ["--kill-after", "prompt:committed"]);
  for (const _ of [1, 2]) {
    const lines = await journalLines(path, null);
    expect(lines[0]).toContain("processing at image");
    expect(lines.at(-1)).toContain("StepSucceeded");
  }
});

test("a wrong command line is one sentence and exit code 2", async () => {
  const { errors, code, output } = await runDemo("unused", ["--product_name", "X"]);
  expect(code).toBe(2);
  expect(errors.trim().split("\n")).toHaveLength(1);
  expect(errors).toContain("--audience, --value_prop is missing or empty");
  expect(output.trim().split("\n")).toHaveLength(1);
});
