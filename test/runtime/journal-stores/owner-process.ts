/** A process that becomes an owner with one job, says its id, and then only lives. Argument: the file. */
import { Effect } from "effect";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";

const path = process.argv[2] ?? "";

const program = Effect.gen(function* () {
  const store = yield* SqliteJournalStore.make({ path });
  const owner = yield* store.register;
  yield* store.commit([createOf("a", { epoch: 1, owner })]);
  console.log(owner);
  return yield* Effect.never;
});

// Never settles by itself; the timer keeps the process alive until it is killed.
setInterval(() => {}, 60_000);
await Effect.runPromise(Effect.scoped(program));
