/** Commits in a thread of their own keep every promise of the store, also where the thread or the disk does not. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit } from "effect";
import { CommitThread } from "../../../src/runtime/journal-stores/sqlite/commit-thread.ts";
import { openDatabase } from "../../../src/runtime/journal-stores/sqlite/database.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { journalStoreConformance } from "../../../src/runtime/journal-store-conformance.ts";
import { appendOf, createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import type { Write } from "../../../src/runtime/journal-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const temporaryPath = Effect.map(temporaryFolder, (folder) => join(folder, "catena.db"));
const open = (path: string) => SqliteJournalStore.make({ path, thread: "always" });

const damage = `UPDATE appends SET entries = json_set(entries, '$[' || CAST(? - seq AS INTEGER) || ']', json('{"type":"StepFailed"}'))
  WHERE job = (SELECT ordinal FROM jobs WHERE job_id = ?) AND ? BETWEEN seq AND seq + json_array_length(entries) - 1`;

const cases = journalStoreConformance({
  name: "sqlite with a thread",
  setup: Effect.map(temporaryPath, (path) => ({
    open: open(path),
    countsOwnCommits: true,
    corruptEntry: (jobId: string, seq: number) =>
      Effect.sync(() => {
        const db = new DatabaseSync(path);
        db.prepare(damage).run(seq, jobId, seq);
        db.close();
      }),
  })),
});

const databaseAt = (path: string) =>
  ({
    path,
    synchronous: "NORMAL",
    maxPages: null,
    connectionId: "here",
    threadId: "there",
  }) as const;

/** A thread over a database that this process has made, and its connection. */
const threadOver = Effect.fnUntraced(function* (path: string) {
  const connection = openDatabase(databaseAt(path));
  yield* Effect.addFinalizer(() => Effect.sync(() => connection.db.close()));
  const thread = new CommitThread(databaseAt(path));
  yield* thread.started;
  return { thread, connection };
});

describe("a thread that commits", () => {
  // A thread has to start for each of them.
  for (const { name, run } of cases) it.effect(name, () => run, 30_000);

  it.effect("answers batches in their order, and ends after the last", () =>
    Effect.gen(function* () {
      const { thread, connection } = yield* threadOver(yield* temporaryPath);
      const batches = [createOf("a", { epoch: 1, owner: "o" }), appendOf("a", 1), appendOf("a", 2)];
      const sent = Effect.forEach(batches, (write) => thread.commit([write]), {
        concurrency: "unbounded",
      });
      const results = yield* Effect.map(
        Effect.all([sent, Effect.andThen(Effect.yieldNow, thread.close)], {
          concurrency: "unbounded",
        }),
        ([answers]) => answers.flat(),
      );
      expect(results).toEqual(batches.map(() => ({ type: "Committed" })));
      expect(connection.prepare("SELECT seq FROM jobs").get()).toEqual({ seq: 3 });
      expect(thread.hasEnded).toBe(true);
    }),
  );

  it.effect("fails who comes after its end, and the store goes on without it", () =>
    Effect.gen(function* () {
      const { thread } = yield* threadOver(yield* temporaryPath);
      yield* thread.close;
      const failure = yield* Effect.flip(thread.commit([createOf("a")]));
      expect(failure.reason).toBe("Io");
      expect(failure.message).toMatch(/the thread that commits has ended/);
    }),
  );

  it.effect("has ended where it cannot open the file", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "no-such-folder", "catena.db");
      const thread = new CommitThread(databaseAt(path));
      yield* thread.started;
      expect(thread.isReady).toBe(false);
      expect((yield* Effect.flip(thread.commit([createOf("a")]))).reason).toBe("Io");
    }),
  );

  it.effect("dies of a batch that cannot be sent, and answers the next one", () =>
    Effect.gen(function* () {
      const { thread } = yield* threadOver(yield* temporaryPath);
      const create = createOf("a", { epoch: 1, owner: "o" });
      const job = Object.assign({ toString: () => "a function" }, create.job);
      const unsendable: Write = { ...create, job };
      expect(Exit.hasDies(yield* Effect.exit(thread.commit([unsendable])))).toBe(true);
      expect(yield* thread.commit([create])).toEqual([{ type: "Committed" }]);
      yield* thread.close;
    }),
  );

  it.effect("fails a batch whole when the disk is full, and works again when there is space", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* SqliteJournalStore.make({ path, maxPages: 60, thread: "always" });
      const large = {
        seq: 2,
        at: 1,
        type: "StepSucceeded",
        path: "p",
        attempt: 1,
        output: { json: "x".repeat(400_000) },
      } as const;
      yield* store.commit([createOf("a", { epoch: 1, owner: "o" })]);
      const batch = [createOf("b"), appendOf("a", 1, { entries: [large] })];
      expect((yield* Effect.flip(store.commit(batch))).reason).toBe("Full");
      expect(yield* store.entries("a")).toHaveLength(1);
      expect(yield* store.commit([createOf("b"), appendOf("a", 1)])).toEqual([
        { type: "Committed" },
        { type: "Committed" },
      ]);
    }),
  );

  it.effect("takes over by itself once many large batches have come", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* SqliteJournalStore.make({ path, thread: "auto" });
      const jobs = Array.from({ length: 10 }, (_, index) => `job-${index}`);
      yield* store.commit(jobs.map((id) => createOf(id, { epoch: 1, owner: "o" })));
      const before = yield* store.changeCount;
      // Only the commits of the thread's connection move the count: it started while this one wrote on and on.
      for (let seq = 1; (yield* store.changeCount) === before; seq += 1) {
        yield* store.commit(jobs.map((id) => appendOf(id, seq)));
        yield* Effect.yieldNow;
      }
      const [last] = yield* store.jobs({ limit: 1 });
      expect(yield* store.commit(jobs.map((id) => appendOf(id, last?.seq ?? 0)))).toEqual(
        jobs.map(() => ({ type: "Committed" })),
      );
    }),
  );
});
