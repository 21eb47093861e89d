/**
 * The table of appends: one row an append, its entries as one JSON list. One row instead of one an entry, under the
 * number of its job instead of the id, is what a step's commit costs two fifths less for.
 */

/** The condition of a job's appends, by the job's id. */
export const ofJob = "job = (SELECT ordinal FROM jobs WHERE job_id = ?)";

/** Takes over what older files hold with one row an entry; what does not parse is handed on as it is. */
export const appendsTable = `
  CREATE TABLE appends (
    job INTEGER NOT NULL REFERENCES jobs (ordinal),
    seq INTEGER NOT NULL,
    v INTEGER NOT NULL,
    entries TEXT NOT NULL,
    PRIMARY KEY (job, seq)
  );
  INSERT INTO appends (job, seq, v, entries)
    SELECT jobs.ordinal, entries.seq, CASE WHEN json_valid(body) THEN coalesce(body ->> '$.v', 1) ELSE 1 END,
      '[' || CASE WHEN json_valid(body)
        THEN json_set(json_remove(body, '$.v'), '$.type', type, '$.seq', entries.seq, '$.at', at) ELSE body END || ']'
    FROM entries JOIN jobs ON jobs.job_id = entries.job_id ORDER BY entries.rowid;
  DROP TABLE entries;
`;
