/** Every path through pipelines that wait for signals: in time, early, late, twice, never, and in every trouble. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Pipeline, Step } from "../../src/index.ts";
import { answersOf } from "../../src/runtime/testing/generated.ts";
import { planningOf } from "../../src/runtime/testing/path-planning.ts";
import { paths } from "../../src/testing.ts";
import { Draft, shop } from "./waiting-shop.ts";

describe("a shop that waits for a price and for an approval", () => {
  const suite = paths(shop);
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
  test.each([
    "pricing awaiting: crash",
    "review awaiting: pause, resume",
    "review awaiting: cancel",
    "review: signal review, a refusal",
    "review: wait",
    "write waiting: signal review",
    "publish running: signal review",
    "review awaiting: signal review + crash",
    "review awaiting: pause + signal review + resume",
    "review failed: signal review",
  ])("has a path in which %s happens", (happens) => {
    const { planned } = planningOf(shop.plan, answersOf(shop.plan, 1));
    const moves = planned.paths.flatMap((path) => path.moves.map(({ move }) => move.name));
    expect(moves).toContain(happens);
  });
});

describe("a pipeline that does nothing but wait", () => {
  const only = Pipeline.make("only", { version: 1, input: Schema.String })
    .step(Step.signal("first", { input: Schema.String, output: Draft }))
    .step(Step.approval("second", { input: Draft }))
    .output(Draft, ({ last }) => last);
  const suite = paths(only);
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});
