/** The questions about content, and about what may be taken away, as SQL. */
import { Option, Schema } from "effect";
import type {
  FreeQuery,
  JobContent,
  Leftover,
  RestedQuery,
  ReuseQuery,
  UnreadPayload,
} from "../../journal-retention.ts";
import { type PredictionRow, StoreFailure } from "../../journal-store.ts";
import { isErased } from "../retention-rules.ts";
import { decodePrediction, predictionSelection } from "./prediction-rows.ts";
import { jobWithRaw, restingJob, reusablePrediction } from "./retention-schema.ts";
import { erasableJob } from "./retention-writes.ts";
import type { Connection } from "./transaction.ts";

const keptRaw = `raw IS NOT NULL AND substr(raw, 1, 11) <> '{"erasedAt"'`;
const ofJob = "job_id = jobs.job_id";

const content = `job_id AS "jobId", seq, rested_at AS "restedAt",
  (SELECT coalesce(sum(octet_length(entries)), 0) FROM appends WHERE job = jobs.ordinal) AS bytes,
  (SELECT count(*) FROM predictions WHERE predictions.${ofJob} AND ${keptRaw}) AS "rawAnswers",
  (SELECT coalesce(sum(octet_length(raw) + coalesce(json_extract(raw, '$.sizeBytes'), 0)), 0)
     FROM predictions WHERE predictions.${ofJob} AND ${keptRaw}) AS "rawBytes",
  (SELECT json_group_array(json_object('sha256', sha256, 'isRaw', raw))
     FROM asset_names WHERE asset_names.${ofJob} AND payload = 1) AS payloads`;

const decodeContent: (stored: unknown) => JobContent = Schema.decodeUnknownSync(
  Schema.Struct({
    jobId: Schema.String,
    seq: Schema.Number,
    restedAt: Schema.Number,
    bytes: Schema.Number,
    rawAnswers: Schema.Number,
    rawBytes: Schema.Number,
    payloads: Schema.fromJsonString(
      Schema.Array(Schema.Struct({ sha256: Schema.String, isRaw: Schema.BooleanFromBit })),
    ),
  }),
);

export const readRested = (
  { prepare }: Connection,
  { before, hasRaw, after, limit }: RestedQuery,
): ReadonlyArray<JobContent> =>
  prepare(
    `SELECT ${content} FROM jobs INDEXED BY ${hasRaw ? "jobs_with_raw" : "jobs_resting"}
     WHERE ${hasRaw ? jobWithRaw : restingJob} AND ${erasableJob}
       AND rested_at < ? AND (rested_at, job_id) > (?, ?)
     ORDER BY rested_at, job_id LIMIT ?`,
  )
    .all(before, after?.restedAt ?? Number.MIN_SAFE_INTEGER, after?.jobId ?? "", limit)
    .map(decodeContent);

export const readContent = ({ prepare }: Connection, jobId: string): Option.Option<JobContent> =>
  Option.map(
    Option.fromNullishOr(
      prepare(`SELECT ${content} FROM jobs WHERE job_id = ? AND ${erasableJob}`).get(jobId),
    ),
    decodeContent,
  );

/** Before every instant: nothing is old enough. */
const never = Number.MIN_SAFE_INTEGER;

export const readFreeAssets = (
  { prepare }: Connection,
  { sha256s, asIf }: FreeQuery,
): ReadonlySet<string> =>
  new Set(
    prepare(
      `SELECT value FROM json_each(?) AS asked WHERE NOT EXISTS (
         SELECT 1 FROM asset_names WHERE sha256 = asked.value AND NOT EXISTS (
           SELECT 1 FROM jobs WHERE jobs.job_id = asset_names.job_id AND ${erasableJob}
             AND (rested_at < ? OR (raw = 1 AND rested_at < ?))))`,
    )
      .all(JSON.stringify(sha256s), asIf?.jobsBefore ?? never, asIf?.rawBefore ?? never)
      .map(({ value }) => String(value)),
  );

export const readLeftovers = (
  { prepare }: Connection,
  after: string,
  limit: number,
): ReadonlyArray<Leftover> =>
  prepare(
    'SELECT sha256, rested_at AS "restedAt" FROM leftover_assets WHERE sha256 > ? ORDER BY sha256 LIMIT ?',
  )
    .all(after, limit)
    .map(decodeLeftover);

const decodeLeftover: (stored: unknown) => Leftover = Schema.decodeUnknownSync(
  Schema.Struct({ sha256: Schema.String, restedAt: Schema.Number }),
);

const decodeUnread: (stored: unknown) => UnreadPayload = Schema.decodeUnknownSync(
  Schema.Struct({ jobId: Schema.String, sha256: Schema.String, isRaw: Schema.BooleanFromBit }),
);

export const readUnreadPayloads = (
  { prepare }: Connection,
  limit: number,
): ReadonlyArray<UnreadPayload> =>
  prepare('SELECT job_id AS "jobId", sha256, raw AS "isRaw" FROM unread_payloads LIMIT ?')
    .all(limit)
    .map(decodeUnread);

export const readReusable = (
  { prepare }: Connection,
  { provider, model, inputHash, since, notOf, tenant }: ReuseQuery,
): Option.Option<PredictionRow> => {
  const found = prepare(
    `SELECT ${predictionSelection} FROM predictions INDEXED BY predictions_by_input
     WHERE ${reusablePrediction} AND input_hash = ? AND provider = ? AND model = ?
       AND settled_at >= ? AND job_id <> ? AND ${keptRaw} ${tenant === undefined ? "" : "AND tenant IS ?"}
     ORDER BY settled_at DESC, ordinal DESC LIMIT 1`,
  ).get(inputHash, provider, model, since, notOf, ...(tenant === undefined ? [] : [tenant]));
  const row = found === undefined ? null : decodePrediction(found);
  return row === null || isErased(row.raw) ? Option.none() : Option.some(row);
};

/**
 * The log holds pages as they were before something was erased; emptied into the file, it is cut to
 * nothing. What was deleted in the file itself is overwritten at once (`secure_delete`), but for
 * copies that SQLite left in unused parts of pages when it moved rows: those only a VACUUM takes.
 */
export const emptyLog = ({ db }: Connection): void => {
  const answer = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (answer?.["busy"] === 0) return;
  const cause = new Error("another connection is reading the log");
  throw new StoreFailure({ operation: "empty the log", reason: "Busy", cause });
};
