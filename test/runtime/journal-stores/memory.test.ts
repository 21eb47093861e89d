import { describe, it } from "@effect/vitest";
import { Effect } from "effect";
import { expect } from "vitest";
import { JournalStore } from "../../../src/runtime/journal-store.ts";
import { journalStoreConformance } from "../../../src/runtime/journal-store-conformance.ts";
import { createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import { MemoryJournals, MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";

const cases = journalStoreConformance({
  name: "memory",
  setup: Effect.sync(() => {
    const journals = new MemoryJournals();
    return { open: Effect.sync(() => MemoryJournalStore.make(journals)), corruptEntry: null };
  }),
});

describe("the memory journal store", () => {
  for (const { name, run } of cases) it.effect(name, () => run);

  it.effect("takes a killed owner for dead though its scope lives", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const store = MemoryJournalStore.make(journals);
      const owner = yield* store.register;
      yield* store.commit([createOf("a", { epoch: 1, owner })]);
      expect(yield* store.deadOwners("other")).toEqual([]);
      journals.kill(owner);
      expect(yield* store.deadOwners("other")).toEqual([owner]);
    }),
  );

  it.effect("is provided as a layer with journals of its own", () =>
    Effect.gen(function* () {
      const store = yield* JournalStore;
      yield* store.commit([createOf("a")]);
      expect(yield* store.jobs({})).toHaveLength(1);
    }).pipe(Effect.provide(MemoryJournalStore.layer())),
  );
});
