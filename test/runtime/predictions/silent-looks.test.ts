/** Predictions that nobody can look at any more: what they hold is given back, and what is booked of them in the end. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { TestClock } from "effect/testing";
import { Retry } from "../../../src/index.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import {
  asking,
  makeWorld,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
} from "../support/ledger-harness.ts";

const dayMs = 86_400_000;
const limits = { fake: { concurrency: 1 } };
const once = asking({ retry: Retry.none });
const stubborn = { runMs: Infinity, ignoresCancel: true, ignoresDeadline: true };

/** A process whose only slot is taken by a prediction that was accepted. */
const taken = Effect.gen(function* () {
  const provider = new FakeProvider({ fateOf: (ordinal) => (ordinal === 1 ? stubborn : {}) });
  const world = yield* makeWorld(provider);
  const process = yield* processIn(world, [once], { limits });
  const first = yield* submit(process, once, "first");
  yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
  return { provider, world, process, first };
});

describe("a prediction that nobody can look at", () => {
  it.effect("gives its place to others once its own deadline is well over", () =>
    Effect.gen(function* () {
      const { provider, world, process, first } = yield* taken;
      provider.isGetBroken = true;
      const second = yield* submit(process, once, "second");
      yield* passUntil("given up", () => recordOf(world, first)?.status === "failed");
      yield* pass(10_000, 1_000);
      expect(provider.creates).toHaveLength(1);
      yield* passUntil("passed", () => provider.creates.length === 2, 120_000);
      provider.isGetBroken = false;
      yield* passUntil("done", () => recordOf(world, second)?.status === "complete");
      // Seen again it is open still, and counts.
      yield* pass(300_000, 5_000);
      const third = yield* submit(process, once, "third");
      yield* pass(600_000, 5_000);
      expect(recordOf(world, third)?.waiting?.waitingFor).toContain("room under the limit of 1");
    }),
  );

  it.effect("keeps its place as long as looks show it open", () =>
    Effect.gen(function* () {
      const { provider, process } = yield* taken;
      yield* submit(process, once, "second");
      yield* pass(600_000, 5_000);
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("is looked at ever more rarely, and booked as unknown after a week", () =>
    Effect.gen(function* () {
      const { provider, world, process, first } = yield* taken;
      let gets = 0;
      yield* process.stop;
      provider.isGetBroken = true;
      const { client } = provider;
      const get: typeof client.get = (id) => {
        gets += 1;
        return client.get(id);
      };
      const models = { ...client, get };
      const calm = { lookEvery: "1 hour", recoverEvery: "1 day", alerts: false } as const;
      const next = yield* processIn(world, [once], { limits, models, ...calm });
      yield* passUntil("given up", () => recordOf(world, first)?.status === "failed");
      yield* pass(6.9 * dayMs, 3_600_000);
      expect(rowsOf(world)[0]?.state).toBe("accepted");
      expect(gets).toBeLessThan(3_000);
      expect(String(yield* Effect.flip(next.catena.erase(first)))).toContain("still open");
      yield* pass(0.2 * dayMs, 3_600_000);
      expect(rowsOf(world)[0]).toMatchObject({
        state: "settled",
        status: "failed",
        receipt: { costMicros: 0, isUnmeasured: true },
      });
      yield* next.catena.erase(first);
    }),
  );

  it.effect("is not given up by who has just come, however long it was away", () =>
    Effect.gen(function* () {
      const { provider, world, process } = yield* taken;
      yield* process.stop;
      yield* Effect.flatMap(Clock.currentTimeMillis, (now) => TestClock.setTime(now + 9 * dayMs));
      provider.isGetBroken = true;
      yield* processIn(world, [once], { limits });
      yield* pass(1_800_000, 5_000);
      expect(rowsOf(world)[0]?.state).toBe("accepted");
      provider.isGetBroken = false;
      yield* pass(600_000, 5_000);
      expect(rowsOf(world)[0]?.state).toBe("accepted");
    }),
  );
});
