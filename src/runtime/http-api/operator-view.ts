/** What operators see of a job beyond its callers: what went wrong in plain words, costs, and what was paid for. */
import type { PredictionRow, StateRecord } from "../journal-store.ts";
import { usdOf } from "../us-dollars.ts";

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const operatorFields = ({ version, errorMessage, costMicros }: StateRecord) => ({
  version,
  error_message: errorMessage,
  cost_usd: usdOf(costMicros),
});

/** A row of the ledger without its key: who knows that one could claim to be the provider's answer. */
export const receiptOf = (row: PredictionRow) => ({
  step: row.path,
  attempt: row.attempt,
  call: row.call,
  provider: row.provider,
  model: row.model,
  state: row.state,
  prediction_id: row.predictionId,
  status: row.status,
  intended_at: iso(row.intendedAt),
  settled_at: iso(row.settledAt),
  cost_usd: row.receipt === null ? null : usdOf(row.receipt.costMicros),
  basis: row.receipt?.basis ?? null,
  metrics: row.receipt?.metrics ?? null,
});
