/** The outbox as a table: what is written to it, and what is asked of it. */
import { Option, Schema } from "effect";
import type { SQLInputValue } from "node:sqlite";
import type {
  ChangeNotification,
  NewNotification,
  NotificationFilter,
  NotificationRow,
  TakeNotifications,
  TidyNotifications,
  Topic,
} from "../../journal-outbox.ts";
import type { WriteResult } from "../../journal-store.ts";
import { committed, notificationConflict } from "../write-rules.ts";
import { jsonIn, numberIn, type Row, textIn, textOrNullIn, wordIn } from "./columns.ts";
import { json } from "./rows.ts";
import { changes } from "./transaction.ts";
import type { Connection } from "./transaction.ts";

// Each question of the running service has an index of its own, which delivered rows leave again.
export const outboxTable = `
   CREATE TABLE outbox (
     ordinal INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     subscription TEXT NOT NULL,
     type TEXT NOT NULL,
     at INTEGER NOT NULL,
     job_id TEXT,
     seq INTEGER,
     cost_micros INTEGER,
     data TEXT NOT NULL,
     owner TEXT NOT NULL,
     state TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     next_at INTEGER NOT NULL,
     last_error TEXT,
     updated_at INTEGER NOT NULL
   );
   CREATE INDEX outbox_due ON outbox (owner, subscription, next_at) WHERE state = 'due';
   CREATE INDEX outbox_undeliverable ON outbox (ordinal) WHERE state = 'undeliverable';
   CREATE INDEX outbox_by_job ON outbox (job_id) WHERE job_id IS NOT NULL;
   CREATE INDEX outbox_of_no_job ON outbox (updated_at) WHERE job_id IS NULL AND state = 'delivered';
`;

/** Alerts are few among what jobs tell, and are looked for at every start. */
export const outboxOfNoJob =
  "CREATE INDEX outbox_of_no_job_in_order ON outbox (ordinal) WHERE job_id IS NULL";

/** What processes tell of the same thing is found by it; what is over and belongs to no job leaves by age. */
export const outboxTopics = `
   ALTER TABLE outbox ADD COLUMN topic TEXT;
   CREATE INDEX outbox_by_topic ON outbox (topic, at) WHERE topic IS NOT NULL;
   DROP INDEX outbox_of_no_job;
   CREATE INDEX outbox_of_no_job ON outbox (updated_at) WHERE job_id IS NULL;
`;

const insert =
  "INSERT INTO outbox (id, subscription, type, at, job_id, seq, cost_micros, data, owner, state, attempts," +
  " next_at, last_error, updated_at, topic) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'due', 0, ?, NULL, ?, ?)" +
  " ON CONFLICT (id) DO NOTHING";

export const insertNotifications = (
  connection: Connection,
  notifications: ReadonlyArray<NewNotification>,
  topic?: Topic,
): WriteResult => {
  for (const { id, subscription, type, at, job, data, owner } of notifications) {
    if (topic !== undefined && isTold(connection, subscription, topic)) continue;
    const ofJob = [job?.jobId ?? null, job?.seq ?? null, job?.costMicros ?? null];
    const about = [...ofJob, JSON.stringify(data), owner, at, at, topic?.name ?? null];
    connection.prepare(insert).run(id, subscription, type, at, ...about);
  }
  return committed;
};

const isTold = (
  { prepare }: Connection,
  subscription: string,
  { name, toldAfter }: Topic,
): boolean =>
  prepare("SELECT 1 FROM outbox WHERE topic = ? AND at > ? AND subscription = ?").get(
    name,
    toldAfter,
    subscription,
  ) !== undefined;

const change =
  "UPDATE outbox SET state = ?, attempts = ?, next_at = ?, last_error = ?, owner = ?, updated_at = ?" +
  " WHERE id = ? AND state = ? AND attempts = ? AND owner = ?";

export const changeNotification = (
  { prepare }: Connection,
  { id, from, to }: ChangeNotification,
): WriteResult => {
  const set = [to.state, to.attempts, to.nextAt, to.lastError, to.owner, to.updatedAt];
  const isChanged = changes(prepare(change), [...set, id, from.state, from.attempts, from.owner]);
  return isChanged ? committed : notificationConflict;
};

const ofThese = "subscription IN (SELECT value FROM json_each(?))";

