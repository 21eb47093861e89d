/** The window of failures where somebody sets the clock. */
import { expect, it } from "vitest";
import type { Entry } from "../../../src/machines/entry.ts";
import { FailureWindow } from "../../../src/runtime/alerts/failure-window.ts";
import type { Observation } from "../../../src/runtime/jobs/job-host.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = 1_700_000_000_000;

const endedAt = (at: number, hasFailed: boolean): Observation => {
  const step = { path: "draw", attempt: 1, seq: 2, at } as const;
  const failure = { _tag: "Defect", message: "a bug" } as const;
  const entry: Entry = hasFailed
    ? { ...step, type: "StepFailed", kind: "defect", failure }
    : { ...step, type: "StepSucceeded", output: { json: null } };
  // Of all that is observed the window looks at these alone.
  return { pipeline: "poster", record: { version: 1 }, entries: [entry] } as unknown as Observation;
};

const shares = (window: FailureWindow, now: number) =>
  window.ended(now).map(({ attempts, failed }) => [failed, attempts]);

it("forgets what it counted in a time that has not come yet", () => {
  const window = new FailureWindow(10 * minute, []);
  for (let count = 0; count < 10; count += 1) window.note(endedAt(noon + 24 * hour, true));
  expect(shares(window, noon + 24 * hour)).toEqual([[10, 10]]);
  // The clock is put right: what was told of tomorrow shall not last until then.
  expect(shares(window, noon)).toEqual([]);
  window.note(endedAt(noon, false));
  expect(shares(window, noon + minute)).toEqual([[0, 1]]);
  expect(shares(window, noon + 11 * minute)).toEqual([]);
});

it("counts on where the clock was put right while attempts went on ending", () => {
  const window = new FailureWindow(10 * minute, []);
  window.note(endedAt(noon + 24 * hour, true));
  window.note(endedAt(noon, false));
  expect(shares(window, noon)).toEqual([[0, 1]]);
  expect(shares(window, noon + 11 * minute)).toEqual([]);
});

it("keeps what it has where the clock goes back a little", () => {
  const window = new FailureWindow(10 * minute, []);
  window.note(endedAt(noon + minute, true));
  window.note(endedAt(noon, true));
  expect(shares(window, noon)).toEqual([[2, 2]]);
});
