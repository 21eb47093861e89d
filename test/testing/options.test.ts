/** What would test nothing, or something else than was meant, is refused with the option's name. */
import { expect, test } from "vitest";
import { Answer, paths, testCatena, TestOptionError } from "../../src/testing.ts";
import { article } from "./three-steps.ts";

const refusal = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    if (error instanceof TestOptionError) return error.message;
    throw error;
  }
  return "not refused";
};

test.each([
  [
    "an answer for no step",
    () => paths(article, { answers: { daft: { valid: "x" } } }),
    "answers: expected one of draft, polish, publish, got 'daft'",
  ],
  [
    "a replacement of no run step",
    () => paths(article, { replace: ["polish"] }),
    "replace: expected one of publish, got 'polish'",
  ],
  [
    "a valid answer that the step refuses",
    () => paths(article, { answers: { draft: { valid: { title: 7 } } } }),
    "answers.draft.valid: expected an answer that the step's parser and schema take (they refuse it), got { title: 7 }",
  ],
  [
    "an invalid answer that the step takes",
    () => paths(article, { answers: { draft: { invalid: { title: "fine" } } } }),
    "answers.draft.invalid: expected what is not an answer that the step's parser and schema take, got { title: 'fine' }",
  ],
  [
    "a run step's value that its schema refuses",
    () => paths(article, { answers: { publish: { valid: "" } } }),
    "answers.publish.valid: expected a value of the step's output schema (Expected a value with a length of at least 1), got ''",
  ],
  [
    "an input that its schema refuses",
    () => paths(article, { input: 7 }),
    "input: expected a value of the input schema of article (Expected string), got 7",
  ],
  [
    "a sequence of no answers",
    () => Answer.sequence(),
    "Answer.sequence: expected at least one answer, got []",
  ],
])("%s", (_, make, message) => {
  expect(refusal(make)).toBe(message);
});

test("a test's Catena refuses answers for steps that ask no model, and for no step", async () => {
  const start = (answers: Readonly<Record<string, string>>) =>
    testCatena({ pipelines: [article], answers });
  const known = "answers: expected one of draft, acme/writer, polish, acme/editor, got";
  await expect(start({ publish: "x" })).rejects.toThrow(`${known} 'publish'`);
  await expect(start({ "acme/writter": "x" })).rejects.toThrow(`${known} 'acme/writter'`);
});

test("an answer that is no JSON says whose it is and what it was", async () => {
  await using t = await testCatena({
    pipelines: [article],
    answers: { draft: () => undefined },
  });
  const { outcome } = await t.run(article, "tea");
  expect(outcome).toMatchObject({
    status: "failed",
    failure: { detail: "the test's answer for draft is not JSON: undefined" },
  });
});
