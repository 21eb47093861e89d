/**
 * Journals in one SQLite file, the default store: durable against power loss with FULL (the default),
 * against the death of the process with NORMAL. Several processes of one machine may share the file;
 * who is alive is told by lock files in the folder `<path>-owners` beside it.
 *
 * Job ids that grow with time (as UUIDv7) keep what is written together: twice the appends a second of
 * random ones. Locks were tried on Linux. Two SQLite libraries in one process (this one and a native addon) must not
 * open the same file: closing one's descriptor would drop the other's locks.
 */
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { Effect, Layer, Option, Schema } from "effect";
import type { Duration, Scope } from "effect";
import { JournalStore, StoreFailure } from "../journal-store.ts";
import { ColumnMismatch } from "./sqlite/columns.ts";
import { type CommitAll, type CommitIn, makeCommits } from "./sqlite/commits.ts";
import { closeDatabase, isOnFuse, openDatabase } from "./sqlite/database.ts";
import { attempt, broken } from "./sqlite/failure.ts";
import { predictionOf } from "./sqlite/ledger-writes.ts";
import { OpenedFile } from "./sqlite/opened-file.ts";
import {
  hasLeft,
  isDead,
  livingOwners,
  lockFolderOf,
  noteLeft,
  sweep,
  takeOwnerLock,
} from "./sqlite/owner-lock.ts";
import type { OwnerLock } from "./sqlite/owner-lock.ts";
import { readHeldAssets } from "./sqlite/asset-holders.ts";
import * as letters from "./sqlite/letter-reads.ts";
import * as outbox from "./sqlite/outbox.ts";
import * as reads from "./sqlite/reads.ts";
import * as retention from "./sqlite/retention-reads.ts";
import { readSpendingBy, readSpendingOf, readSpendingOn } from "./sqlite/spending.ts";
import * as vitals from "./sqlite/vital-reads.ts";
import { inTransaction } from "./sqlite/transaction.ts";
import type { Connection } from "./sqlite/transaction.ts";
import { applyWrites } from "./sqlite/writes.ts";
import { checkWrites } from "./write-rules.ts";

export interface SqliteJournalStoreOptions {
  /** A file on a local disk; made if it is not there, its folder is not. */
  readonly path: string;
  /** Default `FULL`. */
  readonly synchronous?: "FULL" | "NORMAL";
  /** The most pages of 8 KiB the file may have; a fuller one fails as Full. Default: the disk's size. */
  readonly maxPages?: number;
  /** How long a call waits while another process holds the file; default 5 seconds. */
  readonly busyLimit?: Duration.Input;
  /**
   * Where batches are committed. `never`: in this thread, the quickest way by a quarter on two cores. `always`: in a
   * thread of its own, so that neither SQLite nor the disk's flush holds up the event loop. `auto`: in this thread
   * while little is written, in one of its own once much is. Default `never`.
   */
  readonly thread?: CommitIn;
  /** Makes ids of owners and connections, never the same twice; default random UUIDs. */
  readonly nextId?: () => string;
}

const decodes =
  <A>(operation: string, read: () => A) =>
  (): A => {
    try {
      return read();
    } catch (cause) {
      const isOfRow = cause instanceof ColumnMismatch || Schema.isSchemaError(cause);
      throw isOfRow ? broken(operation, cause) : cause;
    }
  };

type Ask = <A>(operation: string, run: () => A) => Effect.Effect<A, StoreFailure>;

interface Owners {
  readonly folder: string;
  readonly nextId: () => string;
  readonly ask: Ask;
  readonly connection: Connection;
  readonly file: OpenedFile;
}

const takeLock = ({ folder, ask }: Owners, owner: string): Effect.Effect<OwnerLock, StoreFailure> =>
  ask("register an owner", () => {
    const lock = takeOwnerLock(folder, owner);
    if (lock !== null) return lock;
    // Another owner was just looking whether we live: as with any busy file, ask again.
    throw new StoreFailure({
      operation: "register an owner",
      reason: "Busy",
      cause: new Error(`${owner} is locked`),
    });
  });

