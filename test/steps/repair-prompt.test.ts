/** A model that is asked again is told what it wrote and what was wrong with it, once. */
import { describe, expect, test } from "vitest";
import { repairPrompt } from "../../src/steps/repair-prompt.ts";

const issues = [
  { path: "", message: "expected JSON" },
  { path: "tone", message: "Missing key" },
];

describe("the prompt of a repair", () => {
  test("is the prompt itself where nothing was wrong", () => {
    expect(repairPrompt("Write.", undefined)).toBe("Write.");
  });

  test("holds the last answer and each issue with its path", () => {
    const text = repairPrompt("Write.", { ordinal: 1, issues, output: '{"headline": "Cold"}' });
    expect(text.split("\n")).toEqual([
      "Write.",
      "",
      "Your last answer could not be used:",
      '{"headline": "Cold"}',
      "What was wrong with it:",
      "- answer: expected JSON",
      "- tone: Missing key",
      "Answer again, with nothing but what was asked for.",
    ]);
  });

  test("joins the pieces of a text and writes everything else as JSON", () => {
    expect(repairPrompt("", { ordinal: 1, issues, output: ["no ", "JSON"] })).toContain(
      "\nno JSON\n",
    );
    expect(repairPrompt("", { ordinal: 1, issues, output: { a: [1] } })).toContain('\n{"a":[1]}\n');
  });

  test.for([null, "", " ", []])("leaves an empty answer out: %j", (output) => {
    expect(repairPrompt("Write.", { ordinal: 1, issues, output })).toContain(
      "could not be used:\nWhat was wrong",
    );
  });

  test("cuts an endless answer", () => {
    const output = "x".repeat(100_000);
    expect(repairPrompt("", { ordinal: 1, issues, output }).length).toBeLessThan(4_500);
  });

  test("is not told twice", () => {
    const repair = { ordinal: 1, issues, output: "no" };
    const once = repairPrompt("Write.", repair);
    expect(repairPrompt(once, repair)).toBe(once);
  });
});
