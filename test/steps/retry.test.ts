/** Retry as data: bounded delays, and a Schedule that waits exactly as a job does. */
import { assert, describe, expect, it, test } from "@effect/vitest";
import { Clock, Effect, Fiber, Schema } from "effect";
import { TestClock } from "effect/testing";
import { backoffMs, Retry, RetryPolicy, toSchedule } from "../../src/steps/retry.ts";

const unit = Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
const attempts = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 }));

describe("the delay after an attempt", () => {
  it.prop(
    "is never negative, and never above the cap and its share of jitter",
    [RetryPolicy, attempts, unit],
    ([policy, attempt, chance]) => {
      const delayMs = backoffMs(policy, attempt, chance);
      assert.isAtLeast(delayMs, 0);
      assert.isAtMost(delayMs, Math.round(policy.maxMs * (1 + policy.jitter)));
    },
  );

  it.prop(
    "never shrinks from one attempt to the next, without jitter",
    [RetryPolicy, attempts],
    ([policy, attempt]) => {
      assert.isAtLeast(backoffMs(policy, attempt + 1, 0.5), backoffMs(policy, attempt, 0.5));
    },
  );

  test("doubles to the cap by default", () => {
    const policy = Retry.transient({ attempts: 9 });
    expect([1, 2, 3, 6, 7, 8].map((attempt) => backoffMs(policy, attempt, 0.5))).toEqual([
      500, 1000, 2000, 16_000, 30_000, 30_000,
    ]);
  });

  test("varies by the jitter to both sides", () => {
    const policy = Retry.transient();
    expect([0, 0.5, 1].map((chance) => backoffMs(policy, 2, chance))).toEqual([750, 1000, 1250]);
  });

  test("is the same before every attempt where it is fixed, however long", () => {
    const policy = Retry.fixed({ attempts: 3, delayMs: 120_000 });
    expect([1, 2].map((attempt) => backoffMs(policy, attempt, 0))).toEqual([120_000, 120_000]);
  });
});

describe("a policy", () => {
  test("none is one try", () => {
    expect(Retry.none).toMatchObject({ attempts: 1, timeouts: false });
  });

  test.for([
    ["attempts", 0],
    ["attempts", 1.5],
    ["baseMs", -1],
    ["factor", 0.5],
    ["maxMs", -1],
    ["jitter", 1.5],
    ["jitter", Number.NaN],
    ["maxMs", Number.POSITIVE_INFINITY],
  ] as const)("with %s %d is refused by name", ([field, value]) => {
    expect(() => Retry.transient({ [field]: value })).toThrow(field);
  });

  it.prop("survives being stored", [RetryPolicy], ([policy]) => {
    const stored = JSON.stringify(policy);
    const back = Schema.decodeUnknownSync(RetryPolicy)(JSON.parse(stored));
    assert.strictEqual(JSON.stringify(back), stored);
  });
});

/** The pauses (ms) between the tries of a program that always fails, on the test's clock. */
const pausesOf = (policy: RetryPolicy, chance?: Effect.Effect<number>) =>
  Effect.gen(function* () {
    const triedAt: Array<number> = [];
    const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      triedAt.push(now);
      return Effect.fail("no");
    });
    const fiber = yield* Effect.forkChild(
      Effect.exit(Effect.retry(attempt, toSchedule(policy, chance))),
    );
    yield* TestClock.adjust("1 day");
    yield* Fiber.join(fiber);
    return triedAt.slice(1).map((at, index) => at - (triedAt[index] ?? 0));
  });

describe("the schedule of a policy", () => {
  it.effect.each([
    Retry.none,
    Retry.transient({ attempts: 9 }),
    Retry.transient({ attempts: 6, baseMs: 333, factor: 1.7, maxMs: 2000 }),
    Retry.fixed({ attempts: 4, delayMs: 45_000 }),
  ])("waits as a job does, case %#", (policy) =>
    Effect.gen(function* () {
      const expected = Array.from({ length: policy.attempts - 1 }, (_, index) =>
        backoffMs(policy, index + 1, 0.5),
      );
      assert.deepStrictEqual(yield* pausesOf(policy), expected);
    }),
  );

  it.effect("varies by the jitter where it is given a chance", () =>
    Effect.gen(function* () {
      const chances = [0, 1, 0.25];
      const next = Effect.sync(() => chances.shift() ?? 0.5);
      const pauses = yield* pausesOf(Retry.transient({ attempts: 4 }), next);
      assert.deepStrictEqual(pauses, [375, 1250, 1750]);
    }),
  );
});