const hasJobs = (connection: Connection, owner: string): boolean =>
  reads.readOwners(connection).includes(owner);

/** True where nothing of the owner is left, so that its lock file can go as well. */
const leave = ({ connection, folder }: Owners, owner: string): boolean => {
  if (!hasJobs(connection, owner)) return true;
  noteLeft(folder, owner);
  return false;
};

const register = (owners: Owners): Effect.Effect<string, StoreFailure, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const owner = owners.nextId();
        return Effect.map(takeLock(owners, owner), (lock) => ({ owner, lock }));
      }),
      ({ owner, lock }) =>
        Effect.map(
          Effect.orElseSucceed(
            owners.ask("release an owner", () => leave(owners, owner)),
            () => false,
          ),
          (isFileRemoved) => lock.release({ isFileRemoved }),
        ),
    ),
    ({ owner }) => owner,
  );

const deadOwners = ({ connection, folder }: Owners, self: string): ReadonlyArray<string> => {
  const withJobs = reads.readOwners(connection);
  sweep(folder, (owner) => owner === self || withJobs.includes(owner));
  return withJobs.filter((owner) => owner !== self && isDead(folder, owner));
};

const over = (owners: Owners, commit: CommitAll): JournalStore["Service"] => {
  const { connection, ask, file } = owners;
  return JournalStore.of({
    commit: (writes) =>
      Effect.suspend(() => {
        checkWrites(writes);
        if (writes.length === 0) return Effect.succeed([]);
        return file.failure() ?? commit(writes);
      }),
    job: (jobId) => ask("read a job", () => reads.readJob(connection, jobId)),
    jobWithKey: (pipeline, idempotencyKey) =>
      ask("read a job", () => reads.readJobWithKey(connection, pipeline, idempotencyKey)),
    jobs: (filter) => ask("list jobs", () => reads.readJobs(connection, filter)),
    entries: (jobId) =>
      ask(`read the journal of ${jobId}`, () => reads.readEntries(connection, jobId)),
    entry: (jobId, seq) =>
      ask(`read entry ${seq} of ${jobId}`, () => reads.readEntry(connection, jobId, seq)),
    inbox: (jobId) => ask("read an inbox", () => reads.readInbox(connection, jobId)),
    jobsWithInbox: (owner) =>
      ask("look for messages", () => reads.readJobsWithInbox(connection, owner)),
    pending: (pipelines, limit) =>
      ask("read the queue", () => reads.readPending(connection, pipelines, limit)),
    jobsOf: (owner) => ask("read an owner's jobs", () => reads.readOwned(connection, owner, false)),
    watchedJobs: (owner) =>
      ask("read an owner's jobs", () => reads.readOwned(connection, owner, true)),
    timersOf: (owner) => ask("read timers", () => reads.readTimers(connection, owner)),
    predictions: (jobId) => ask("read the ledger", () => reads.readPredictions(connection, jobId)),
    openPredictions: (owner) =>
      ask("read the ledger", () => reads.readOpenPredictions(connection, owner)),
    absentPredictions: (since) =>
      ask("read the ledger", () => reads.readAbsentPredictions(connection, since)),
    unansweredPredictions: (provider, inputHash) =>
      ask("read the ledger", () => reads.readUnanswered(connection, provider, inputHash)),
    knownPredictions: (provider, ids) =>
      ask("read the ledger", () => reads.readKnownPredictions(connection, provider, ids)),
    prediction: (key) =>
      ask("read the ledger", () => Option.fromNullishOr(predictionOf(connection, key))),
    reusable: (query) =>
      ask("look for an answer to use again", () => retention.readReusable(connection, query)),
    spendingOf: (jobId, day) =>
      ask("read what is spent", () => readSpendingOf(connection, jobId, day)),
    spendingBy: (tenant, day) =>
      ask("read what is spent", () => readSpendingBy(connection, tenant, day)),
    spendingOn: (day, limit) =>
      ask("read what is spent", () => readSpendingOn(connection, day, limit)),
    rested: (query) => ask("look for jobs at rest", () => retention.readRested(connection, query)),
    content: (jobId) => ask("read a job", () => retention.readContent(connection, jobId)),
    freeAssets: (query) =>
      ask("look for names of assets", () => retention.readFreeAssets(connection, query)),
    heldAssets: (query) =>
      ask("look for holders of assets", () => readHeldAssets(connection, query)),
    leftovers: (after, limit) =>
      ask("look for leftovers", () => retention.readLeftovers(connection, after, limit)),
    unreadPayloads: (limit) =>
      ask("look for payloads", () => retention.readUnreadPayloads(connection, limit)),
    notifications: (filter) =>
      ask("list notifications", () => outbox.readNotifications(connection, filter)),
    notification: (id) => ask("read a notification", () => outbox.readNotification(connection, id)),
    dueNotifications: (...asked) =>
      ask("look for notifications", () => outbox.readDueNotifications(connection, ...asked)),
    sendersTo: (subscriptions) =>
      ask("look for notifications", () => outbox.readSenders(connection, subscriptions)),
    scrub: ask("empty the log", () => retention.emptyLog(connection)),
    letters: (filter, page) =>
      ask("list dead letters", () => letters.readLetters(connection, filter, page)),
    letter: (id) => ask("read a dead letter", () => letters.readLetter(connection, id)),
    letterCauses: (filter, limit) =>
      ask("count dead letters", () => letters.readLetterCauses(connection, filter, limit)),
    letterCount: (filter) =>
      ask("count dead letters", () => letters.readLetterCount(connection, filter)),
    hints: (owner) => ask("look for reports", () => vitals.readHints(connection, owner)),
    oldestPending: ask("read the queue", () => vitals.readOldestPending(connection)),
    oldestMessage: ask("look for messages", () => vitals.readOldestMessage(connection)),
    open: (owner, before) =>
      ask("read the ledger", () => vitals.readOpen(connection, owner, before)),
    unfinished: (after, limit) =>
      ask("list jobs under way", () => vitals.readUnfinished(connection, after, limit)),
    register: register(owners),
    deadOwners: (self) => ask("look for dead owners", () => deadOwners(owners, self)),
    livingOwners: ask("look for owners", () => livingOwners(owners.folder)),
    hasLeft: (owner) => ask("look for dead owners", () => hasLeft(owners.folder, owner)),
    // Whoever runs jobs looks for changes all the time: often enough for the file itself as well.
    changeCount: ask("look for changes", () => {
      file.look();
      return reads.readChangeCount(connection);
    }),
  });
};

