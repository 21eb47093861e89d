/** A process that commits more than a log is left alone with, and says how much is there. Argument: the file. */
import { Effect } from "effect";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { appendOf, createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";

const path = process.argv[2] ?? "";

const program = Effect.gen(function* () {
  const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
  yield* store.commit([createOf("a", { epoch: 1, owner: "o" })]);
  for (let seq = 1; seq <= 600; seq += 1) yield* store.commit([appendOf("a", seq)]);
  console.log((yield* store.entries("a")).length);
});

await Effect.runPromise(Effect.scoped(program));