export const takeNotifications = (
  { prepare }: Connection,
  { from, to, subscriptions }: TakeNotifications,
): WriteResult => {
  prepare(
    `UPDATE outbox INDEXED BY outbox_due SET owner = ? WHERE state = 'due' AND owner = ? AND ${ofThese}`,
  ).run(to, from, JSON.stringify(subscriptions));
  return committed;
};

const isOver = "job_id IS NULL AND updated_at < :before AND (state <> 'due' OR next_at < :before)";

export const tidyNotifications = (
  { prepare }: Connection,
  { before }: TidyNotifications,
): WriteResult => {
  prepare(`DELETE FROM dead_letters WHERE id IN (SELECT id FROM outbox WHERE ${isOver})`).run({
    before,
  });
  prepare(`DELETE FROM outbox WHERE ${isOver}`).run({ before });
  return committed;
};

// --- questions

const types = [
  "job.complete",
  "job.failed",
  "job.cancelled",
  "alert.raised",
  "alert.cleared",
] as const;
const states = ["due", "delivered", "undeliverable"] as const;

const decodeData = Schema.decodeUnknownSync(Schema.Json);

/** Throws ColumnMismatch or SchemaError where the row is not what this version wrote. */
const decodeRow = (row: Row): NotificationRow => ({
  id: textIn(row, "id"),
  subscription: textIn(row, "subscription"),
  type: wordIn(row, "type", types),
  at: numberIn(row, "at"),
  job: jobIn(row),
  data: row["data"] === "null" ? null : decodeData(jsonIn(row, "data")),
  owner: textIn(row, "owner"),
  state: wordIn(row, "state", states),
  attempts: numberIn(row, "attempts"),
  nextAt: numberIn(row, "next_at"),
  lastError: textOrNullIn(row, "last_error"),
  updatedAt: numberIn(row, "updated_at"),
});

const jobIn = (row: Row): NotificationRow["job"] =>
  row["job_id"] === null
    ? null
    : {
        jobId: textIn(row, "job_id"),
        seq: numberIn(row, "seq"),
        costMicros: numberIn(row, "cost_micros"),
      };

const rows = (
  { prepare }: Connection,
  rest: string,
  values: ReadonlyArray<SQLInputValue>,
): ReadonlyArray<NotificationRow> =>
  prepare(`SELECT * FROM outbox ${rest}`)
    .all(...values)
    .map(decodeRow);

/** Each with its one value. */
const conditions = {
  state: "state = ?",
  subscription: "subscription = ?",
  jobId: "job_id = ?",
  olderThan: "ordinal < (SELECT ordinal FROM outbox WHERE id = ?)",
} as const;

export const readNotifications = (
  connection: Connection,
  filter: NotificationFilter,
): ReadonlyArray<NotificationRow> => {
  const { state, subscription, jobId, olderThan, limit = 100 } = filter;
  const ofNoJob = jobId === null ? ["job_id IS NULL"] : [];
  const wanted = Object.entries({
    state,
    subscription,
    jobId: jobId ?? undefined,
    olderThan,
  }).flatMap(([field, value]) =>
    value === undefined || !isCondition(field) ? [] : [{ field, value }],
  );
  const where = [...ofNoJob, ...wanted.map(({ field }) => conditions[field])].join(" AND ");
  const values = [...wanted.map(({ value }) => value), limit];
  return rows(
    connection,
    `${where === "" ? "" : `WHERE ${where}`} ORDER BY ordinal DESC LIMIT ?`,
    values,
  );
};

const isCondition = (field: string): field is keyof typeof conditions => field in conditions;

export const readNotification = (
  connection: Connection,
  id: string,
): Option.Option<NotificationRow> =>
  Option.fromNullishOr(rows(connection, "WHERE id = ?", [id])[0]);

export const readDueNotifications = (
  connection: Connection,
  ...asked: readonly [owner: string, subscription: string, limit: number]
): ReadonlyArray<NotificationRow> =>
  rows(
    connection,
    `INDEXED BY outbox_due WHERE state = 'due' AND owner = ? AND subscription = ?
     ORDER BY next_at, ordinal LIMIT ?`,
    asked,
  );

export const readSenders = (
  { prepare }: Connection,
  subscriptions: ReadonlyArray<string>,
): ReadonlyArray<string> =>
  prepare(
    `SELECT DISTINCT owner FROM outbox INDEXED BY outbox_due WHERE state = 'due' AND ${ofThese}`,
  )
    .all(json(subscriptions))
    .map(({ owner }) => String(owner));
