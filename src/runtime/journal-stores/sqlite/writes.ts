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
import type { SQLInputValue } from "node:sqlite";
import type { ChangeNotification } from "../../journal-outbox.ts";
import { type Entry, entryVersion } from "../../../machines/entry.ts";
import { assetNamesIn } from "../../../steps/asset-names.ts";
import { overBudgetIn } from "../spending-rules.ts";
import { closesLetter } from "../letter-rules.ts";
import { committed, jobConflict, messageConflict, predictionConflict } from "../write-rules.ts";
import {
  applyLedgerChange,
  hintPrediction,
  insertPrediction,
  predictionOf,
  settleRelease,
  updatePrediction,
} from "./ledger-writes.ts";
import { closeLetter, discardLetter, moveLetter, moveNotificationLetter } from "./letter-writes.ts";
import {
  changingColumns,
  changingValues,
  constantColumns,
  constantValues,
  firstHeldValues,
  heldColumns,
  heldValues,
  inboxValues,
} from "./rows.ts";
import {
  changeNotification,
  insertNotifications,
  takeNotifications,
  tidyNotifications,
} from "./outbox.ts";
import {
  changeOf,
  dropEarlyOf,
  duplicateOf,
  eraseJob,
  eraseRawAnswers,
  nameAssets,
  nameIn,
  tidyAssets,
} from "./retention-writes.ts";
import { openPrediction } from "./schema.ts";
import { forgetHolders, recordUpload } from "./asset-holders.ts";
import { ofJob } from "./appends-schema.ts";
import { sumsOn } from "./spending.ts";
import { changes, countCommit, inSavepoint } from "./transaction.ts";
import type { Connection, Witness, Written } from "./transaction.ts";

type Values = ReadonlyArray<SQLInputValue>;

const isCommitted = (result: WriteResult): boolean => result.type === "Committed";

const marks = (columns: string): string =>
  columns
    .split(",")
    .map(() => "?")
    .join(", ");

const insertJob =
  `INSERT INTO jobs (${constantColumns}, ${changingColumns}, ${heldColumns})` +
  ` VALUES (${marks(`${constantColumns}, ${changingColumns}, ${heldColumns}`)}) ON CONFLICT DO NOTHING`;

const insertAppend = "INSERT INTO appends (job, seq, v, entries) VALUES (?, ?, ?, ?)";

/** The job as the other tables know it. */
interface JobRow {
  readonly jobId: string;
  readonly ordinal: number;
}

const insertEntries = (
  connection: Connection,
  { jobId, ordinal }: JobRow,
  entries: ReadonlyArray<Entry>,
): void => {
  const [first] = entries;
  if (first === undefined) return;
  const text = JSON.stringify(entries);
  connection.prepare(insertAppend).run(ordinal, first.seq, entryVersion, text);
  if (assetNamesIn(text).length === 0) return;
  for (const fact of entries) nameIn(connection, jobId, { fact, text: JSON.stringify(fact) });
};

const jobOf = (write: CreateJob | AppendEntries): string =>
  write.type === "CreateJob" ? write.job.record.jobId : write.jobId;

/**
 * The last entry that was written stands for the whole batch: it is the next of its job, appended under
 * the epoch of its owner. A batch without entries counts its commit instead.
 */
const witnessOf = (
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
  const first = last?.entries[0];
  if (last === undefined || first === undefined) return countCommit(connection);
  const jobId = jobOf(last);
  return () =>
    connection
      .prepare(`SELECT 1 FROM appends WHERE ${ofJob} AND seq = ? AND entries = ?`)
      .get(jobId, first.seq, JSON.stringify(last.entries)) !== undefined;
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
  const inserted = prepare(insertJob).run(...values);
  if (Number(inserted.changes) === 0) {
    const known = prepare("SELECT job_id FROM jobs WHERE pipeline = ? AND idempotency_key = ?").get(
      pipeline,
      job.idempotencyKey,
    );
    if (known === undefined) return jobConflict;
    dropEarlyOf(connection, jobId);
    return { type: "Duplicate", jobId: String(known["job_id"]) };
  }
  const ordinal = Number(inserted.lastInsertRowid);
  connection.ordinals.learn(jobId, ordinal);
  insertEntries(connection, { jobId, ordinal }, entries);
  return committed;
};

const settingAll = (columns: ReadonlyArray<string>): string =>
  columns.map((column) => `${column} = ?`).join(", ");

// What no entry of this append holds is held by an earlier one, and stays named.
const setHeld =
  "normalized_output = coalesce(?, normalized_output), raw_reference = coalesce(?, raw_reference)";
const set = `${settingAll(changingColumns.split(", "))}, ${setHeld}`;
const setButStatus = `${settingAll(changingColumns.split(", ").slice(1))}, ${setHeld}`;
const asKnown = "WHERE ordinal = ? AND job_id = ? AND epoch = ? AND seq = ?";

