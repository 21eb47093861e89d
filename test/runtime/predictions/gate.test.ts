/** The gate: who may call a provider, and when, after it said that it wants patience or money. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect, Fiber } from "effect";
import type { RuntimeOptions } from "../../../src/index.ts";
import {
  makeProviderGate,
  type ProviderGate,
} from "../../../src/runtime/predictions/provider-gate.ts";
import type { ProviderFailure } from "../../../src/steps/failure.ts";
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
  shifted,
  submit,
} from "../support/ledger-harness.ts";
import { badRequest, outOfCredit, rateLimited, unavailable } from "../support/provider-failures.ts";

type Limits = NonNullable<RuntimeOptions["limits"]>[string];

/** A gate that has accepted a first call already, unless it is told otherwise. */
const gateOf = Effect.fnUntraced(function* (
  rate: { readonly createsPerMinute: number; readonly burst: number } = {
    createsPerMinute: 600,
    burst: 60,
  },
  limits: Limits = {},
) {
  const gate = yield* makeProviderGate("fake", rate, limits);
  yield* gate.pass({ key: "first", model: "a/first" });
  yield* gate.accepted("first");
  yield* gate.withdraw("first");
  return gate;
});

interface Passing {
  readonly key: string;
  /** In ms from when it was asked for. */
  readonly at: number;
}

let keys = 0;

/** When each of `count` calls passes, while the clock runs on. */
const passings = Effect.fnUntraced(function* (gate: ProviderGate, count: number, model = "a/b") {
  const start = yield* Clock.currentTimeMillis;
  const passed: Array<Passing> = [];
  for (let index = 0; index < count; index += 1) {
    const key = `k${(keys += 1)}`;
    yield* Effect.forkChild(
      Effect.andThen(
        gate.pass({ key, model }),
        Effect.map(Clock.currentTimeMillis, (now) => passed.push({ key, at: now - start })),
      ),
    );
  }
  yield* turns;
  return passed;
});

const timesOf = (passed: ReadonlyArray<Passing>): ReadonlyArray<number> =>
  passed.map(({ at }) => at);

/** One call that passes at once and is refused so. */
const refuse = Effect.fnUntraced(function* (gate: ProviderGate, failure: ProviderFailure) {
  const [call] = yield* passings(gate, 1);
  const key = call?.key ?? "none passed";
  yield* gate.refused(key, failure);
  yield* gate.leave(key);
});

const lowered = Effect.fnUntraced(function* (gate: ProviderGate) {
  const [all] = yield* gate.use;
  return all?.createsPerMinute;
});