/** Opens the file for as long as the scope lives. Fails with: StoreFailure. */
const make = Effect.fn("SqliteJournalStore.make")(function* (options: SqliteJournalStoreOptions) {
  const { synchronous = "FULL", busyLimit = "5 seconds", nextId = randomUUID } = options;
  const path = options.path.startsWith(":") ? options.path : resolve(options.path);
  const ask: Ask = (operation, run) => attempt(operation, { busyLimit }, decodes(operation, run));
  const { maxPages = null, thread = "never" } = options;
  const [connectionId, threadId] = [nextId(), `${nextId()}-thread`];
  const database = { path, synchronous, maxPages, connectionId, threadId };
  const introduced = thread === "never" ? null : threadId;
  const connection = yield* Effect.acquireRelease(
    ask(`open ${path}`, () => openDatabase({ ...database, threadId: introduced })),
    (opened) => Effect.sync(() => closeDatabase(opened, introduced)),
  );
  const commit = yield* makeCommits({
    database,
    thread,
    wait: { busyLimit },
    here: (writes) =>
      ask("commit", () => inTransaction(connection, () => applyWrites(connection, writes))),
  });
  if (isOnFuse(path)) {
    yield* Effect.logWarning(
      `${path} lies on a FUSE file system: make sure that its locks hold on this machine`,
    );
  }
  const file = new OpenedFile(path);
  return over({ folder: lockFolderOf(path), nextId, ask, connection, file }, commit);
});

/** A journal store in one SQLite file. */
export const SqliteJournalStore = {
  make,
  layer: (options: SqliteJournalStoreOptions): Layer.Layer<JournalStore, StoreFailure> =>
    Layer.effect(JournalStore, make(options)),
};
