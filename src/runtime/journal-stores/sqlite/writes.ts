/** How one write changes the tables: whole, or not at all. Runs inside a transaction. */
import type {
  AddDuplicate,
  AppendEntries,
  ChangePrediction,
  CreateJob,
  InboxRow,
  Write,
  WriteResult,
} from "../../journal-store.ts";
import type { Entry } from "../../../machines/entry.ts";
import { committed, jobConflict, messageConflict, predictionConflict } from "../write-rules.ts";
import {
  applyLedgerChange,
  insertPrediction,
  predictionOf,
  settleRelease,
  updatePrediction,
} from "./ledger-writes.ts";
import {
  changingColumns,
  changingValues,
  constantColumns,
  constantValues,
  entryValues,
  firstHeldValues,
  heldColumns,
  heldValues,
  inboxValues,
} from "./rows.ts";
import {
  changeOf,
  duplicateOf,
  eraseJob,
  eraseRawAnswers,
  nameAssets,
  nameIn,
  tidyAssets,
} from "./retention-writes.ts";
import { changes, countCommit, inSavepoint } from "./transaction.ts";
import type { Connection, Witness } from "./transaction.ts";

const isCommitted = (result: WriteResult): boolean => result.type === "Committed";

const marks = (columns: string): string =>
  columns
    .split(",")
    .map(() => "?")
    .join(", ");

const insertJob =
  `INSERT INTO jobs (${constantColumns}, ${changingColumns}, ${heldColumns})` +
  ` VALUES (${marks(`${constantColumns}, ${changingColumns}, ${heldColumns}`)}) ON CONFLICT DO NOTHING`;

const insertEntry = "INSERT INTO entries (job_id, seq, type, at, body) VALUES (?, ?, ?, ?, ?)";
const insertTwoEntries = `${insertEntry}, (?, ?, ?, ?, ?)`;

const insertEntries = (
  connection: Connection,
  jobId: string,
  entries: ReadonlyArray<Entry>,
): void => {
  const all = entries.map((entry) => entryValues(jobId, entry));
  const [first, second, ...rest] = all;
  if (first === undefined) return;
  const { prepare } = connection;
  // A step's start and its result come together more often than not.
  if (second === undefined) prepare(insertEntry).run(...first);
  else prepare(insertTwoEntries).run(...first, ...second);
  for (const values of rest) prepare(insertEntry).run(...values);
  for (const [index, fact] of entries.entries())
    nameIn(connection, jobId, { fact, text: all[index]?.[4] ?? "" });
};

const jobOf = (write: CreateJob | AppendEntries): string =>
  write.type === "CreateJob" ? write.job.record.jobId : write.jobId;

/**
 * The last entry that was written stands for the whole batch: it is the next of its job, appended under
 * the epoch of its owner. A batch without entries counts its commit instead.
 */
export const witnessOf = (
  connection: Connection,
  writes: ReadonlyArray<Write>,
  results: ReadonlyArray<WriteResult>,
): Witness => {
  // Of a job whose content is taken away in the same batch no entry will be there as it was written.
  const emptied = new Set(
    writes.flatMap((write) =>
      write.type.startsWith("Erase") && "seq" in write ? [write.jobId] : [],
    ),
  );
  const last = writes.findLast(
    (write, index): write is CreateJob | AppendEntries =>
      results[index]?.type === "Committed" &&
      "entries" in write &&
      write.entries.length > 0 &&
      !emptied.has(jobOf(write)),
  );
  const entry = last?.entries.at(-1);
  if (last === undefined || entry === undefined) return countCommit(connection);
  const jobId = jobOf(last);
  return () =>
    connection
      .prepare(
        "SELECT 1 FROM entries WHERE job_id = ? AND seq = ? AND type = ? AND at = ? AND body = ?",
      )
      .get(...entryValues(jobId, entry)) !== undefined;
};

const freeKey =
  "UPDATE jobs SET idempotency_key = NULL WHERE pipeline = ? AND idempotency_key = ?" +
  " AND updated_at < ? AND status IN ('failed', 'complete', 'cancelled')";

const create = (connection: Connection, write: CreateJob): WriteResult => {
  const { prepare } = connection;
  const { job, entries, keysFreeBefore } = write;
  const { jobId, pipeline } = job.record;
  if (keysFreeBefore !== undefined && job.idempotencyKey !== null)
    prepare(freeKey).run(pipeline, job.idempotencyKey, keysFreeBefore);
  const values = [
    ...constantValues(job),
    ...changingValues(job.record),
    ...firstHeldValues(job.record, entries),
  ];
  if (!changes(prepare(insertJob), values)) {
    const known = prepare("SELECT job_id FROM jobs WHERE pipeline = ? AND idempotency_key = ?").get(
      pipeline,
      job.idempotencyKey,
    );
    return known === undefined
      ? jobConflict
      : { type: "Duplicate", jobId: String(known["job_id"]) };
  }
  insertEntries(connection, jobId, entries);
  return committed;
};

const settingAll = (columns: ReadonlyArray<string>): string =>
  columns.map((column) => `${column} = ?`).join(", ");

// What no entry of this append holds is held by an earlier one, and stays named.
const setHeld =
  "normalized_output = coalesce(?, normalized_output), raw_reference = coalesce(?, raw_reference)";
const set = `${settingAll(changingColumns.split(", "))}, ${setHeld}`;
const setButStatus = `${settingAll(changingColumns.split(", ").slice(1))}, ${setHeld}`;
const asKnown = "WHERE job_id = ? AND epoch = ? AND seq = ?";

