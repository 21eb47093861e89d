/** The log is moved into the file beside the commits, and whatever becomes of that, nothing of it is lost. */
import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { Checkpoints } from "../../../src/runtime/journal-stores/sqlite/checkpoints.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { appendOf, createOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import type { JournalStore } from "../../../src/runtime/journal-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const temporaryPath = Effect.map(temporaryFolder, (folder) => join(folder, "catena.db"));

/** More commits than a log is left alone with. */
const many = 300;

/** A job with as many appends, each committed alone. */
const writeMany = Effect.fnUntraced(function* (store: JournalStore["Service"], jobId: string) {
  yield* store.commit([createOf(jobId, { epoch: 1, owner: "o" })]);
  for (let seq = 1; seq <= many; seq += 1) yield* store.commit([appendOf(jobId, seq)]);
});

const sizeOf = (path: string) => Effect.promise(async () => (await stat(path)).size);

const entriesOf = (store: JournalStore["Service"], jobId: string) =>
  Effect.map(store.entries(jobId), ({ length }) => length);

describe("checkpoints beside the commits", () => {
  it.live("move the log into the file while it is open", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      const before = yield* sizeOf(path);
      yield* writeMany(store, "a");
      yield* Effect.promise(() =>
        expect.poll(async () => (await stat(path)).size).toBeGreaterThan(before),
      );
      expect(yield* entriesOf(store, "a")).toBe(many + 1);
    }),
  );

  it.live("let go of the file when the store is closed, all of it moved", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      yield* Effect.scoped(
        Effect.flatMap(SqliteJournalStore.make({ path, synchronous: "NORMAL" }), (store) =>
          writeMany(store, "a"),
        ),
      );
      // Whoever closes the file last takes its log along.
      expect(yield* Effect.exit(Effect.tryPromise(() => stat(`${path}-wal`)))).toMatchObject({
        _tag: "Failure",
      });
      const again = yield* SqliteJournalStore.make({ path });
      expect(yield* entriesOf(again, "a")).toBe(many + 1);
    }),
  );

  it.live("leave room for whoever empties the log", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      yield* writeMany(store, "a");
      yield* store.scrub;
      expect(yield* sizeOf(`${path}-wal`)).toBe(0);
    }),
  );

  it.live("end by themselves where the file cannot be opened, and ask no more of it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const checkpoints = new Checkpoints({
        path: join(folder, "none", "a.db"),
        synchronous: "FULL",
      });
      for (const _ of [1, 2]) {
        checkpoints.note(10_000);
        yield* checkpoints.close;
      }
      expect(checkpoints.hasEnded).toBe(true);
    }),
  );

  it.live("make no file in the place of one that was moved away", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const checkpoints = new Checkpoints({
        path: join(folder, "moved.db"),
        synchronous: "NORMAL",
      });
      checkpoints.note(10_000);
      yield* checkpoints.close;
      expect(yield* Effect.promise(() => readdir(folder))).toEqual([]);
    }),
  );

  it.live("are left to the commits where no thread may be started", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath;
      const program = fileURLToPath(new URL("committing-process.ts", import.meta.url));
      const may = ["--permission", "--allow-fs-read=*", "--allow-fs-write=*"];
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [...may, program, path], { timeout: 20_000 }),
      );
      expect(stdout.trim()).toBe("601");
    }),
  );
});
