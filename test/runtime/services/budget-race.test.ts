/** A budget that others use up between a job's look and its intent, and what stays reserved while nobody knows. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import type { JournalStore } from "../../../src/runtime/journal-store.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import {
  asking,
  entriesOf,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
} from "../support/ledger-harness.ts";

/** An attempt of a minute at the fake provider's price. */
const callUsd = 0.06;

/** As somebody sees it who looks just before all the others reserve. */
const blind = (store: JournalStore["Service"]): JournalStore["Service"] => {
  const nothing = { reservedMicros: 0, spentMicros: 0 };
  return {
    ...store,
    spendingOf: () => Effect.succeed({ job: nothing, tenant: null, day: nothing }),
  };
};

describe("a budget that is used up in the moment between", () => {
  it.effect(
    "is refused with the intent: nothing is sent, the permit goes back, retry goes on",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({ fateOf: () => ({ runMs: 20_000 }) });
        const world = yield* makeWorld(provider);
        const options = { budgets: { perDayUsd: callUsd }, limits: { fake: { concurrency: 2 } } };
        const process = yield* processIn(world, [asking()], options, blind);
        const first = yield* submit(process, asking(), "first");
        yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
        const second = yield* submit(process, asking(), "second");
        expect(yield* outcome(process, asking(), second)).toMatchObject({
          status: "failed",
          failure: { rule: "budget", categories: ["day"], scores: { reservedMicros: 60_000 } },
        });
        expect(provider.creates).toHaveLength(1);
        expect(entriesOf(world, second, "PredictionIntended")).toHaveLength(0);
        expect(yield* process.catena.engine.providers.limits).toMatchObject([{ open: 1 }]);
        // The first ended for a third of what was reserved, which is still too much for another.
        expect(yield* outcome(process, asking(), first)).toMatchObject({ status: "complete" });
        const [use] = yield* process.catena.budgets;
        expect(use).toMatchObject({ reservedMicros: 0, spentMicros: 20_000, limitMicros: 60_000 });
        yield* process.catena.tell(second, { type: "RetryRequested", by: "test", isFresh: false });
        yield* passUntil("failed again", () => entriesOf(world, second, "StepFailed").length === 2);
        // Another day has its own money.
        yield* pass(86_400_000 - ((yield* Clock.currentTimeMillis) % 86_400_000), 600_000);
        yield* process.catena.tell(second, { type: "RetryRequested", by: "test", isFresh: false });
        expect(yield* outcome(process, asking(), second)).toMatchObject({ status: "complete" });
      }),
  );

  it.effect("does not take with it what else came in the same turn", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [asking()], { budgets: { perDayUsd: 0 } }, blind);
      const jobs: Array<string> = [];
      for (let count = 0; count < 8; count += 1) {
        const jobId = yield* submit(process, asking(), `${count}`);
        jobs.push(jobId);
        yield* process.catena.tell(jobId, { type: "CancelRequested", by: "test" });
      }
      yield* passUntil("at rest", () =>
        jobs.every((jobId) => {
          const { status } = recordOf(world, jobId) ?? {};
          return status === "cancelled" || status === "failed";
        }),
      );
      yield* pass(1_000);
      // A cancel that came is never lost: a failed job that is asked to end has ended.
      for (const jobId of jobs) expect(recordOf(world, jobId)?.status).toBe("cancelled");
      expect(rowsOf(world)).toEqual([]);
    }),
  );
});

describe("what nobody has seen the end of", () => {
  it.effect("stays reserved over a crash until it is known, and is counted once then", () =>
    Effect.gen(function* () {
      const fateOf = (): Fate => ({ answer: "lost", runMs: 5_000 });
      const world = yield* makeWorld(new FakeProvider({ fateOf }));
      const budgets = { perDayUsd: callUsd };
      const first = yield* processIn(world, [asking()], { budgets });
      const jobId = yield* submit(first, asking(), "tea");
      yield* passUntil("unknown", () => rowsOf(world)[0]?.state === "unknown");
      yield* first.kill;
      const second = yield* processIn(world, [asking()], { budgets });
      const reserved = { reservedMicros: 60_000, spentMicros: 0, usedPart: 1 };
      expect((yield* second.catena.budgets)[0]).toMatchObject(reserved);
      expect(yield* outcome(second, asking(), jobId)).toMatchObject({ status: "complete" });
      const spent = { reservedMicros: 0, spentMicros: 5_000 };
      expect((yield* second.catena.budgets)[0]).toMatchObject(spent);
    }),
  );

  it.effect("stays reserved where it was given up as unconfirmed, until its receipt is there", () =>
    Effect.gen(function* () {
      const fateOf = (ordinal: number): Fate =>
        ordinal === 1 ? { ignoresCancel: true, ignoresDeadline: true, runMs: 200_000 } : {};
      const world = yield* makeWorld(new FakeProvider({ fateOf }));
      const process = yield* processIn(world, [asking()], { budgets: { perDayUsd: 1 } });
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ status: "complete" });
      expect((yield* process.catena.budgets)[0]).toMatchObject({
        reservedMicros: 60_000,
        spentMicros: 1_000,
      });
      yield* pass(200_000, 5_000);
      // More than was reserved, as the provider did not keep its own deadline: booked all the same.
      expect((yield* process.catena.budgets)[0]).toMatchObject({
        reservedMicros: 0,
        spentMicros: 201_000,
      });
    }),
  );
});
