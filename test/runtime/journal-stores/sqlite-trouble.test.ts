/** What can go wrong with the file: every trouble has a name, says what to do, and leaves nothing half done. */
import { chmodSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "@effect/vitest";
import { Effect, Fiber } from "effect";
import { TestClock } from "effect/testing";
import { expect } from "vitest";
import type { StoreFailure } from "../../../src/runtime/journal-store.ts";
import {
  appendOf,
  createOf,
  ownedOf,
  stepEntry,
} from "../../../src/runtime/journal-stores/conformance/samples.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import {
  networkFileSystem,
  openDatabase,
} from "../../../src/runtime/journal-stores/sqlite/database.ts";
import { schemaVersion } from "../../../src/runtime/journal-stores/sqlite/schema.ts";
import {
  connectionOver,
  type Connection,
  countCommit,
  inTransaction,
  introduce,
} from "../../../src/runtime/journal-stores/sqlite/transaction.ts";
import { applyWrites } from "../../../src/runtime/journal-stores/sqlite/writes.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const temporaryPath = Effect.map(temporaryFolder, (folder) => join(folder, "catena.db"));

const open = (path: string) => SqliteJournalStore.make({ path, synchronous: "NORMAL" });

const failureToOpen = (path: string) => Effect.flip(Effect.scoped(open(path)));

const said = (failure: StoreFailure): string => `${failure.reason}: ${failure.message}`;

/** The system lets root write whatever a file's mode says; nobody (65534) may not. */
const withoutRoot = Effect.acquireRelease(
  Effect.sync(() => {
    const user = process.geteuid?.();
    if (user === 0) process.seteuid?.(65_534);
    return user;
  }),
  (user) => Effect.sync(() => (user === 0 ? process.seteuid?.(0) : undefined)),
);

