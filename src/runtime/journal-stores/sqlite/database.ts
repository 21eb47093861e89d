/** Opens the database file: refuses where locks cannot be trusted, sets what durability asks, migrates. */
import { accessSync, constants, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreFailure } from "../../journal-store.ts";
import { existingFile } from "./existing-file.ts";
import { migrate } from "./schema.ts";
import { connectionOver, introduce } from "./transaction.ts";
import type { Connection } from "./transaction.ts";

/** File systems whose locks cannot be trusted between machines. Source: statfs(2). */
const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
]);

const fuse = 0x65735546;

/** True where the path lies on FUSE, which may or may not be a network file system underneath. */
export const isOnFuse = (path: string): boolean => fileSystemOf(path) === fuse;

const fileSystemOf = (path: string): number => statfsSync(dirname(path)).type >>> 0;

const refuse = (reason: "Io", message: string): StoreFailure =>
  new StoreFailure({ operation: "open", reason, cause: new Error(message) });

/** The name of the network file system with this statfs number, or null. */
export const networkFileSystem = (type: number): string | null =>
  networkFileSystems.get(type >>> 0) ?? null;

const checkPath = (path: string): void => {
  if (path === "" || path.startsWith(":memory:")) {
    throw refuse(
      "Io",
      `${JSON.stringify(path)} is no file: use MemoryJournalStore for journals in memory`,
    );
  }
  // SQLite puts its log and the owners' locks beside the file; it would only say that it cannot open it.
  accessSync(dirname(path), constants.W_OK);
  const network = networkFileSystem(fileSystemOf(path));
  if (network !== null) {
    throw refuse(
      "Io",
      `${path} lies on ${network}, where locks cannot be trusted: put it on a local disk`,
    );
  }
};

export interface DatabaseOptions {
  readonly path: string;
  readonly synchronous: "FULL" | "NORMAL";
  readonly maxPages: number | null;
  readonly connectionId: string;
  /** The id under which a thread of this process will commit; null where none will. */
  readonly threadId: string | null;
}

/**
 * A log of so many pages is moved into the file by a commit. Measured: a quarter more appends a second than with the
 * default of 1,000, as a page that many jobs share is moved once. With NORMAL it is moved beside the commits
 * (`checkpoints.ts`), and a commit moves what that has left: a log begins anew only when all of it was moved, and
 * without a pause in the commits there is always a little more.
 */
const mostLogPages = { FULL: 4_000, NORMAL: 16_000 } as const;

const configure = (db: DatabaseSync, { synchronous, maxPages }: DatabaseOptions): void => {
  // Every commit writes whole pages, and each page takes a header, a checksum and two calls of the system. Measured:
  // a tenth more chains a second at 100 at once than with 4 KiB, and as quick for one alone; 16 KiB is slower for one.
  db.exec("PRAGMA page_size = 8192");
  const mode = db.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal")
    throw refuse("Io", `the file system refuses SQLite's WAL mode (got ${String(mode)})`);
  // 16 MiB of pages. Measured: a quarter more appends a second than with the default.
  db.exec("PRAGMA cache_size = -16384");
  db.exec(`PRAGMA wal_autocheckpoint = ${mostLogPages[synchronous]}`);
  // What is deleted or replaced is overwritten with zeros; what SQLite had copied of it when it moved rows is not.
  db.exec("PRAGMA secure_delete = ON");
  db.exec(`PRAGMA synchronous = ${synchronous}`);
  if (maxPages !== null) db.exec(`PRAGMA max_page_count = ${maxPages}`);
};

const setUp = (db: DatabaseSync, options: DatabaseOptions): Connection => {
  configure(db, options);
  const connection = connectionOver(db, options.connectionId);
  // The lock comes first, so that of two processes that open a new file only one builds the tables, and
  // a file that cannot be written is found here and not at the first job.
  db.exec("BEGIN IMMEDIATE");
  migrate(db);
  for (const id of idsOf(options)) introduce({ ...connection, id });
  db.exec("COMMIT");
  return connection;
};

const idsOf = ({ connectionId, threadId }: DatabaseOptions): ReadonlyArray<string> =>
  threadId === null ? [connectionId] : [connectionId, threadId];

/**
 * The second connection of a process that has opened the file, under its `threadId`. It needs no lock, so that it
 * comes to be while the first one writes without a pause. Throws what SQLite throws.
 */
export const openBeside = (
  options: DatabaseOptions & { readonly threadId: string },
): Connection => {
  const db = new DatabaseSync(existingFile(options.path), {
    timeout: threadBusyTimeoutMs,
    enableForeignKeyConstraints: true,
  });
  configure(db, options);
  return connectionOver(db, options.threadId);
};

/** How long (ms) a thread stands still for a file that another connection holds, before it says that it is busy. */
const threadBusyTimeoutMs = 1_000;

/** Throws what SQLite throws, and StoreFailure for a path or a version that is refused. */
export const openDatabase = (options: DatabaseOptions): Connection => {
  checkPath(options.path);
  const db = new DatabaseSync(options.path, { timeout: 0, enableForeignKeyConstraints: true });
  try {
    return setUp(db, options);
  } catch (cause) {
    db.close();
    throw cause;
  }
};

/** Moves the log into the file as far as others allow, and closes it. */
export const closeDatabase = ({ db, prepare, id }: Connection, threadId: string | null): void => {
  try {
    prepare("DELETE FROM connections WHERE id IN (?, ?)").run(id, threadId);
    db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    // Tidying only: the row is dropped in time by younger ones, the log is read by whoever opens next.
  }
  db.close();
};
