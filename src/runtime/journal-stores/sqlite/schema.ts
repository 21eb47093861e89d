/**
 * The tables, and the steps that lead to them. `user_version` counts the steps a file has seen; a file
 * that has seen more than this version knows is refused.
 */
import type { DatabaseSync } from "node:sqlite";
import { appendsTable } from "./appends-schema.ts";
import { holdersTable } from "./asset-holders.ts";
import { broken } from "./failure.ts";
import { makeLetters } from "./letter-schema.ts";
import { outboxOfNoJob, outboxTable, outboxTopics } from "./outbox.ts";
import { nameOldAssets, retentionTables, reusableByTenant } from "./retention-schema.ts";
import { addSpending } from "./spending-schema.ts";

/** The condition of a prediction that still has to be followed; queries repeat it to use its index. */
export const openPrediction =
  "(state IN ('intended', 'unknown', 'accepted') OR (state = 'duplicate' AND settled_at IS NULL))";

/** The condition of a prediction that somebody shall look at; queries repeat it to use its index. */
export const hintedPrediction = `hinted_at IS NOT NULL AND (${openPrediction} OR state = 'absent')`;

/** The condition of a job that is for whoever takes it; queries repeat it to use its index. */
export const unownedJob = "owner IS NULL AND released = 0";

/** The condition of a job that has begun and was left to nobody: queued, or paused then. */
export const leftJob = `${unownedJob} AND status = 'processing'`;

/*
 * Partial indices keep every question of the running service as cheap with a million finished jobs as
 * with none. The ordinals give the order of arrival, which no clock can.
 */
const migrations: ReadonlyArray<string | ((db: DatabaseSync) => void)> = [
  `CREATE TABLE jobs (
     ordinal INTEGER PRIMARY KEY,
     job_id TEXT NOT NULL UNIQUE,
     seq INTEGER NOT NULL,
     epoch INTEGER NOT NULL,
     owner TEXT,
     released INTEGER NOT NULL DEFAULT 0,
     status TEXT NOT NULL,
     detail TEXT,
     current_step TEXT,
     attempt INTEGER NOT NULL,
     cost_micros INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     waiting_for TEXT,
     since INTEGER,
     until INTEGER,
     next TEXT,
     pipeline TEXT NOT NULL,
     version INTEGER NOT NULL,
     fingerprint TEXT NOT NULL,
     idempotency_key TEXT,
     error_message TEXT,
     failure_kind TEXT,
     raw_reference TEXT,
     normalized_output TEXT,
     input_payload TEXT NOT NULL,
     UNIQUE (pipeline, idempotency_key)
   );
   CREATE INDEX jobs_pending ON jobs (status) WHERE status = 'pending' AND owner IS NULL;
   CREATE INDEX jobs_owned ON jobs (owner) WHERE owner IS NOT NULL;
   CREATE INDEX jobs_by_status ON jobs (status);
   CREATE INDEX jobs_by_pipeline ON jobs (pipeline);

   CREATE TABLE entries (
     job_id TEXT NOT NULL REFERENCES jobs (job_id),
     seq INTEGER NOT NULL,
     type TEXT NOT NULL,
     at INTEGER NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (job_id, seq)
   );

   CREATE TABLE timers (
     job_id TEXT NOT NULL REFERENCES jobs (job_id),
     ordinal INTEGER NOT NULL,
     path TEXT NOT NULL,
     wake_at INTEGER NOT NULL,
     delay_ms INTEGER NOT NULL,
     PRIMARY KEY (job_id, ordinal)
   ) WITHOUT ROWID;

   CREATE TABLE inbox (
     ordinal INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     job_id TEXT NOT NULL REFERENCES jobs (job_id),
     at INTEGER NOT NULL,
     facts TEXT NOT NULL,
     consumed INTEGER NOT NULL DEFAULT 0
   );
   CREATE INDEX inbox_unread ON inbox (job_id, ordinal) WHERE consumed = 0;

   CREATE TABLE predictions (
     ordinal INTEGER PRIMARY KEY,
     key TEXT NOT NULL UNIQUE,
     job_id TEXT NOT NULL REFERENCES jobs (job_id),
     path TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     call INTEGER NOT NULL,
     provider TEXT NOT NULL,
     model TEXT NOT NULL,
     input_hash TEXT NOT NULL,
     estimate_micros INTEGER NOT NULL,
     timeout_ms INTEGER NOT NULL,
     intended_at INTEGER NOT NULL,
     state TEXT NOT NULL,
     prediction_id TEXT,
     status TEXT,
     cancel_requested_at INTEGER,
     unconfirmed INTEGER NOT NULL,
     settled_at INTEGER,
     raw TEXT,
     receipt TEXT,
     UNIQUE (provider, prediction_id)
   );
   CREATE INDEX predictions_by_job ON predictions (job_id);
   CREATE INDEX predictions_open ON predictions (job_id) WHERE ${openPrediction};

   CREATE TABLE connections (
     ordinal INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     commits INTEGER NOT NULL
   );`,
  (db) => {
    db.exec(retentionTables);
    nameOldAssets(db);
  },
  "CREATE INDEX predictions_absent ON predictions (intended_at) WHERE state = 'absent'",
  `ALTER TABLE jobs ADD COLUMN tenant TEXT;
   CREATE INDEX jobs_by_tenant ON jobs (tenant) WHERE tenant IS NOT NULL;`,
  appendsTable,
  `ALTER TABLE predictions ADD COLUMN hinted_at INTEGER;
   CREATE INDEX predictions_hinted ON predictions (job_id) WHERE ${hintedPrediction};`,
  makeLetters,
  outboxTable,
  addSpending,
  holdersTable,
  outboxOfNoJob,
  "ALTER TABLE predictions ADD COLUMN copying TEXT",
  `CREATE INDEX jobs_unowned ON jobs (ordinal) WHERE ${unownedJob}`,
  reusableByTenant,
  outboxTopics,
  `CREATE INDEX jobs_left ON jobs (ordinal) WHERE ${leftJob}`,
];

export const schemaVersion = migrations.length;

const versionOf = (db: DatabaseSync): number => {
  const version = db.prepare("PRAGMA user_version").get()?.["user_version"];
  return typeof version === "number" ? version : 0;
};

/** Brings the file to the tables of a version, default this one's; in the caller's transaction. Throws StoreFailure where it is newer. */
export const migrate = (db: DatabaseSync, to: number = schemaVersion): void => {
  const version = versionOf(db);
  if (version > schemaVersion) {
    throw broken(
      "open",
      new Error(
        `the file has schema version ${version}, this catena-ai knows ${schemaVersion} at most: update it`,
      ),
    );
  }
  for (const step of migrations.slice(version, to)) {
    if (typeof step === "string") db.exec(step);
    else step(db);
  }
  if (version < to) db.exec(`PRAGMA user_version = ${to}`);
};
