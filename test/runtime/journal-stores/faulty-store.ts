/**
 * A journal store whose commits fail by plan, for tests of whatever stands above the port. `Fail` commits
 * nothing; `LoseAnswer` commits and then never returns, as a process does that dies in that moment.
 */
import { Effect } from "effect";
import { StoreFailure } from "../../../src/runtime/journal-store.ts";
import type { JournalStore, Write } from "../../../src/runtime/journal-store.ts";

export type Fault =
  | { readonly type: "Fail"; readonly reason: StoreFailure["reason"] }
  | { readonly type: "LoseAnswer" };

/** The fault for this commit, or null for none; `commit` counts from 1. */
export type FaultPlan = (commit: number, writes: ReadonlyArray<Write>) => Fault | null;

export const faultyStore = (
  store: JournalStore["Service"],
  plan: FaultPlan,
): JournalStore["Service"] => {
  let commits = 0;
  return {
    ...store,
    commit: (writes) =>
      Effect.suspend(() => {
        commits += 1;
        const fault = plan(commits, writes);
        if (fault === null) return store.commit(writes);
        if (fault.type === "LoseAnswer") return Effect.andThen(store.commit(writes), Effect.never);
        const cause = new Error("planned by the test");
        return Effect.fail(new StoreFailure({ operation: "commit", reason: fault.reason, cause }));
      }),
  };
};
