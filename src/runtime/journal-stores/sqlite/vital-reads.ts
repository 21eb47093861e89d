/** What waits longest, as SQL: every question goes by an index of what is not finished. */
import { Option } from "effect";
import type { Hint } from "../../journal-hints.ts";
import type {
  LongestInQueue,
  LongestWait,
  OpenPredictions,
  UnfinishedJob,
} from "../../journal-vitals.ts";
import { numberIn, numberOrNullIn, type Row, textIn, textOrNullIn } from "./columns.ts";
import { hintedPrediction, leftJob, openPrediction } from "./schema.ts";
import type { Connection } from "./transaction.ts";

const neverBegun = `SELECT job_id, created_at AS since, pipeline, version FROM jobs INDEXED BY jobs_pending
  WHERE status = 'pending' AND owner IS NULL ORDER BY ordinal LIMIT 1`;

/** Those that were told to go on wait since then: it was their last entry. */
const toldToGoOn = `SELECT job_id, updated_at AS since, pipeline, version FROM jobs INDEXED BY jobs_left
  WHERE ${leftJob} AND detail = 'queued' ORDER BY updated_at, ordinal LIMIT 1`;

export const readOldestPending = ({ prepare }: Connection): Option.Option<LongestInQueue> => {
  const [oldest] = [neverBegun, toldToGoOn]
    .map((query) => prepare(query).get())
    .filter((row) => row !== undefined)
    .map((row) => ({
      ...longestIn(row),
      pipeline: textIn(row, "pipeline"),
      version: numberIn(row, "version"),
    }))
    .toSorted((left, right) => left.since - right.since);
  return Option.fromNullishOr(oldest);
};

export const readOldestMessage = ({ prepare }: Connection): Option.Option<LongestWait> =>
  Option.map(
    Option.fromNullishOr(
      prepare(
        `SELECT inbox.job_id, at AS since FROM inbox INDEXED BY inbox_unread
         CROSS JOIN jobs ON jobs.job_id = inbox.job_id
         WHERE consumed = 0 AND status <> 'pending' ORDER BY inbox.ordinal LIMIT 1`,
      ).get(),
    ),
    longestIn,
  );

const longestIn = (row: Row): LongestWait => ({
  jobId: textIn(row, "job_id"),
  since: numberIn(row, "since"),
});

const unfinishedColumns =
  "job_id, pipeline, version, current_step, detail, waiting_for, until, updated_at";

export const readUnfinished = (
  { prepare }: Connection,
  after: string | null,
  limit: number,
): ReadonlyArray<UnfinishedJob> =>
  prepare(
    `SELECT ${unfinishedColumns} FROM jobs INDEXED BY jobs_by_status
     WHERE status = 'processing' AND ordinal > coalesce((SELECT ordinal FROM jobs WHERE job_id = ?), 0)
     ORDER BY ordinal LIMIT ?`,
  )
    .all(after, limit)
    .map((row) => ({
      jobId: textIn(row, "job_id"),
      pipeline: textIn(row, "pipeline"),
      version: numberIn(row, "version"),
      step: textOrNullIn(row, "current_step"),
      detail: textOrNullIn(row, "detail"),
      waitingFor: textOrNullIn(row, "waiting_for"),
      until: numberOrNullIn(row, "until"),
      updatedAt: numberIn(row, "updated_at"),
    }));

const openOf = `FROM predictions INDEXED BY predictions_open
  CROSS JOIN jobs ON jobs.job_id = predictions.job_id
  WHERE ${openPrediction} AND state <> 'duplicate' AND (jobs.owner = ? OR jobs.owner IS NULL)`;

export const readOpen = (
  { prepare }: Connection,
  owner: string,
  before: number,
): OpenPredictions => ({
  counts: new Map(
    prepare(`SELECT provider, count(*) AS open ${openOf} GROUP BY provider`)
      .all(owner)
      .map((row) => [textIn(row, "provider"), numberIn(row, "open")]),
  ),
  longOpen: prepare(
    `SELECT key, predictions.job_id, provider, prediction_id, intended_at ${openOf}
       AND intended_at < ? ORDER BY intended_at`,
  )
    .all(owner, before)
    .map((row) => ({
      key: textIn(row, "key"),
      jobId: textIn(row, "job_id"),
      provider: textIn(row, "provider"),
      predictionId: textOrNullIn(row, "prediction_id"),
      intendedAt: numberIn(row, "intended_at"),
    })),
});

export const readHints = ({ prepare }: Connection, owner: string | null): ReadonlyArray<Hint> =>
  prepare(
    `SELECT predictions.key, hinted_at FROM predictions INDEXED BY predictions_hinted
     CROSS JOIN jobs ON jobs.job_id = predictions.job_id
     WHERE ${hintedPrediction} AND jobs.owner IS ? ORDER BY predictions.ordinal`,
  )
    .all(owner)
    .map((row) => ({ key: textIn(row, "key"), hintedAt: numberIn(row, "hinted_at") }));
