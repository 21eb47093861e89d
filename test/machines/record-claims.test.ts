/** Which deaths are counted towards poison: those at a job's own work, not those while it waits. */
import { expect, test } from "vitest";
import { initialContext, type JobContext } from "../../src/machines/context.ts";
import type { Fact } from "../../src/machines/entry.ts";
import { record } from "../../src/machines/record.ts";

const after = (...facts: ReadonlyArray<Fact>): JobContext =>
  facts.reduce(
    (context, fact, index) => record(context, { ...fact, seq: index + 1, at: index }),
    initialContext,
  );

const at = { path: "ask", attempt: 1 };
const death: Fact = { type: "Claimed", owner: "next", epoch: 2, isTakeover: true };
const started: Fact = { type: "StepStarted", ...at, round: 1, input: { json: null } };
const intended: Fact = {
  type: "PredictionIntended",
  ...at,
  call: 1,
  repair: 0,
  key: "k",
  provider: "p",
  model: "m",
  inputHash: "h",
  request: { json: {} },
  estimateMicros: 0,
  timeoutMs: 1,
};
const failure = { _tag: "TimeoutFailure", timeoutMs: 1, awaited: "attempt" } as const;
const backingOff: Fact = {
  type: "AttemptFailed",
  ...at,
  failure,
  retry: { wakeAt: 9, delayMs: 9 },
};

test("deaths while a step runs count until something comes of it", () => {
  expect(after(started, death, death).claims).toBe(2);
  expect(after(started, death, death, backingOff).claims).toBe(0);
});

test("deaths while the job only waits for a provider, a timer or a resume do not count", () => {
  expect(after(started, intended, death, death, death).claims).toBe(0);
  expect(after(started, backingOff, death, death, death).claims).toBe(0);
  expect(after(started, { type: "PauseRequested", by: "api" }, death).claims).toBe(0);
});

test("a process that stopped by itself counts nowhere", () => {
  expect(after(started, { ...death, isTakeover: false }).claims).toBe(0);
});
