/** How content leaves the tables, and how names of assets come in. Runs inside a transaction. */
import type { Fact } from "../../../machines/entry.ts";
import type {
  EraseJob,
  EraseRawAnswers,
  NameAssets,
  NamedAsset,
  TidyAssets,
} from "../../journal-retention.ts";
import type { ChangePrediction, PredictionRow, WriteResult } from "../../journal-store.ts";
import { assetsNamedBy, changeOfErased } from "../retention-rules.ts";
import { committed, jobConflict } from "../write-rules.ts";
import { holdOwn } from "./asset-holders.ts";
import { ofJob } from "./appends-schema.ts";
import { insertName, restingJob } from "./retention-schema.ts";
import { json } from "./rows.ts";
import { openPrediction } from "./schema.ts";
import { changes } from "./transaction.ts";
import type { Connection } from "./transaction.ts";

/** The condition of a job whose content may be taken away now. */
export const erasableJob = `${restingJob} AND owner IS NULL
  AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.job_id = jobs.job_id AND consumed = 0)
  AND NOT EXISTS (SELECT 1 FROM predictions WHERE predictions.job_id = jobs.job_id AND ${openPrediction})`;

/** The epoch moves on, so that whoever still holds the job for its own appends nothing. */
const buryJob = `UPDATE jobs SET detail = NULL, waiting_for = NULL, since = NULL, until = NULL, next = NULL,
  error_message = NULL, normalized_output = NULL, raw_reference = NULL, input_payload = ?,
  idempotency_key = NULL, erased_at = ?, epoch = epoch + 1
  WHERE job_id = ? AND seq = ? AND ${erasableJob}`;

const forgetContent = [
  "DELETE FROM asset_names WHERE job_id = ?",
  "DELETE FROM unread_payloads WHERE job_id = ?",
  `DELETE FROM appends WHERE ${ofJob}`,
  "DELETE FROM timers WHERE job_id = ?",
  "DELETE FROM inbox WHERE job_id = ?",
  "DELETE FROM dead_letters WHERE job_id = ?",
  "DELETE FROM outbox WHERE job_id = ?",
];

const emptyLedger = `UPDATE predictions SET input_hash = '', raw = CASE WHEN raw IS NULL THEN NULL ELSE ? END WHERE job_id = ?`;

// A name for a job that may never come keeps the file for now, and no longer than that name.
const leave = `INSERT INTO leftover_assets (sha256, rested_at)
  SELECT DISTINCT sha256, (SELECT rested_at FROM jobs WHERE jobs.job_id = own.job_id) FROM asset_names AS own WHERE job_id = ? AND raw >= ? AND payload >= ?
    AND NOT EXISTS (SELECT 1 FROM asset_names AS other WHERE other.sha256 = own.sha256
      AND other.early_at IS NULL AND (other.job_id <> own.job_id OR other.raw < ?))
  ON CONFLICT (sha256) DO UPDATE SET rested_at = excluded.rested_at`;

export const eraseJob = ({ prepare }: Connection, write: EraseJob): WriteResult => {
  const { jobId, seq, at, leavesBehind } = write;
  const mark = json({ erasedAt: at });
  if (!changes(prepare(buryJob), [mark, at, jobId, seq])) return jobConflict;
  prepare(leave).run(jobId, 0, leavesBehind === "assets" ? 0 : 1, 0);
  for (const statement of forgetContent) prepare(statement).run(jobId);
  prepare(emptyLedger).run(mark, jobId);
  return committed;
};

const emptyRecord = `UPDATE jobs SET raw_reference = CASE WHEN raw_reference IS NULL THEN NULL ELSE ? END,
  raw_erased_at = max(?, rested_at) WHERE job_id = ? AND seq = ? AND ${erasableJob}`;

const withoutRaw = `(SELECT json_group_array(json(CASE WHEN json_type(value, '$.raw') IS NULL THEN value
    ELSE json_set(value, '$.raw', json(?)) END) ORDER BY key) FROM json_each(entries))`;
const emptyEntries = `UPDATE appends SET entries = ${withoutRaw} WHERE ${ofJob}
  AND EXISTS (SELECT 1 FROM json_each(entries) WHERE json_type(value, '$.raw') IS NOT NULL)`;

