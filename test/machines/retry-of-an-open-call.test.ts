/** A RETRY while a call of the failed step is still open: it is awaited, not paid for again. */
import { expect, test } from "vitest";
import { makeDriver } from "../../src/machines/advance.ts";
import type { Entry, Fact } from "../../src/machines/entry.ts";
import { article } from "../testing/three-steps.ts";

const empty = { json: null };
const call = { path: "draft", key: "key-1" };

const facts: ReadonlyArray<Fact> = [
  {
    type: "JobSubmitted",
    pipeline: "article",
    version: 1,
    fingerprint: "",
    input: { json: "chains" },
  },
  { type: "JobStarted" },
  { type: "StepStarted", path: "draft", attempt: 1, round: 1, input: empty },
  {
    type: "PredictionIntended",
    ...call,
    attempt: 1,
    call: 1,
    repair: 0,
    provider: "p",
    model: "m",
    inputHash: "",
    request: empty,
    estimateMicros: 0,
    timeoutMs: 1_000,
  },
  { type: "PredictionAccepted", ...call, predictionId: "p-1", isAdopted: false },
  {
    type: "StepFailed",
    path: "draft",
    attempt: 1,
    kind: "defect",
    failure: { _tag: "Defect", message: "the process died 3 times here" },
  },
  { type: "RetryRequested", by: "operator", isFresh: false },
];

test("a retried step goes on waiting for the call that is still open", () => {
  const entries = facts.map((fact, index): Entry => ({ ...fact, seq: index + 1, at: 0 }));
  const { context, value } = makeDriver(article.plan).fold(entries);
  expect(value).toEqual({ running: { draft: "waiting" } });
  expect(context.steps["draft"]).toMatchObject({
    phase: "calling",
    round: 2,
    call: { key: "key-1" },
  });
});