const updateSteadyJob = `UPDATE jobs SET seq = ?, ${setButStatus} ${asKnown} AND status = ? AND released = 0`;
const updateJob = `UPDATE jobs SET seq = ?, released = ?, rested_at = ?, ${set} ${asKnown}`;
/** As `settleRelease`, in the same statement, where the append changes no prediction. */
const updateReleasedJob =
  `UPDATE jobs SET owner = CASE WHEN EXISTS (SELECT 1 FROM predictions WHERE job_id = jobs.job_id AND ${openPrediction})` +
  ` THEN owner END, seq = ?, released = ?, rested_at = ?, ${set} ${asKnown}`;
const updateClaimedJob = `UPDATE jobs SET owner = ?, epoch = ?, seq = ?, released = ?, rested_at = ?, ${set} ${asKnown}`;

/** Most appends leave status, owner and release as they are; setting none of them leaves the indices alone. */
const advanceSteadyJob = (connection: Connection, write: AppendEntries, known: Values): boolean => {
  const [status = null, ...changing] = changingValues(write.record);
  const lastSeq = write.afterSeq + write.entries.length;
  const values = [lastSeq, ...changing, ...heldValues(write.entries), ...known, status];
  return changes(connection.prepare(updateSteadyJob), values);
};

/** False where no job is as the append knows it. */
const advanceJob = (connection: Connection, write: AppendEntries, ordinal: number): boolean => {
  const { prepare } = connection;
  const { claim, isReleased, afterSeq, epoch, jobId } = write;
  const known = [ordinal, jobId, epoch, afterSeq];
  if (claim === null && !isReleased && advanceSteadyJob(connection, write, known)) return true;
  const values = [
    afterSeq + write.entries.length,
    isReleased ? 1 : 0,
    isReleased ? write.record.updatedAt : null,
    ...changingValues(write.record),
    ...heldValues(write.entries),
    ...known,
  ];
  if (claim !== null)
    return changes(prepare(updateClaimedJob), [claim.owner, claim.epoch, ...values]);
  return changes(prepare(settlesRelease(write) ? updateReleasedJob : updateJob), values);
};

const settlesRelease = ({ isReleased, claim, ledger }: AppendEntries): boolean =>
  isReleased && claim === null && ledger.length === 0;

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
  const ordinal = connection.ordinals.of(write.jobId);
  if (ordinal === undefined || !advanceJob(connection, write, ordinal)) return jobConflict;
  const over = overBudgetIn(write, (day) => sumsOn(connection, write.jobId, day));
  if (over !== null) return over;
  if (!write.ledger.every((change) => applyLedgerChange(connection, write.jobId, change))) {
    return predictionConflict;
  }
  insertEntries(connection, { jobId: write.jobId, ordinal }, write.entries);
  moveLetter(connection, write);
  replaceTimers(connection, write);
  for (const id of write.consumed) prepare(consumeMessage).run(id, write.jobId);
  if (write.outbox !== undefined) insertNotifications(connection, write.outbox);
  if (write.isReleased && !settlesRelease(write)) settleRelease(connection, write.jobId);
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
  if (!changes(connection.prepare(insertMessage), inboxValues(row))) return messageConflict;
  if (closesLetter(row.facts)) closeLetter(connection, row.jobId);
  return committed;
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

/** Applies all of them, one after the other, inside a transaction. */
export const applyWrites = (
  connection: Connection,
  writes: ReadonlyArray<Write>,
): Written<ReadonlyArray<WriteResult>> => {
  const result = writes.map((write) => applyWrite(connection, write));
  return { result, witness: witnessOf(connection, writes, result) };
};

const changedNotification = (connection: Connection, write: ChangeNotification): WriteResult => {
  const result = changeNotification(connection, write);
  if (isCommitted(result)) moveNotificationLetter(connection, write);
  return result;
};

/** Applies one write whole, or changes nothing; savepoints only where a conflict may show half way. */
const applyWrite = (connection: Connection, write: Write): WriteResult => {
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
    case "HintPrediction":
      return hintPrediction(connection, write);
    case "DiscardLetter":
      return discardLetter(connection, write);
    case "EraseJob":
      return eraseJob(connection, write);
    case "EraseRawAnswers":
      return eraseRawAnswers(connection, write);
    case "NameAssets":
      return nameAssets(connection, write);
    case "TidyAssets":
      return tidyAssets(connection, write);
    case "RecordUpload":
      return recordUpload(connection, write);
    case "ForgetHolders":
      return forgetHolders(connection, write);
    case "PostNotifications":
      return insertNotifications(connection, write.notifications, write.topic);
    case "ChangeNotification":
      return changedNotification(connection, write);
    case "TakeNotifications":
      return takeNotifications(connection, write);
    case "TidyNotifications":
      return tidyNotifications(connection, write);
  }
};
