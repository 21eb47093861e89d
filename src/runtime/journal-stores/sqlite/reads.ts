/**
 * The questions of the port, as SQL. Each throws SchemaError where a row does not decode. What a running
 * service asks names its partial index: SQLite then refuses the statement rather than scan the history.
 */
import { Option } from "effect";
import type { SQLInputValue } from "node:sqlite";
import type { Entry, Value } from "../../../machines/entry.ts";
import { broken } from "./failure.ts";
import type {
  InboxRow,
  JobFilter,
  JobTimer,
  PredictionRow,
  StoredJob,
} from "../../journal-store.ts";
import {
  decodeAppend,
  decodeHeld,
  decodeInbox,
  decodeJob,
  decodeTimer,
  inboxSelection,
  timerSelection,
} from "./rows.ts";
import { decodePrediction, predictionSelection } from "./prediction-rows.ts";
import { ofJob } from "./appends-schema.ts";
import { openPrediction, unownedJob } from "./schema.ts";
import type { Connection } from "./transaction.ts";

type Values = ReadonlyArray<SQLInputValue>;

const strings = ({ prepare }: Connection, sql: string, values: Values): ReadonlyArray<string> =>
  prepare(sql)
    .all(...values)
    .map((row) => String(row["value"]));

const jobsWhere = (
  connection: Connection,
  rest: string,
  values: Values,
): ReadonlyArray<StoredJob> =>
  connection
    .prepare(`SELECT * FROM jobs ${rest}`)
    .all(...values)
    .map((row) => decodeJob(row, (jobId, seq) => heldAt(connection, jobId, seq)));

/** The value that an entry holds for its job's row. */
const heldAt = ({ prepare }: Connection, jobId: string, seq: number): Value => {
  const row = prepare(appendWith).get(jobId, seq);
  if (row !== undefined) return decodeHeld(row, seq);
  throw broken(
    "read a job",
    new Error(`entry ${seq} of ${jobId}, which its row names, is missing`),
  );
};

export const readJob = (connection: Connection, jobId: string): Option.Option<StoredJob> =>
  Option.fromNullishOr(jobsWhere(connection, "WHERE job_id = ?", [jobId])[0]);

export const readJobWithKey = (
  connection: Connection,
  pipeline: string,
  idempotencyKey: string,
): Option.Option<StoredJob> => {
  const where = "WHERE pipeline = ? AND idempotency_key = ?";
  return Option.fromNullishOr(jobsWhere(connection, where, [pipeline, idempotencyKey])[0]);
};

export const readJobs = (connection: Connection, filter: JobFilter): ReadonlyArray<StoredJob> => {
  const wanted = conditionsOf(filter);
  const where = wanted.map(([condition]) => condition).join(" AND ");
  const values = [...wanted.map(([, value]) => value), filter.limit ?? 100];
  const rest = `${where === "" ? "" : `WHERE ${where}`} ORDER BY ordinal DESC LIMIT ?`;
  return jobsWhere(connection, rest, values);
};

/** Each with its one value; SQLite's `lower` changes ASCII letters only. */
const conditions = {
  status: "status = ?",
  pipeline: "pipeline = ?",
  tenant: "tenant = ?",
  failureKind: "failure_kind = ?",
  createdFrom: "created_at >= ?",
  createdBefore: "created_at < ?",
  olderThan: "ordinal < (SELECT ordinal FROM jobs WHERE job_id = ?)",
} as const;

const holdsText =
  "(SELECT instr(jobs.job_id, needle) OR EXISTS (SELECT 1 FROM appends WHERE job = jobs.ordinal" +
  " AND seq = 1 AND instr(lower(json_extract(entries, '$[0].input.json')), needle)) FROM (SELECT lower(?) AS needle))";

const conditionsOf = (filter: JobFilter): ReadonlyArray<readonly [string, SQLInputValue]> => {
  const fields = Object.entries({ ...filter, text: undefined, limit: undefined });
  const equal = fields.flatMap(
    ([field, value]): ReadonlyArray<readonly [string, SQLInputValue]> =>
      value !== undefined && isCondition(field) ? [[conditions[field], value]] : [],
  );
  return filter.text === undefined ? equal : [...equal, [holdsText, filter.text]];
};

const isCondition = (field: string): field is keyof typeof conditions => field in conditions;

export const readPending = (
  connection: Connection,
  pipelines: ReadonlyArray<string>,
  limit: number,
): ReadonlyArray<StoredJob> =>
  jobsWhere(
    connection,
    `INDEXED BY jobs_unowned WHERE ${unownedJob} AND (status = 'pending' OR detail = 'queued')
       AND pipeline || '@' || version IN (SELECT value FROM json_each(?))
     ORDER BY ordinal LIMIT ?`,
    [JSON.stringify(pipelines), limit],
  );

