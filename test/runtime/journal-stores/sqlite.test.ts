import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "@effect/vitest";
import { Effect, Exit, Scope } from "effect";
import { expect } from "vitest";
import { JournalStore } from "../../../src/runtime/journal-store.ts";
import { journalStoreConformance } from "../../../src/runtime/journal-store-conformance.ts";
import { appendOf, createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const temporaryPath = Effect.map(temporaryFolder, (folder) => join(folder, "catena.db"));

const open = (path: string) => SqliteJournalStore.make({ path, synchronous: "NORMAL" });

const run = (path: string, sql: string, ...values: ReadonlyArray<string | number>) =>
  Effect.sync(() => {
    const db = new DatabaseSync(path);
    db.prepare(sql).run(...values);
    db.close();
  });

const cases = journalStoreConformance({
  name: "sqlite",
  setup: Effect.map(temporaryPath, (path) => ({
    open: open(path),
    corruptEntry: (jobId: string, seq: number) =>
      run(
        path,
        `UPDATE appends SET entries = json_set(entries, '$[' || CAST(? - seq AS INTEGER) || ']', json('{"path":1,"type":"StepFailed"}'))
         WHERE job = (SELECT ordinal FROM jobs WHERE job_id = ?) AND ? BETWEEN seq AND seq + json_array_length(entries) - 1`,
        seq,
        jobId,
        seq,
      ),
  })),
});

const locksIn = (path: string): ReadonlyArray<string> => readdirSync(`${path}-owners`);

describe("the SQLite journal store", () => {
  for (const { name, run: runCase } of cases) it.effect(name, () => runCase);

  it.effect("keeps what was committed after it was closed and opened again", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const before = yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* open(path);
          yield* store.commit([createOf("a", { epoch: 1, owner: "o" }), appendOf("a", 1)]);
          return yield* Effect.all([store.job("a"), store.entries("a")]);
        }),
      );
      expect(existsSync(`${path}-wal`)).toBe(false);
      const store = yield* open(path);
      expect(yield* Effect.all([store.job("a"), store.entries("a")])).toEqual(before);
      expect(yield* store.commit([appendOf("a", 2)])).toEqual([{ type: "Committed" }]);
    }),
  );

  it.effect("refuses an entry of a newer format, and says so", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* open(path);
      yield* store.commit([createOf("a")]);
      yield* run(path, "UPDATE appends SET v = 99");
      const failure = yield* Effect.flip(store.entries("a"));
      expect(failure.reason).toBe("Broken");
      expect(failure.message).toMatch(/entry 1 has format 99, this catena-ai reads 1 at most/);
    }),
  );

  it.effect("is provided as a layer, with the durability of FULL", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const jobs = JournalStore.use((store) =>
        Effect.andThen(store.commit([createOf("a")]), store.jobs({})),
      );
      expect(yield* Effect.provide(jobs, SqliteJournalStore.layer({ path }))).toHaveLength(1);
    }),
  );

  it.effect(
    "removes an owner's lock file once nothing of it is left, and keeps it until then",
    () =>
      Effect.gen(function* () {
        const path = yield* temporaryPath;
        const store = yield* open(path);
        const idle = yield* Scope.make();
        const busy = yield* Scope.make();
        const idleOwner = yield* Scope.provide(store.register, idle);
        const owner = yield* Scope.provide(store.register, busy);
        expect(locksIn(path)).toEqual([`${idleOwner}.lock`, `${owner}.lock`].sort());
        yield* store.commit([createOf("a", { epoch: 1, owner })]);
        yield* Scope.close(idle, Exit.void);
        yield* Scope.close(busy, Exit.void);
        expect(locksIn(path)).toEqual([`${owner}.left`, `${owner}.lock`]);
        expect(yield* store.deadOwners("me")).toEqual([owner]);
        yield* store.commit([appendOf("a", 1, { claim: { owner: "me", epoch: 2 } })]);
        expect(yield* store.deadOwners("me")).toEqual([]);
        expect(locksIn(path)).toEqual([]);
      }),
  );

  it.effect("takes an owner whose lock file is missing for dead", () =>
    Effect.gen(function* () {
      const store = yield* open(yield* temporaryPath);
      yield* store.commit([createOf("a", { epoch: 1, owner: "gone" })]);
      expect(yield* store.deadOwners("me")).toEqual(["gone"]);
    }),
  );
});
