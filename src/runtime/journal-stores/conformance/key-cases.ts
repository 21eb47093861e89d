/** Guarantees about idempotency keys: one job of a pipeline has one, and is found by it. */
import { Effect, Option } from "effect";
import { commitAll, expectEqual, expectResults } from "./case.ts";
import type { CaseBody } from "./case.ts";
import { createOf, recordOf } from "./samples.ts";

export const keyCases: ReadonlyArray<CaseBody> = [
  {
    name: "an idempotency key makes one job of a pipeline, within a batch and after it",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const keyed = (jobId: string) => createOf(jobId, { idempotencyKey: "order-17" });
      yield* expectResults(store, [keyed("a"), keyed("b")], ["Committed", "Duplicate of a"]);
      yield* expectResults(store, [keyed("c")], ["Duplicate of a"]);
      const other = createOf("d", {
        idempotencyKey: "order-17",
        record: recordOf("d", { pipeline: "other" }),
      });
      yield* expectResults(store, [other], ["Committed"]);
      yield* expectEqual("the duplicate's entries", yield* store.entries("b"), []);
      const holder = (pipeline: string, key: string) =>
        Effect.map(
          store.jobWithKey(pipeline, key),
          Option.map(({ record }) => record.jobId),
        );
      yield* expectEqual(
        "who has it",
        yield* holder(other.job.record.pipeline, "order-17"),
        Option.some("d"),
      );
      yield* expectEqual("another key", yield* holder("other", "order-18"), Option.none());
      yield* expectResults(store, [createOf("a")], ["Conflict over Job"]);
    }),
  },
  {
    name: "a job that rests gives up its key to a new one only when it was last changed before the given instant",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const idempotencyKey = "order-17";
      const done = recordOf("a", { status: "complete" });
      yield* commitAll(store, createOf("a", { idempotencyKey, record: done }));
      const { updatedAt } = done;
      const early = { ...createOf("b", { idempotencyKey }), keysFreeBefore: updatedAt };
      yield* expectResults(store, [early], ["Duplicate of a"]);
      yield* expectResults(
        store,
        [
          { ...early, keysFreeBefore: updatedAt + 1 },
          { ...createOf("c", { idempotencyKey }), keysFreeBefore: updatedAt + 1 },
        ],
        ["Committed", "Duplicate of b"],
      );
      yield* expectEqual(
        "the first job",
        Option.map(yield* store.job("a"), (job) => job.idempotencyKey),
        Option.some(null),
      );
    }),
  },
];
