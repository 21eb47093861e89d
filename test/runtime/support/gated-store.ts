/** A journal store whose commits can be held back, so that a test can look at what happens before them. */
import { Effect, Latch } from "effect";
import type { JournalStore, Write, WriteResult } from "../../../src/runtime/journal-store.ts";

export interface Gate {
  /** Every commit that came, in order, with what the store answered once it did. */
  readonly commits: Array<{
    readonly writes: ReadonlyArray<Write>;
    results?: ReadonlyArray<WriteResult>;
  }>;
  /** How many commits wait at the gate. */
  readonly waiting: () => number;
  /** From now on, commits that this holds for wait until `open`. */
  readonly hold: (isHeld: (writes: ReadonlyArray<Write>) => boolean) => void;
  readonly open: () => void;
  readonly wrap: (store: JournalStore["Service"]) => JournalStore["Service"];
}

export const makeGate = (): Gate => {
  const latch = Latch.makeUnsafe(true);
  const commits: Gate["commits"] = [];
  let isHeld: (writes: ReadonlyArray<Write>) => boolean = () => false;
  let waiting = 0;
  const pass = (writes: ReadonlyArray<Write>) =>
    Effect.suspend(() => {
      if (!isHeld(writes)) return Effect.void;
      waiting += 1;
      return Effect.ensuring(
        latch.await,
        Effect.sync(() => {
          waiting -= 1;
        }),
      );
    });
  return {
    commits,
    waiting: () => waiting,
    hold: (claim) => {
      isHeld = claim;
      latch.closeUnsafe();
    },
    open: () => {
      isHeld = () => false;
      latch.openUnsafe();
    },
    wrap: (store) => ({
      ...store,
      commit: (writes) =>
        Effect.gen(function* () {
          const commit: Gate["commits"][number] = { writes };
          commits.push(commit);
          yield* pass(writes);
          commit.results = yield* store.commit(writes);
          return commit.results;
        }),
    }),
  };
};

/** The types of the entries that a batch appends or creates. */
export const entryTypes = (writes: ReadonlyArray<Write>): ReadonlyArray<string> =>
  writes.flatMap((write) => ("entries" in write ? write.entries.map(({ type }) => type) : []));

export const holds =
  (type: string) =>
  (writes: ReadonlyArray<Write>): boolean =>
    entryTypes(writes).includes(type);