/** Jobs the owner has (not) released, oldest first. */
export const readOwned = (
  connection: Connection,
  owner: string,
  isReleased: boolean,
): ReadonlyArray<StoredJob> =>
  jobsWhere(connection, "INDEXED BY jobs_owned WHERE owner = ? AND released = ? ORDER BY ordinal", [
    owner,
    isReleased ? 1 : 0,
  ]);

export const readOwners = (connection: Connection): ReadonlyArray<string> =>
  strings(
    connection,
    "SELECT DISTINCT owner AS value FROM jobs INDEXED BY jobs_owned WHERE owner IS NOT NULL",
    [],
  );

export const readEntries = ({ prepare }: Connection, jobId: string): ReadonlyArray<Entry> =>
  prepare(`SELECT seq, v, entries FROM appends WHERE ${ofJob} ORDER BY seq`)
    .all(jobId)
    .flatMap(decodeAppend);

/** The append that has the entry, if there is one with that seq. */
const appendWith = `SELECT seq, v, entries FROM appends WHERE ${ofJob} AND seq <= ? ORDER BY seq DESC LIMIT 1`;

export const readEntry = (
  { prepare }: Connection,
  jobId: string,
  seq: number,
): Option.Option<Entry> => {
  const row = prepare(appendWith).get(jobId, seq);
  const entries = row === undefined ? [] : decodeAppend(row);
  return Option.fromNullishOr(entries.find((entry) => entry.seq === seq));
};

export const readInbox = ({ prepare }: Connection, jobId: string): ReadonlyArray<InboxRow> =>
  prepare(`SELECT ${inboxSelection} FROM inbox WHERE job_id = ? AND consumed = 0 ORDER BY ordinal`)
    .all(jobId)
    .map(decodeInbox);

// CROSS JOIN keeps SQLite from starting with the jobs: the unread messages are the few.
export const readJobsWithInbox = (
  connection: Connection,
  owner: string | null,
): ReadonlyArray<string> =>
  strings(
    connection,
    `SELECT DISTINCT inbox.job_id AS value FROM inbox INDEXED BY inbox_unread CROSS JOIN jobs ON jobs.job_id = inbox.job_id
     WHERE consumed = 0 AND jobs.owner IS ?`,
    [owner],
  );

export const readTimers = (
  { prepare }: Connection,
  owner: string,
): ReadonlyArray<JobTimer & { readonly jobId: string }> =>
  prepare(
    `SELECT ${timerSelection} FROM (SELECT timers.* FROM jobs INDEXED BY jobs_owned CROSS JOIN timers ON timers.job_id = jobs.job_id
     WHERE jobs.owner = ?) ORDER BY wake_at`,
  )
    .all(owner)
    .map(decodeTimer);

export const readPredictions = (
  { prepare }: Connection,
  jobId: string,
): ReadonlyArray<PredictionRow> =>
  prepare(`SELECT ${predictionSelection} FROM predictions WHERE job_id = ? ORDER BY ordinal`)
    .all(jobId)
    .map(decodePrediction);

export const readOpenPredictions = (
  { prepare }: Connection,
  owner: string,
): ReadonlyArray<PredictionRow> =>
  prepare(
    `SELECT ${predictionSelection} FROM predictions INDEXED BY predictions_open
     CROSS JOIN jobs ON jobs.job_id = predictions.job_id
     WHERE ${openPrediction} AND (jobs.owner = ? OR jobs.owner IS NULL) ORDER BY predictions.ordinal`,
  )
    .all(owner)
    .map(decodePrediction);

export const readUnanswered = (
  { prepare }: Connection,
  provider: string,
  inputHash: string,
): ReadonlyArray<PredictionRow> =>
  prepare(
    `SELECT ${predictionSelection} FROM predictions INDEXED BY predictions_open
     WHERE ${openPrediction} AND state IN ('intended', 'unknown') AND provider = ? AND input_hash = ?
     ORDER BY ordinal`,
  )
    .all(provider, inputHash)
    .map(decodePrediction);

export const readAbsentPredictions = (
  { prepare }: Connection,
  since: number,
): ReadonlyArray<PredictionRow> =>
  prepare(
    `SELECT ${predictionSelection} FROM predictions INDEXED BY predictions_absent
     WHERE state = 'absent' AND intended_at >= ? ORDER BY predictions.ordinal`,
  )
    .all(since)
    .map(decodePrediction);

export const readKnownPredictions = (
  connection: Connection,
  provider: string,
  ids: ReadonlyArray<string>,
): ReadonlySet<string> =>
  new Set(
    strings(
      connection,
      "SELECT prediction_id AS value FROM predictions WHERE provider = ? AND prediction_id IN (SELECT value FROM json_each(?))",
      [provider, JSON.stringify(ids)],
    ),
  );

/** Changes whenever another connection has committed. */
export const readChangeCount = ({ prepare }: Connection): number =>
  Number(prepare("PRAGMA data_version").get()?.["data_version"]);
