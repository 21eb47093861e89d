/** The table of dead letters, and what a file from before it gets: a letter for every job that lies failed. */
import type { DatabaseSync } from "node:sqlite";
import { causeOf, maxMessage } from "../letter-rules.ts";
import { numberIn, textIn, textOrNullIn } from "./columns.ts";

/*
 * Nothing but deaths and what follows them writes here, so that its indices cost the running jobs nothing.
 * Closed letters stay, as the count of deaths, until their job is erased.
 */
const letterTables = `
   CREATE TABLE dead_letters (
     ordinal INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     source TEXT NOT NULL,
     job_id TEXT,
     tenant TEXT,
     pipeline TEXT,
     step TEXT,
     kind TEXT NOT NULL,
     cause TEXT NOT NULL,
     message TEXT,
     reason TEXT NOT NULL,
     deaths INTEGER NOT NULL,
     first_at INTEGER NOT NULL,
     died_at INTEGER NOT NULL,
     open INTEGER NOT NULL
   );
   CREATE INDEX letters_open ON dead_letters (ordinal) WHERE open = 1;
   CREATE INDEX letters_by_cause ON dead_letters (cause) WHERE open = 1;
   CREATE INDEX letters_by_pipeline ON dead_letters (pipeline) WHERE open = 1;
   CREATE INDEX letters_by_tenant ON dead_letters (tenant) WHERE open = 1;
   CREATE INDEX letters_by_death ON dead_letters (died_at) WHERE open = 1;
   CREATE INDEX letters_by_job ON dead_letters (job_id);
`;

const failedJobs = `SELECT job_id, tenant, pipeline, current_step, failure_kind, error_message, updated_at
  FROM jobs WHERE status = 'failed' AND failure_kind IS NOT NULL AND erased_at IS NULL ORDER BY ordinal`;

const insertOld = `INSERT INTO dead_letters
  (id, source, job_id, tenant, pipeline, step, kind, cause, message, reason, deaths, first_at, died_at, open)
  VALUES (?, 'job', ?, ?, ?, ?, ?, ?, NULL, ?, 1, ?, ?, 1)`;

export const makeLetters = (db: DatabaseSync): void => {
  db.exec(letterTables);
  const insert = db.prepare(insertOld);
  for (const row of db.prepare(failedJobs).iterate()) {
    const [jobId, pipeline] = [textIn(row, "job_id"), textIn(row, "pipeline")];
    const [step, kind] = [textOrNullIn(row, "current_step"), textIn(row, "failure_kind")];
    const words = textOrNullIn(row, "error_message") ?? "";
    const cause = causeOf({ source: "job", pipeline, step, kind, words });
    const at = numberIn(row, "updated_at");
    const tenant = textOrNullIn(row, "tenant");
    const reason = words.slice(0, maxMessage);
    insert.run(jobId, jobId, tenant, pipeline, step, kind, cause, reason, at, at);
  }
};
