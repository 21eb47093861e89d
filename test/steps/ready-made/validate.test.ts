/** A rule costs nothing and says the same each time: the value goes on as it was, or the job fails with what was wrong. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { PolicyFailure, Steps } from "../../../src/index.ts";
import { runAlone } from "./alone.ts";

const Draft = Schema.Struct({ title: Schema.String, words: Schema.Int });
const Short = Schema.Struct({
  title: Schema.NonEmptyString,
  words: Schema.Int.check(Schema.isLessThanOrEqualTo(100)),
});
const draft = { title: "Cold", words: 80 };

describe("by a schema", () => {
  const fits = Steps.validate("fits", { input: Draft, schema: Short });

  test("a value goes on as it came", async () => {
    const { outcome, ledger } = await runAlone(fits, draft);
    expect(outcome).toEqual({ status: "complete", output: draft });
    expect(ledger).toEqual([]);
  });

  test("each thing that is wrong is named, and kept from users", async () => {
    const { outcome } = await runAlone(fits, { title: "", words: 101 });
    expect(outcome).toMatchObject({
      status: "failed",
      kind: "validation",
      failure: { at: "output", issues: [{ path: "title" }, { path: "words" }] },
      message: "A model's output did not have the expected shape.",
    });
  });

  test("a user's own input is told back to them", async () => {
    const step = Steps.validate("fits", { input: Draft, schema: Short, at: "input" });
    const { outcome } = await runAlone(step, { title: "Cold", words: 101 });
    expect(outcome).toMatchObject({ message: expect.stringMatching(/input is not valid: words:/) });
  });

  test("what a schema makes of text is checked as the value that it is", async () => {
    const Dated = Schema.Struct({ at: Schema.DateTimeUtcFromString });
    const { outcome } = await runAlone(
      Steps.validate("fits", {
        input: Dated,
        schema: Dated,
        check: ({ at }) => at.epochMilliseconds === 0,
      }),
      Schema.decodeSync(Dated)({ at: "1970-01-01T00:00:00.000Z" }),
    );
    expect(outcome.status).toBe("complete");
  });
});

describe("by a check", () => {
  const rulings = {
    nothing: () => undefined,
    true: () => true,
    "no issues": () => [],
  } as const;
  test.for(Object.entries(rulings))("%s lets the value through", async ([, check]) => {
    const { outcome } = await runAlone(Steps.validate("fits", { input: Draft, check }), draft);
    expect(outcome).toEqual({ status: "complete", output: draft });
  });

  test("a sentence, issues and a plain no are what was wrong", async () => {
    const issue = { path: "words", message: "too many" };
    for (const [ruling, message] of [
      ["has no verb", "has no verb"],
      [[issue], "too many"],
      [false, "is not as the step's check wants it"],
    ] as const) {
      const step = Steps.validate("fits", { input: Draft, check: () => ruling });
      const { outcome } = await runAlone(step, draft);
      expect(outcome).toMatchObject({ kind: "validation", failure: { issues: [{ message }] } });
    }
  });

  test("a PolicyFailure blocks", async () => {
    const blocked = new PolicyFailure({ rule: "no brands", categories: ["trademark"] });
    const step = Steps.validate("fits", { input: Draft, check: () => blocked });
    const { outcome } = await runAlone(step, draft);
    expect(outcome).toMatchObject({ kind: "policy", failure: { rule: "no brands" } });
  });

  test("is not asked about what the schema refuses", async () => {
    const asked: Array<string> = [];
    const step = Steps.validate("fits", {
      input: Draft,
      schema: Short,
      check: ({ title }) => {
        asked.push(title);
      },
    });
    await runAlone(step, { title: "", words: 1 });
    await runAlone(step, draft);
    expect(asked).toEqual(["Cold"]);
  });

  test("that throws is a bug", async () => {
    const step = Steps.validate("fits", {
      input: Draft,
      check: () => {
        throw new RangeError("no such rule");
      },
    });
    const { outcome } = await runAlone(step, draft);
    expect(outcome).toMatchObject({
      kind: "defect",
      failure: { message: "RangeError: no such rule" },
    });
  });
});