describe("the gate", () => {
  it.effect("lets a burst pass, then keeps the rate", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf({ createsPerMinute: 60, burst: 3 });
      const passed = yield* passings(gate, 6);
      expect(timesOf(passed)).toEqual([0, 0, 0]);
      yield* pass(3_000, 100);
      expect(timesOf(passed)).toEqual([0, 0, 0, 1_000, 2_000, 3_000]);
    }),
  );

  it.effect("lets calls pass one after another until a first one is accepted", () =>
    Effect.gen(function* () {
      const gate = yield* makeProviderGate("fake");
      const passed = yield* passings(gate, 20);
      yield* pass(1_000);
      expect(passed).toHaveLength(1);
      yield* gate.refused(passed[0]?.key ?? "", badRequest);
      expect(passed).toHaveLength(2);
      // One that nobody answers keeps the others waiting for a while, not for ever.
      yield* pass(5_000);
      expect(timesOf(passed)).toEqual([0, 1_000, 6_000]);
      yield* gate.accepted(passed[2]?.key ?? "");
      yield* turns;
      expect(passed).toHaveLength(20);
    }),
  );

  it.effect("after a 402 lets one probe pass a minute, and says until when it is closed", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      yield* refuse(gate, outOfCredit);
      const passed = yield* passings(gate, 50);
      yield* pass(200_000, 1_000);
      expect(timesOf(passed)).toEqual([60_000, 120_000, 180_000]);
      expect((yield* gate.hold("a/b"))?.failure.reason).toBe("QuotaExhausted");
    }),
  );

  it.effect("lets another probe pass at once where one was never sent", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      yield* refuse(gate, outOfCredit);
      const passed = yield* passings(gate, 3);
      yield* pass(60_000, 1_000);
      expect(timesOf(passed)).toEqual([60_000]);
      yield* gate.withdraw(passed[0]?.key ?? "");
      yield* turns;
      expect(timesOf(passed)).toEqual([60_000, 60_000]);
    }),
  );

  it.effect(
    "opens with the first accepted call, and who waited goes on at the rate, not at once",
    () =>
      Effect.gen(function* () {
        const gate = yield* gateOf();
        yield* refuse(gate, outOfCredit);
        const passed = yield* passings(gate, 40);
        yield* pass(61_000, 1_000);
        expect(timesOf(passed)).toEqual([60_000]);
        yield* gate.accepted(passed[0]?.key ?? "");
        expect(yield* gate.hold("a/b")).toBeNull();
        yield* turns;
        expect(passed.length).toBeLessThanOrEqual(2);
        yield* pass(1_000, 50);
        expect(passed.length).toBeGreaterThan(8);
        expect(passed.length).toBeLessThanOrEqual(13);
        yield* pass(4_000, 50);
        expect(passed).toHaveLength(40);
      }),
  );

  it.effect("is not opened by the answer of a call that had passed before it closed", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      const [early] = yield* passings(gate, 1);
      yield* pass(10);
      yield* refuse(gate, rateLimited(7_000));
      yield* gate.accepted(early?.key ?? "");
      const passed = yield* passings(gate, 1);
      yield* pass(10_000, 500);
      expect(timesOf(passed)).toEqual([7_000]);
    }),
  );

  it.effect("waits out a 429 for as long as it says, and ever longer where it says nothing", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      yield* refuse(gate, rateLimited(7_000));
      const patient = yield* passings(gate, 1);
      yield* pass(10_000, 500);
      expect(timesOf(patient)).toEqual([7_000]);
      yield* gate.accepted(patient[0]?.key ?? "");
      yield* pass(10_000, 500);
      let [probe] = yield* passings(gate, 1);
      for (const expected of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
        yield* gate.refused(probe?.key ?? "", rateLimited());
        yield* gate.leave(probe?.key ?? "");
        const passed = yield* passings(gate, 1);
        yield* pass(expected, 500);
        expect(timesOf(passed)).toEqual([expected]);
        [probe] = passed;
      }
    }),
  );

  it.effect("is not kept closed by a clock that was set back", () =>
    Effect.gen(function* () {
      let byMs = 0;
      const clock = shifted(yield* Clock.Clock, () => byMs);
      const gate = yield* Effect.provideService(gateOf(), Clock.Clock, clock);
      const [call] = yield* passings(gate, 1);
      const told = gate.refused(call?.key ?? "", rateLimited(5_000));
      yield* Effect.provideService(told, Clock.Clock, clock);
      byMs = -3_600_000;
      const passed = yield* passings(gate, 1);
      yield* pass(6_000, 500);
      expect(timesOf(passed)).toEqual([5_000]);
    }),
  );

  it.effect("opens the circuit after five unclear answers in a row, not after four", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      const now = yield* Clock.currentTimeMillis;
      for (let count = 0; count < 4; count += 1) yield* refuse(gate, unavailable(502));
      expect(yield* gate.hold("a/b")).toBeNull();
      const [accepted] = yield* passings(gate, 1);
      yield* gate.accepted(accepted?.key ?? "");
      for (let count = 0; count < 5; count += 1) yield* refuse(gate, unavailable(502));
      expect((yield* gate.hold("a/b"))?.until).toBe(now + 30_000);
    }),
  );

  it.effect("forgets who stops waiting, and gives back what a withdrawn call had taken", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf({ createsPerMinute: 1, burst: 1 }, { concurrency: 1 });
      const [first] = yield* passings(gate, 1);
      const gone = yield* Effect.forkChild(gate.pass({ key: "gone", model: "a/b" }));
      yield* turns;
      yield* Fiber.interrupt(gone);
      const next = yield* passings(gate, 1);
      yield* gate.withdraw(first?.key ?? "");
      yield* gate.withdraw(first?.key ?? "");
      yield* turns;
      expect(timesOf(next)).toEqual([0]);
      expect(yield* gate.use).toMatchObject([{ open: 1, waiting: 0 }]);
    }),
  );
});

describe("a rate that was throttled", () => {
  it.effect("is halved once for a burst, however many calls of it are refused", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      const burst = yield* passings(gate, 30);
      yield* pass(200);
      for (const { key } of burst) yield* gate.refused(key, rateLimited(1_000));
      expect(yield* lowered(gate)).toBe(300);
      yield* pass(1_000);
      yield* refuse(gate, rateLimited(1_000));
      expect(yield* lowered(gate)).toBe(150);
    }),
  );

  it.effect("is kept, rises slowly with what is accepted, and never above what was set", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf({ createsPerMinute: 60, burst: 6 });
      yield* refuse(gate, rateLimited(1_000));
      yield* pass(1_000);
      const passed = yield* passings(gate, 2_000);
      const answered = new Set<string>();
      const accept = Effect.gen(function* () {
        for (const { key } of passed)
          if (!answered.has(key)) {
            answered.add(key);
            yield* gate.accepted(key);
            yield* gate.leave(key);
          }
      });
      for (let second = 0; second < 60; second += 1) {
        yield* pass(1_000, 500);
        yield* accept;
      }
      // Half of sixty, and what a minute adds to it.
      expect(passed.length).toBeGreaterThanOrEqual(29);
      expect(passed.length).toBeLessThanOrEqual(36);
      for (let second = 0; second < 900; second += 1) {
        yield* pass(1_000, 1_000);
        yield* accept;
      }
      expect(yield* lowered(gate)).toBe(60);
      const before = passed.length;
      yield* pass(60_000, 1_000);
      expect(passed.length - before).toBeLessThanOrEqual(61);
    }),
  );

  it.effect("never falls so low that nobody could find out that it is over", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf();
      for (let count = 0; count < 12; count += 1) {
        yield* refuse(gate, rateLimited(1_000));
        yield* pass(61_000, 1_000);
      }
      expect(yield* lowered(gate)).toBe(1);
    }),
  );
});

