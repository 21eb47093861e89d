/** Timeouts as data: every way of saying one ends in ms. */
import { Duration } from "effect";
import { expect, test } from "vitest";
import { timeoutPolicy } from "../../src/steps/timeout.ts";

test("an attempt has ten minutes by default and nothing else is bounded", () => {
  expect(timeoutPolicy(undefined)).toStrictEqual({ attemptMs: 600_000 });
});

test.for([
  ["text", "60 seconds"],
  ["a number of ms", 60_000],
  ["a Duration", Duration.minutes(1)],
  ["an object of units", { minutes: 1 }],
] as const)("%s bounds the attempt", ([, input]) => {
  expect(timeoutPolicy(input)).toStrictEqual({ attemptMs: 60_000 });
});

test("each bound can be said by name, and those left out are absent", () => {
  expect(timeoutPolicy({ attempt: "1 minute" })).toStrictEqual({ attemptMs: 60_000 });
  expect(timeoutPolicy({ attempt: "1 minute", boot: 5000 })).toStrictEqual({
    attemptMs: 60_000,
    bootMs: 5000,
  });
  expect(timeoutPolicy({ attempt: 1, boot: 2, step: "1 hour" })).toStrictEqual({
    attemptMs: 1,
    bootMs: 2,
    stepMs: 3_600_000,
  });
});

test("what is no positive duration is refused by name", () => {
  expect(() => timeoutPolicy(-3)).toThrow(/expected timeout to be a duration above zero.*got -3/);
  expect(() => timeoutPolicy({ attempt: "1 second", step: 0 })).toThrow(/timeout\.step/);
  // Users of plain JavaScript have no types to stop them.
  expect(() => timeoutPolicy("soon" as "1 second")).toThrow(/got "soon"/);
});
