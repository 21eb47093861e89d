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
  inboxValues,
} from "./rows.ts";
import { changes, inSavepoint } from "./transaction.ts";
import type { Connection } from "./transaction.ts";

const isCommitted = (result: WriteResult): boolean => result.type === "Committed";

const marks = (columns: string): string =>
  columns
    .split(",")
    .map(() => "?")
    .join(", ");

const insertJob =
  `INSERT INTO jobs (${constantColumns}, ${changingColumns})` +
  ` VALUES (${marks(constantColumns)}, ${marks(changingColumns)}) ON CONFLICT DO NOTHING`;

const insertEntry = "INSERT INTO entries (job_id, seq, type, at, body) VALUES (?, ?, ?, ?, ?)";

const insertEntries = (
  { prepare }: Connection,
  jobId: string,
  entries: ReadonlyArray<Entry>,
): void => {
  for (const entry of entries) prepare(insertEntry).run(...entryValues(jobId, entry));
};

const create = (connection: Connection, { job, entries }: CreateJob): WriteResult => {
  const { prepare } = connection;
  const { jobId, pipeline } = job.record;
  if (!changes(prepare(insertJob), [...constantValues(job), ...changingValues(job.record)])) {
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

const set = settingAll(changingColumns.split(", "));
const setButStatus = settingAll(changingColumns.split(", ").slice(1));
const asKnown = "WHERE job_id = ? AND epoch = ? AND seq = ?";

const updateSteadyJob = `UPDATE jobs SET seq = ?, ${setButStatus} ${asKnown} AND status = ? AND released = 0`;
const updateJob = `UPDATE jobs SET seq = ?, released = ?, ${set} ${asKnown}`;
const updateClaimedJob = `UPDATE jobs SET owner = ?, epoch = ?, seq = ?, released = ?, ${set} ${asKnown}`;

/** Most appends leave status, owner and release as they are; setting none of them leaves the indices alone. */
const advanceSteadyJob = ({ prepare }: Connection, write: AppendEntries): boolean => {
  const [status = null, ...values] = changingValues(write.record);
  const lastSeq = write.afterSeq + write.entries.length;
  return changes(prepare(updateSteadyJob), [
    lastSeq,
    ...values,
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
    ...changingValues(write.record),
    jobId,
    epoch,
    afterSeq,
  ];
  return claim === null
    ? changes(prepare(updateJob), values)
    : changes(prepare(updateClaimedJob), [claim.owner, claim.epoch, ...values]);
};

const replaceTimers = ({ prepare }: Connection, { jobId, timers }: AppendEntries): void => {
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

const post = (connection: Connection, row: InboxRow): WriteResult => {
  if (!isJob(connection, row.jobId)) return jobConflict;
  return changes(connection.prepare(insertMessage), inboxValues(row)) ? committed : messageConflict;
};

const changePrediction = (connection: Connection, write: ChangePrediction): WriteResult => {
  const row = predictionOf(connection, write.key);
  if (row === null || !write.from.includes(row.state)) return predictionConflict;
  if (!updatePrediction(connection, row, write.change)) return predictionConflict;
  settleRelease(connection, row.jobId);
  return write.inbox === null ? committed : post(connection, write.inbox);
};

const addDuplicate = (connection: Connection, { row }: AddDuplicate): WriteResult => {
  if (!isJob(connection, row.jobId)) return jobConflict;
  return insertPrediction(connection, row) ? committed : predictionConflict;
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
  }
};
