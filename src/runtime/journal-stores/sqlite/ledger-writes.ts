/** The writes to the table of predictions. Each answers null where it conflicts over a prediction. */
import type { HintPrediction } from "../../journal-hints.ts";
import type { LedgerChange, PredictionRow, WriteResult } from "../../journal-store.ts";
import { committed, moveOf, predictionConflict } from "../write-rules.ts";
import { decodePrediction, predictionPart, predictionSelection } from "./prediction-rows.ts";
import { changes } from "./transaction.ts";
import type { Connection } from "./transaction.ts";
import { openPrediction } from "./schema.ts";
import { book } from "./spending.ts";

/** The row with this key, or null. */
export const predictionOf = ({ prepare }: Connection, key: string): PredictionRow | null => {
  const stored = prepare(`SELECT ${predictionSelection} FROM predictions WHERE key = ?`).get(key);
  return stored === undefined ? null : decodePrediction(stored);
};

/** False where its key or its provider's id is taken. */
export const insertPrediction = (connection: Connection, row: PredictionRow): boolean => {
  const { columns, values } = predictionPart(row);
  const marks = columns.map(() => "?").join(", ");
  const isInserted = changes(
    connection.prepare(
      `INSERT INTO predictions (${columns.join(", ")}, tenant)
       VALUES (${marks}, (SELECT tenant FROM jobs WHERE job_id = ?)) ON CONFLICT DO NOTHING`,
    ),
    [...values, row.jobId],
  );
  if (isInserted) book(connection, null, row);
  return isInserted;
};

const isIdTaken = ({ prepare }: Connection, row: PredictionRow, predictionId: string): boolean =>
  prepare("SELECT 1 FROM predictions WHERE provider = ? AND prediction_id = ? AND key <> ?").get(
    row.provider,
    predictionId,
    row.key,
  ) !== undefined;

/** False where the provider's id is taken; nothing is changed then. */
export const updatePrediction = (
  connection: Connection,
  row: PredictionRow,
  change: Partial<PredictionRow>,
): boolean => {
  const { columns, values } = predictionPart(change);
  if (columns.length === 0) return true;
  const id = change.predictionId;
  if (typeof id === "string" && isIdTaken(connection, row, id)) return false;
  const set = columns.map((column) => `${column} = ?`).join(", ");
  connection.prepare(`UPDATE predictions SET ${set} WHERE key = ?`).run(...values, row.key);
  book(connection, row, { ...row, ...change });
  return true;
};

/** False where the change contradicts the ledger. */
export const applyLedgerChange = (
  connection: Connection,
  jobId: string,
  change: LedgerChange,
): boolean => {
  if (change.type === "intend" || change.type === "reuse")
    return insertPrediction(connection, change.row);
  const row = predictionOf(connection, change.key);
  if (row?.jobId !== jobId) return false;
  const move = moveOf(row, change);
  return move !== null && updatePrediction(connection, row, move);
};

const setHint = `UPDATE predictions SET hinted_at = ? WHERE key = ? AND provider = ? AND (${openPrediction} OR state = 'absent')`;

export const hintPrediction = (
  { prepare }: Connection,
  { key, provider, at }: HintPrediction,
): WriteResult => (changes(prepare(setHint), [at, key, provider]) ? committed : predictionConflict);

/** Clears the owner of a released job none of whose predictions is open any more. */
export const settleRelease = ({ prepare }: Connection, jobId: string): void => {
  prepare(
    `UPDATE jobs SET owner = NULL WHERE job_id = ? AND released = 1 AND owner IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM predictions WHERE job_id = jobs.job_id AND ${openPrediction})`,
  ).run(jobId);
};
