/** The gate: who may call a provider, and when, after it said that it wants patience or money. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { TestClock } from "effect/testing";
import { makeProviderGate } from "../../../src/runtime/predictions/provider-gate.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import { turns } from "../support/jobs-harness.ts";
import {
  asking,
  entriesOf,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  recordOf,
  submit,
} from "../support/ledger-harness.ts";
import { outOfCredit, rateLimited, unavailable } from "../support/provider-failures.ts";

/** When each of `count` calls passes, in ms from now, while the clock runs for `ms`. */
const passings = Effect.fnUntraced(function* (
  gate: ReturnType<typeof makeProviderGate>,
  count: number,
) {
  const start = yield* Clock.currentTimeMillis;
  const at: Array<number> = [];
  for (let index = 0; index < count; index += 1)
    yield* Effect.forkChild(
      Effect.andThen(
        gate.pass,
        Effect.map(Clock.currentTimeMillis, (now) => at.push(now - start)),
      ),
    );
  yield* turns;
  return at;
});

describe("the gate", () => {
  it.effect("lets a burst pass, then keeps the rate", () =>
    Effect.gen(function* () {
      const gate = makeProviderGate({ createsPerMinute: 60, burst: 3 });
      const at = yield* passings(gate, 6);
      expect(at).toEqual([0, 0, 0]);
      yield* pass(3_000, 100);
      expect(at).toEqual([0, 0, 0, 1_000, 2_000, 3_000]);
    }),
  );

  it.effect("after a 402 lets one probe pass a minute, and says until when it is closed", () =>
    Effect.gen(function* () {
      const gate = makeProviderGate();
      gate.refused(outOfCredit, yield* Clock.currentTimeMillis);
      const at = yield* passings(gate, 50);
      yield* pass(200_000, 1_000);
      expect(at).toEqual([60_000, 120_000, 180_000]);
      const now = yield* Clock.currentTimeMillis;
      expect(gate.hold(now)?.failure.reason).toBe("QuotaExhausted");
    }),
  );

  it.effect(
    "opens with the first accepted call, and who waited goes on at the rate, not at once",
    () =>
      Effect.gen(function* () {
        const gate = makeProviderGate({ createsPerMinute: 600, burst: 60 });
        gate.refused(outOfCredit, yield* Clock.currentTimeMillis);
        const at = yield* passings(gate, 40);
        yield* pass(61_000, 1_000);
        expect(at).toEqual([60_000]);
        gate.accepted();
        expect(gate.hold(yield* Clock.currentTimeMillis)).toBeNull();
        yield* turns;
        expect(at.length).toBeLessThanOrEqual(2);
        yield* pass(1_000, 50);
        expect(at.length).toBeGreaterThan(8);
        expect(at.length).toBeLessThanOrEqual(13);
        yield* pass(4_000, 50);
        expect(at).toHaveLength(40);
      }),
  );

  it.effect("waits out a 429 for as long as it says", () =>
    Effect.gen(function* () {
      const gate = makeProviderGate();
      gate.refused(rateLimited(7_000), yield* Clock.currentTimeMillis);
      const at = yield* passings(gate, 1);
      yield* pass(10_000, 500);
      expect(at).toEqual([7_000]);
    }),
  );

  it.effect("is not kept closed for an hour by a clock that was set back", () =>
    Effect.gen(function* () {
      const gate = makeProviderGate();
      const now = yield* Clock.currentTimeMillis;
      yield* TestClock.setTime(now + 7_200_000);
      gate.refused(rateLimited(5_000), (yield* Clock.currentTimeMillis) + 3_600_000);
      const at = yield* passings(gate, 1);
      yield* pass(6_000, 500);
      expect(at).toEqual([5_000]);
    }),
  );

  it.effect("opens the circuit after five unclear answers in a row, not after four", () =>
    Effect.gen(function* () {
      const gate = makeProviderGate();
      const now = yield* Clock.currentTimeMillis;
      for (let count = 0; count < 4; count += 1) gate.refused(unavailable(502), now);
      expect(gate.hold(now)).toBeNull();
      gate.accepted();
      for (let count = 0; count < 5; count += 1) gate.refused(unavailable(502), now);
      expect(gate.hold(now)?.until).toBe(now + 30_000);
    }),
  );
});

describe("jobs at the gate", () => {
  it.effect("a 402 holds every job, uses no attempt, and all complete once there is credit", () =>
    Effect.gen(function* () {
      let hasCredit = false;
      const fateOf = (): Fate => (hasCredit ? {} : { answer: outOfCredit });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobs = [yield* submit(process, asking(), "first")];
      yield* passUntil("held", () => entriesOf(world, jobs[0] ?? "", "AttemptHeld").length > 0);
      for (let count = 0; count < 9; count += 1)
        jobs.push(yield* submit(process, asking(), `${count}`));
      yield* pass(1_000);
      for (const jobId of jobs) {
        expect(entriesOf(world, jobId, "AttemptHeld")[0]?.failure).toMatchObject({
          reason: "QuotaExhausted",
        });
        expect(recordOf(world, jobId)?.waiting?.waitingFor).toContain("take calls again");
      }
      // Intents come after the permit: who is held has none.
      expect(provider.creates).toHaveLength(1);
      yield* pass(180_000, 1_000);
      expect(provider.creates.length).toBeLessThanOrEqual(4);
      hasCredit = true;
      for (const jobId of jobs)
        expect(yield* outcome(process, asking(), jobId)).toMatchObject({ status: "complete" });
      for (const jobId of jobs) expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
    }),
  );

  it.effect("a 429 is waited out within the attempt", () =>
    Effect.gen(function* () {
      const fateOf = (ordinal: number): Fate =>
        ordinal <= 5 ? { answer: rateLimited(7_000) } : {};
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ status: "complete" });
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
      const at = provider.creates.map((create) => create.at);
      for (const [index, time] of at.entries())
        if (index > 0) expect(time - (at[index - 1] ?? 0)).toBeGreaterThanOrEqual(7_000);
    }),
  );

  it.effect("waiting there ends with the step's time", () =>
    Effect.gen(function* () {
      const pipeline = asking({ timeout: { attempt: "60 seconds", step: "90 seconds" } });
      const provider = new FakeProvider({ fateOf: () => ({ answer: outOfCredit }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      const began = yield* Clock.currentTimeMillis;
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({
        status: "failed",
        failure: { _tag: "TimeoutFailure", awaited: "step" },
      });
      expect((yield* Clock.currentTimeMillis) - began).toBeLessThanOrEqual(91_000);
    }),
  );
});