export const eraseRawAnswers = ({ prepare }: Connection, write: EraseRawAnswers): WriteResult => {
  const { jobId, seq, at } = write;
  const mark = json({ erasedAt: at });
  if (!changes(prepare(emptyRecord), [mark, at, jobId, seq])) return jobConflict;
  prepare(leave).run(jobId, 1, 1, 1);
  prepare("DELETE FROM asset_names WHERE job_id = ? AND raw = 1").run(jobId);
  prepare("DELETE FROM unread_payloads WHERE job_id = ? AND raw = 1").run(jobId);
  prepare(emptyEntries).run(mark, jobId);
  prepare("UPDATE predictions SET raw = ? WHERE job_id = ? AND raw IS NOT NULL").run(mark, jobId);
  return committed;
};

// --- names of assets

const insertNames = (
  { prepare }: Connection,
  { jobId, names, earlyAt }: Named & { readonly earlyAt: number | null },
): void => {
  for (const { sha256, isRaw, isPayload } of names) {
    prepare(insertName).run(sha256, jobId, isRaw ? 1 : 0, isPayload ? 1 : 0, earlyAt);
    if (isPayload)
      prepare("DELETE FROM unread_payloads WHERE sha256 = ? AND job_id = ?").run(sha256, jobId);
  }
};

type Named = Pick<NameAssets, "jobId" | "names">;

/** Null where there is no such job yet. */
const erasureOf = ({ prepare }: Connection, jobId: string): { readonly at: unknown } | null => {
  const stored = prepare("SELECT erased_at FROM jobs WHERE job_id = ?").get(jobId);
  return stored === undefined ? null : { at: stored["erased_at"] };
};

export const nameAssets = (connection: Connection, write: NameAssets): WriteResult => {
  const job = erasureOf(connection, write.jobId);
  if (job !== null && job.at !== null) return jobConflict;
  insertNames(connection, { ...write, earlyAt: job === null ? write.at : null });
  holdOwn(connection, write);
  return committed;
};

/** What the entry of a job that is there names; `text` is the entry's JSON. */
export const nameIn = (connection: Connection, jobId: string, { fact, text }: Said): void => {
  const names: ReadonlyArray<NamedAsset> = assetsNamedBy(fact, text);
  if (names.length === 0) return;
  insertNames(connection, { jobId, names, earlyAt: null });
  // Names that were given before the job was there have found it now.
  if (fact.type === "JobSubmitted")
    connection.prepare("UPDATE asset_names SET early_at = NULL WHERE job_id = ?").run(jobId);
};

export interface Said {
  readonly fact: Fact;
  readonly text: string;
}

const dropEarly = `DELETE FROM asset_names WHERE early_at < ?
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.job_id = asset_names.job_id)`;

/** Unless it was only a job that may never come that kept it. */
const forgetLeftover = `DELETE FROM leftover_assets WHERE sha256 = ?
  AND NOT EXISTS (SELECT 1 FROM asset_names WHERE sha256 = ? AND early_at IS NOT NULL)`;

export const tidyAssets = ({ prepare }: Connection, write: TidyAssets): WriteResult => {
  for (const sha256 of write.gone) prepare(forgetLeftover).run(sha256, sha256);
  prepare(dropEarly).run(write.earlyBefore);
  return committed;
};

/** The job will never be there. */
export const dropEarlyOf = ({ prepare }: Connection, jobId: string): void => {
  prepare("DELETE FROM asset_names WHERE job_id = ? AND early_at IS NOT NULL").run(jobId);
};

// --- doubles, which may come after their job was erased

const erasedAtOf = (connection: Connection, jobId: string): number | null => {
  const at = erasureOf(connection, jobId)?.at;
  return typeof at === "number" ? at : null;
};

/** The change as it may be made: of a double of an erased job no answer is kept. */
export const changeOf = (
  connection: Connection,
  row: PredictionRow,
  change: ChangePrediction["change"],
): ChangePrediction["change"] => {
  if (row.state !== "duplicate") return change;
  const erasedAt = erasedAtOf(connection, row.jobId);
  return erasedAt === null ? change : changeOfErased(change, erasedAt);
};

/** The row as it may be added: a double of an erased job does not say what was asked. */
export const duplicateOf = (connection: Connection, row: PredictionRow): PredictionRow =>
  erasedAtOf(connection, row.jobId) === null ? row : { ...row, inputHash: "" };
