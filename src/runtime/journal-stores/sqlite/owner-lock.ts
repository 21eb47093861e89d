/**
 * Who is alive: each owner holds BEGIN EXCLUSIVE on a small lock database of its own, which the system
 * keeps while the process is only frozen and frees at once when it is dead. No leases, no clocks.
 *
 * A lock file is never opened by other means than SQLite: closing any other descriptor of it would drop
 * this process's lock (POSIX). A file is removed only by who holds its lock.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isBusy } from "./failure.ts";

const suffix = ".lock";
/** Beside the lock file of an owner that went by itself. */
const leftSuffix = ".left";

export const lockFolderOf = (path: string): string => `${path}-owners`;

const fileOf = (folder: string, owner: string): string => join(folder, `${owner}${suffix}`);

/** A lock that is held until `release`. */
export interface OwnerLock {
  readonly release: (options: { readonly isFileRemoved: boolean }) => void;
}

const tryLock = (file: string): DatabaseSync | null => {
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    // Nothing is ever written here; a journal file would only be left behind by the dead.
    db.exec("PRAGMA journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
    return db;
  } catch (cause) {
    db.close();
    if (isBusy(cause)) return null;
    throw cause;
  }
};

const lockOf = (db: DatabaseSync, file: string): OwnerLock => ({
  release: ({ isFileRemoved }) => {
    if (isFileRemoved && existsSync(file)) unlinkSync(file);
    db.close();
  },
});

/** Null where a look of `isDead` or `sweep` met us in the middle: take it anew. */
export const takeOwnerLock = (folder: string, owner: string): OwnerLock | null => {
  mkdirSync(folder, { recursive: true });
  const file = fileOf(folder, owner);
  const db = tryLock(file);
  if (db === null) return null;
  if (existsSync(file)) return lockOf(db, file);
  db.close();
  return null;
};

/** True once the owner is certainly dead: its lock is free, or its lock file is gone. */
export const isDead = (folder: string, owner: string): boolean => {
  const file = fileOf(folder, owner);
  if (!existsSync(file)) return true;
  const db = tryLock(file);
  db?.close();
  return db !== null;
};

/** The owners whose locks are held. */
export const livingOwners = (folder: string): ReadonlyArray<string> => {
  if (!existsSync(folder)) return [];
  const owners = readdirSync(folder).filter((name) => name.endsWith(suffix));
  return owners
    .map((name) => name.slice(0, -suffix.length))
    .filter((owner) => !isDead(folder, owner));
};

/** Notes that this owner goes by itself; to be done while its lock is still held. */
export const noteLeft = (folder: string, owner: string): void => {
  writeFileSync(join(folder, `${owner}${leftSuffix}`), "");
};

export const hasLeft = (folder: string, owner: string): boolean =>
  existsSync(join(folder, `${owner}${leftSuffix}`));

/** Removes the lock files of dead owners of which nothing is left. */
export const sweep = (folder: string, isNeeded: (owner: string) => boolean): void => {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const owner = name.slice(0, -suffix.length);
    if (name.endsWith(suffix) && !isNeeded(owner)) {
      const file = fileOf(folder, owner);
      const db = tryLock(file);
      if (db !== null) lockOf(db, file).release({ isFileRemoved: true });
      if (db !== null) rmSync(join(folder, `${owner}${leftSuffix}`), { force: true });
    }
  }
};
