/** Steps may be called as anything the machine uses itself: its own names are none that a step can have. */
import { Schema } from "effect";
import { expect, test } from "vitest";
import { makeDriver } from "../../src/machines/advance.ts";
import type { Entry, Fact } from "../../src/machines/entry.ts";
import { Pipeline } from "../../src/machines/pipeline.ts";
import { Step } from "../../src/steps/step.ts";

const step = Step.make("last", { input: Schema.String, output: Schema.String, run: (a) => a });
const pipeline = Pipeline.make("names", { version: 1, input: Schema.String })
  .step(step)
  .step(step.as("cancelling"))
  .output(Schema.String, ({ last }) => last);

const value = { json: "a" };
const begun = (path: string): Fact => ({
  type: "StepStarted",
  path,
  attempt: 1,
  round: 1,
  input: value,
});
const done = (path: string): Fact => ({ type: "StepSucceeded", path, attempt: 1, output: value });
const submitted: Fact = {
  type: "JobSubmitted",
  pipeline: "names",
  version: 1,
  fingerprint: "f",
  input: value,
};
const failed: Fact = {
  type: "StepFailed",
  path: "cancelling",
  attempt: 1,
  kind: "defect",
  failure: { _tag: "Defect", message: "planned by the test" },
};

const after = (facts: ReadonlyArray<Fact>) => {
  const driver = makeDriver(pipeline.plan);
  const entries = facts.map((fact, index): Entry => ({ ...fact, seq: index + 1, at: 0 }));
  const snapshot = driver.fold(entries);
  return { snapshot, services: driver.services(snapshot) };
};

test("a step called last is run, and a step called cancelling is a step", () => {
  const started = [submitted, { type: "JobStarted" } as const];
  expect(after(started).services).toEqual([{ id: "last", source: "step" }]);
  const second = [...started, begun("last"), done("last")];
  expect(after(second).services).toEqual([{ id: "cancelling", source: "step" }]);
  const whole = [...second, begun("cancelling"), done("cancelling")];
  expect(after(whole).services).toEqual([{ id: "(output)", source: "output" }]);
});

test("a retry goes on at the failed step", () => {
  const facts: ReadonlyArray<Fact> = [
    submitted,
    { type: "JobStarted" },
    begun("last"),
    done("last"),
    begun("cancelling"),
    failed,
    { type: "RetryRequested", by: "a person", isFresh: false },
  ];
  expect(after(facts).services).toEqual([{ id: "cancelling", source: "step" }]);
});