describe("limits of a model", () => {
  it.effect("bound how many of its predictions are open, and let the others pass meanwhile", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf(undefined, { models: { "a/slow": { concurrency: 2 } } });
      const slow = yield* passings(gate, 5, "a/slow:v1");
      const other = yield* passings(gate, 5, "a/fast");
      expect([slow.length, other.length]).toEqual([2, 5]);
      yield* gate.leave(slow[0]?.key ?? "");
      yield* gate.leave(slow[0]?.key ?? "");
      yield* turns;
      expect(slow).toHaveLength(3);
      expect(yield* gate.use).toMatchObject([
        { model: null, open: 7, waiting: 2, concurrency: null },
        { model: "a/slow", open: 2, waiting: 2, concurrency: 2 },
      ]);
    }),
  );

  it.effect("count what an earlier process has left open", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf(undefined, { models: { "a/slow": { concurrency: 2 } } });
      for (const key of ["left 1", "left 2", "left 3"])
        yield* gate.occupy({ key, model: "a/slow" });
      const slow = yield* passings(gate, 1, "a/slow");
      for (const key of ["left 1", "left 2"]) {
        expect(slow).toHaveLength(0);
        yield* gate.leave(key);
        yield* turns;
      }
      expect(slow).toHaveLength(1);
    }),
  );

  it.effect("keep its rate, within its provider's; and models take turns at what all share", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf(
        { createsPerMinute: 60, burst: 1 },
        { models: { "a/rare": { createsPerMinute: 6, burst: 1 } } },
      );
      const many = yield* passings(gate, 50, "a/many");
      const rare = yield* passings(gate, 5, "a/rare");
      const few = yield* passings(gate, 2, "a/few");
      yield* pass(21_000, 500);
      expect(timesOf(few).every((at) => at <= 5_000)).toBe(true);
      expect(few).toHaveLength(2);
      expect(rare.length).toBeGreaterThanOrEqual(2);
      expect(rare.length).toBeLessThanOrEqual(3);
      // Nothing of the provider's rate was lost while the rare model waited for its own.
      expect(many.length + rare.length + few.length).toBe(22);
    }),
  );

  it.effect("are lowered for the model alone that was throttled", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf(undefined, { models: { "a/slow": { createsPerMinute: 100 } } });
      const [slow] = yield* passings(gate, 1, "a/slow");
      yield* gate.refused(slow?.key ?? "", rateLimited(9_000));
      expect(yield* gate.use).toMatchObject([
        { model: null, createsPerMinute: 600, closedFor: null },
        {
          model: "a/slow",
          createsPerMinute: 50,
          setCreatesPerMinute: 100,
          closedFor: "RateLimited",
        },
      ]);
      expect(yield* gate.hold("a/fast")).toBeNull();
      expect((yield* gate.hold("a/slow"))?.failure.reason).toBe("RateLimited");
      expect(yield* passings(gate, 3, "a/fast")).toHaveLength(3);
      expect(yield* passings(gate, 1, "a/slow")).toHaveLength(0);
    }),
  );

  it.effect("are taken up again with any answer but another 429", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf(undefined, { models: { "a/slow": { createsPerMinute: 100 } } });
      for (const answer of [badRequest, null]) {
        const [slow] = yield* passings(gate, 1, "a/slow");
        yield* gate.refused(slow?.key ?? "", rateLimited(9_000));
        const waiting = yield* passings(gate, 2, "a/slow");
        yield* pass(9_000);
        expect(waiting).toHaveLength(1);
        const { key = "" } = waiting[0] ?? {};
        yield* answer === null ? gate.accepted(key) : gate.refused(key, answer);
        yield* pass(2_500);
        expect(waiting).toHaveLength(2);
        yield* pass(60_000, 5_000);
      }
    }),
  );

  it.effect("are named to who waits for them", () =>
    Effect.gen(function* () {
      const gate = yield* gateOf(
        { createsPerMinute: 6, burst: 2 },
        { models: { "a/slow": { concurrency: 1 } } },
      );
      yield* passings(gate, 1, "a/slow");
      const waits = Effect.fnUntraced(function* (model: string) {
        const key = `waiting ${model}`;
        yield* Effect.forkChild(gate.pass({ key, model }));
        yield* turns;
        return (yield* gate.blockOf(key))?.limit;
      });
      expect(yield* waits("a/slow")).toBe("1 open predictions of a/slow");
      yield* passings(gate, 1);
      expect(yield* waits("a/b")).toBe("6 creates a minute of fake");
      expect(yield* gate.blockOf("nobody")).toBeNull();
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
