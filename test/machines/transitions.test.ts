/** The transitions that the documents name, as they are in the compiled machine. */
import { expect, test } from "vitest";
import { compile } from "../../src/machines/compiler.ts";
import { graphOf } from "../../src/machines/machine-graph.ts";
import { poster } from "./chains.ts";

const graph = graphOf(compile(poster.plan));

const kinds = ["validation", "timeout", "provider", "policy", "defect"];
const step = (path: string, event: string, target: string) =>
  [`running.${path}`, event, `running.${target}`] as const;

test.for([
  ["pending", "JobStarted", "running"],
  ["pending", "CancelRequested", "cancelled"],
  ["running", "CancelRequested", "cancelled"],
  ["running", "CancelRequested", "cancelling"],
  ["cancelling", "JobCancelled", "cancelled"],
  ["failed", "RetryRequested", "running.(last)"],
  ["failed", "CancelRequested", "cancelling"],
  ...kinds.map((kind) => ["running", "StepFailed", `failed.${kind}`] as const),
  step("write", "PredictionAccepted", "write.waiting"),
  step("write", "PredictionUnknown", "write.unknown"),
  step("write", "PredictionSettled", "write.active"),
  step("write", "PredictionAbsent", "write.active"),
  step("write", "AttemptFailed", "write.backingOff"),
  step("write", "AttemptHeld", "write.backingOff"),
  step("write", "StepSucceeded", "paint-it"),
  step("paint-it", "PredictionAbsent", "paint-it.unknown"),
  step("paint-it.unknown", "RetryRequested", "paint-it.active"),
  step("paint-it", "StepSucceeded", "store"),
  step("store", "StepSucceeded", "(output)"),
  ["running.(output)", "JobCompleted", "complete"],
] as const)("%s goes by %s to %s", ([from, event, to]) => {
  const transitions = graph.find(({ path }) => path === from)?.transitions ?? [];
  const led = transitions.filter((one) => one.event === event).flatMap(({ targets }) => targets);
  expect(led).toContain(to);
});

test("a pause and its end are entries that move nothing", () => {
  const running = graph.find(({ path }) => path === "running");
  const asked = running?.transitions.filter(({ event }) => /^(Pause|Resume)Requested$/.test(event));
  expect(asked?.map(({ targets }) => targets)).toEqual([[], []]);
});
