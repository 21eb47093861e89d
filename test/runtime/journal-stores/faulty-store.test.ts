import { describe, it } from "@effect/vitest";
import { Effect, Fiber } from "effect";
import { expect } from "vitest";
import { createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import { MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";
import { faultyStore } from "./faulty-store.ts";

describe("a faulty store", () => {
  it.effect("fails a commit by plan and commits nothing of it", () =>
    Effect.gen(function* () {
      const store = faultyStore(MemoryJournalStore.make(), (commit) =>
        commit === 1 ? { type: "Fail", reason: "Full" } : null,
      );
      expect((yield* Effect.flip(store.commit([createOf("a")]))).reason).toBe("Full");
      expect(yield* store.jobs({})).toEqual([]);
      expect(yield* store.commit([createOf("a")])).toEqual([{ type: "Committed" }]);
    }),
  );

  it.effect("commits and loses the answer by plan", () =>
    Effect.gen(function* () {
      const store = faultyStore(MemoryJournalStore.make(), () => ({ type: "LoseAnswer" }));
      const waiting = yield* Effect.forkChild(store.commit([createOf("a")]), {
        startImmediately: true,
      });
      expect(waiting.pollUnsafe()).toBeUndefined();
      expect(yield* store.jobs({})).toHaveLength(1);
      yield* Fiber.interrupt(waiting);
    }),
  );
});