const updateSteadyJob = `UPDATE jobs SET seq = ?, ${setButStatus} ${asKnown} AND status = ? AND released = 0`;
const updateJob = `UPDATE jobs SET seq = ?, released = ?, rested_at = ?, ${set} ${asKnown}`;
const updateClaimedJob = `UPDATE jobs SET owner = ?, epoch = ?, seq = ?, released = ?, rested_at = ?, ${set} ${asKnown}`;

/** Most appends leave status, owner and release as they are; setting none of them leaves the indices alone. */
const advanceSteadyJob = ({ prepare }: Connection, write: AppendEntries): boolean => {
  const [status = null, ...values] = changingValues(write.record);
  const lastSeq = write.afterSeq + write.entries.length;
  return changes(prepare(updateSteadyJob), [
    lastSeq,
    ...values,
    ...heldValues(write.entries),
    write.jobId,
    write.epoch,
    write.afterSeq,
    status,
  ]);
};

const advanceJob = (connection: Connection, write: AppendEntries): boolean => {
  const { prepare } = connection;
  const { claim, isReleased, afterSeq, epoch, jobId } = write;
  if (claim === null && !isReleased && advanceSteadyJob(connection, write)) return true;
  const values = [
    afterSeq + write.entries.length,
    isReleased ? 1 : 0,
    isReleased ? write.record.updatedAt : null,
    ...changingValues(write.record),
    ...heldValues(write.entries),
    jobId,
    epoch,
    afterSeq,
  ];
  return claim === null
    ? changes(prepare(updateJob), values)
    : changes(prepare(updateClaimedJob), [claim.owner, claim.epoch, ...values]);
};

const replaceTimers = ({ prepare }: Connection, { jobId, timers }: AppendEntries): void => {
  if (timers === null) return;
  prepare("DELETE FROM timers WHERE job_id = ?").run(jobId);
  for (const [ordinal, { path, wakeAt, delayMs }] of timers.entries()) {
    prepare(
      "INSERT INTO timers (job_id, ordinal, path, wake_at, delay_ms) VALUES (?, ?, ?, ?, ?)",
    ).run(jobId, ordinal, path, wakeAt, delayMs);
  }
};

// A consumed message keeps its id, so that the same message posted again is known.
const consumeMessage = "UPDATE inbox SET consumed = 1, facts = '[]' WHERE id = ? AND job_id = ?";

const append = (connection: Connection, write: AppendEntries): WriteResult => {
  const { prepare } = connection;
  if (!advanceJob(connection, write)) return jobConflict;
  if (!write.ledger.every((change) => applyLedgerChange(connection, write.jobId, change))) {
    return predictionConflict;
  }
  insertEntries(connection, write.jobId, write.entries);
  replaceTimers(connection, write);
  for (const id of write.consumed) prepare(consumeMessage).run(id, write.jobId);
  if (write.isReleased) settleRelease(connection, write.jobId);
  return committed;
};

const insertMessage =
  "INSERT INTO inbox (id, job_id, at, facts) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";

const isJob = ({ prepare }: Connection, jobId: string): boolean =>
  prepare("SELECT 1 FROM jobs WHERE job_id = ?").get(jobId) !== undefined;

const mayBeTold = ({ prepare }: Connection, jobId: string): boolean =>
  prepare("SELECT 1 FROM jobs WHERE job_id = ? AND erased_at IS NULL").get(jobId) !== undefined;

const post = (connection: Connection, row: InboxRow): WriteResult => {
  if (!mayBeTold(connection, row.jobId)) return jobConflict;
  return changes(connection.prepare(insertMessage), inboxValues(row)) ? committed : messageConflict;
};

const changePrediction = (connection: Connection, write: ChangePrediction): WriteResult => {
  const row = predictionOf(connection, write.key);
  if (row === null || !write.from.includes(row.state)) return predictionConflict;
  const change = changeOf(connection, row, write.change);
  if (!updatePrediction(connection, row, change)) return predictionConflict;
  settleRelease(connection, row.jobId);
  return write.inbox === null ? committed : post(connection, write.inbox);
};

const addDuplicate = (connection: Connection, { row }: AddDuplicate): WriteResult => {
  if (!isJob(connection, row.jobId)) return jobConflict;
  const isAdded = insertPrediction(connection, duplicateOf(connection, row));
  return isAdded ? committed : predictionConflict;
};

/** Applies one write whole, or changes nothing; savepoints only where a conflict may show half way. */
export const applyWrite = (connection: Connection, write: Write): WriteResult => {
  switch (write.type) {
    case "CreateJob":
      return create(connection, write);
    case "AppendEntries":
      return write.ledger.length === 0
        ? append(connection, write)
        : inSavepoint(connection, isCommitted, () => append(connection, write));
    case "PostInbox":
      return post(connection, write.row);
    case "ChangePrediction":
      return write.inbox === null
        ? changePrediction(connection, write)
        : inSavepoint(connection, isCommitted, () => changePrediction(connection, write));
    case "AddDuplicate":
      return addDuplicate(connection, write);
    case "EraseJob":
      return eraseJob(connection, write);
    case "EraseRawAnswers":
      return eraseRawAnswers(connection, write);
    case "NameAssets":
      return nameAssets(connection, write);
    case "TidyAssets":
      return tidyAssets(connection, write);
  }
};