describe("a SQLite journal store in trouble", () => {
  it.effect("refuses a path in memory and points to the memory store", () =>
    Effect.gen(function* () {
      expect(said(yield* failureToOpen(":memory:"))).toMatch(/^Io: .*MemoryJournalStore/);
    }),
  );

  it.effect("tells network file systems by their statfs number", () =>
    Effect.sync(() => {
      expect(
        [0x6969, 0x517b, 0xff534d42, 0xff534d42 | 0, 0xef53, 0x65735546].map(networkFileSystem),
      ).toEqual(["NFS", "SMB", "CIFS", "CIFS", null, null]);
    }),
  );

  it.effect("refuses a folder that is not there", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      expect((yield* failureToOpen(join(path, "sub", "catena.db"))).reason).toBe("Io");
    }),
  );

  it.effect("refuses a file that is no database, and leaves it as it is", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      writeFileSync(
        path,
        "no database at all, but longer than a header of one hundred bytes".repeat(20),
      );
      expect(said(yield* failureToOpen(path))).toMatch(/^Broken: .*not a database.*Restore/);
    }),
  );

  it.effect("refuses a file of a newer version, and says which", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      yield* Effect.scoped(open(path));
      const db = new DatabaseSync(path);
      db.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
      db.close();
      expect(said(yield* failureToOpen(path))).toMatch(
        new RegExp(`^Broken: .*schema version ${schemaVersion + 1}.*knows ${schemaVersion}`),
      );
    }),
  );

  it.effect("fails as Broken where the tables are not its own", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const db = new DatabaseSync(path);
      db.exec(`CREATE TABLE jobs (other TEXT); PRAGMA user_version = ${schemaVersion}`);
      db.close();
      expect((yield* failureToOpen(path)).reason).toBe("Broken");
    }),
  );

  it.effect.skipIf(process.getuid === undefined)("refuses a file it may not write", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      yield* Effect.scoped(open(path));
      chmodSync(dirname(path), 0o777);
      chmodSync(path, 0o444);
      yield* withoutRoot;
      expect(said(yield* failureToOpen(path))).toMatch(/^ReadOnly: .*writable/);
    }),
  );

  it.effect("fails as ReadOnly where the database refuses to be written", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      yield* Effect.scoped(open(path));
      const db = new DatabaseSync(path, { readOnly: true });
      const connection = connectionOver(db, "c");
      const body = () => {
        introduce(connection);
        return { result: null, witness: () => false };
      };
      expect(() => inTransaction(connection, body)).toThrow(/readonly/);
      expect(db.isTransaction).toBe(false);
      db.close();
    }),
  );

  it.effect("fails a batch whole when the disk is full, and works again when there is space", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* SqliteJournalStore.make({ path, maxPages: 80 });
      yield* store.commit([createOf("a", { epoch: 1, owner: "o" })]);
      const large = {
        ...stepEntry(2),
        type: "StepSucceeded" as const,
        path: "p",
        attempt: 1,
        output: { json: "x".repeat(400_000) },
      };
      const batch = [createOf("b"), appendOf("a", 1, { entries: [large] }), createOf("c")];
      const failure = yield* Effect.flip(store.commit(batch));
      expect(said(failure)).toMatch(/^Full: .*Free some space/);
      expect(yield* store.jobs({})).toHaveLength(1);
      expect(yield* store.entries("a")).toHaveLength(1);
      expect(yield* store.commit([createOf("b"), appendOf("a", 1)])).toEqual([
        { type: "Committed" },
        { type: "Committed" },
      ]);
    }),
  );

  it.effect("knows nothing more of a job whose creation came to nothing", () =>
    Effect.gen(function* () {
      const store = yield* SqliteJournalStore.make({ path: yield* temporaryPath, maxPages: 80 });
      const large = { json: "x".repeat(400_000) };
      const output = { ...stepEntry(2), type: "StepSucceeded" as const, path: "p", attempt: 1 };
      const tooMuch = appendOf("a", 1, { entries: [{ ...output, output: large }] });
      yield* Effect.flip(store.commit([createOf("a", { epoch: 1, owner: "o" }), tooMuch]));
      // The next job gets the number that the first one had.
      yield* store.commit([createOf("b", { epoch: 1, owner: "o" })]);
      expect(yield* store.commit([appendOf("a", 1)])).toEqual([{ type: "Conflict", over: "Job" }]);
      expect(yield* store.commit([appendOf("b", 1)])).toEqual([{ type: "Committed" }]);
      expect(yield* store.entries("a")).toEqual([]);
      expect((yield* store.entries("b")).map(({ seq }) => seq)).toEqual([1, 2]);
    }),
  );

  it.effect("waits for a busy file with the clock given, and gives up as Busy at the limit", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* SqliteJournalStore.make({ path, busyLimit: "1 second" });
      const holder = new DatabaseSync(path);
      holder.exec("BEGIN IMMEDIATE");
      const waiting = yield* Effect.forkChild(store.commit([createOf("a")]));
      yield* TestClock.adjust("500 millis");
      holder.exec("ROLLBACK");
      yield* TestClock.adjust("100 millis");
      expect(yield* Fiber.join(waiting)).toEqual([{ type: "Committed" }]);
      holder.exec("BEGIN IMMEDIATE");
      const failing = yield* Effect.forkChild(Effect.flip(store.commit([createOf("b")])));
      yield* TestClock.adjust("2 seconds");
      expect((yield* Fiber.join(failing)).reason).toBe("Busy");
      holder.close();
      expect(yield* store.commit([createOf("b")])).toEqual([{ type: "Committed" }]);
    }),
  );

  it.effect("fails as Io once it is closed", () =>
    Effect.gen(function* () {
      const store = yield* Effect.scoped(open(yield* temporaryPath));
      expect((yield* Effect.flip(store.commit([createOf("a")]))).reason).toBe("Io");
    }),
  );

  describe("whose COMMIT answers with an error", () => {
    class LosingAnswers extends DatabaseSync {
      applies = true;
      /** What others do between the rollback and the look. */
      meanwhile: () => void = () => undefined;
      override exec(sql: string): void {
        if (sql === "COMMIT" && this.applies) super.exec(sql);
        if (sql === "COMMIT") throw new Error("the answer was lost");
        super.exec(sql);
        if (sql === "ROLLBACK") this.meanwhile();
      }
    }

    const connect = (path: string) => {
      openDatabase({
        path,
        synchronous: "FULL",
        maxPages: null,
        connectionId: "first",
        threadId: null,
      }).db.close();
      const db = new LosingAnswers(path);
      const connection = { ...connectionOver(db, "lossy"), db };
      introduce(connection);
      return connection;
    };
    const mark = (connection: Connection) => () => {
      const { changes } = connection
        .prepare("INSERT INTO connections (id, commits) VALUES ('mark', 0)")
        .run();
      return { result: changes, witness: countCommit(connection) };
    };

    it.effect("answers as committed where looking shows that it was", () =>
      Effect.gen(function* () {
        const connection = connect(yield* temporaryPath);
        expect(inTransaction(connection, mark(connection))).toBe(1);
        connection.db.close();
      }),
    );

    it.effect("knows a batch by its last entry", () =>
      Effect.gen(function* () {
        const connection = connect(yield* temporaryPath);
        const creating = (jobId: string) => () => applyWrites(connection, [createOf(jobId)]);
        expect(inTransaction(connection, creating("a"))).toEqual([{ type: "Committed" }]);
        connection.db.applies = false;
        expect(() => inTransaction(connection, creating("b"))).toThrow("the answer was lost");
        connection.db.close();
      }),
    );

    it.effect("does not take for its own what another appended in its place", () =>
      Effect.gen(function* () {
        const path = yield* temporaryPath;
        const connection = connect(path);
        const other = connectionOver(new DatabaseSync(path), "other");
        inTransaction(connection, () => applyWrites(connection, [ownedOf("a")]));
        connection.db.applies = false;
        connection.db.meanwhile = () => {
          const takeover = appendOf("a", 1, {
            entries: [{ type: "Claimed", owner: "p", epoch: 2, isTakeover: true, seq: 2, at: 1 }],
            claim: { owner: "p", epoch: 2 },
          });
          const results = inTransaction(other, () => applyWrites(other, [takeover]));
          expect(results).toEqual([{ type: "Committed" }]);
        };
        const appending = () => applyWrites(connection, [appendOf("a", 1)]);
        expect(() => inTransaction(connection, appending)).toThrow("the answer was lost");
        for (const { db } of [connection, other]) db.close();
      }),
    );

    it.effect("fails where looking shows that it was not, and left nothing", () =>
      Effect.gen(function* () {
        const connection = connect(yield* temporaryPath);
        connection.db.applies = false;
        expect(() => inTransaction(connection, mark(connection))).toThrow("the answer was lost");
        expect(connection.db.isTransaction).toBe(false);
        expect(
          connection.prepare("SELECT count(*) AS n FROM connections WHERE id = 'mark'").get(),
        ).toEqual({ n: 0 });
        connection.db.close();
      }),
    );

    it.effect("fails as well where a thousand younger connections have driven out its row", () =>
      Effect.gen(function* () {
        const connection = connect(yield* temporaryPath);
        connection.db.exec("BEGIN");
        for (let younger = 0; younger <= 1_000; younger += 1)
          introduce({ ...connection, id: `younger ${younger}` });
        connection.db.exec("END");
        const counting = () => ({ result: null, witness: countCommit(connection) });
        connection.db.applies = false;
        expect(() => inTransaction(connection, counting)).toThrow("the answer was lost");
        connection.db.applies = true;
        expect(inTransaction(connection, counting)).toBe(null);
        connection.db.close();
      }),
    );
  });
});
