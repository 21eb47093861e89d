/** Jobs, intents and settlements as the cases about money need them. */
import type { AppendEntries, ChangePrediction, LedgerChange } from "../../journal-store.ts";
import { dayOf } from "../spending-rules.ts";
import { appendOf, createOf, predictionOf, startedAt } from "./samples.ts";

export const today = dayOf(startedAt);
export const nextDayAt = (today + 1) * 86_400_000;

/** A job of owner `o`. */
export const jobOf = (jobId: string, tenant: string | null = null) =>
  createOf(jobId, { epoch: 1, owner: "o", tenant });

export interface Intent {
  readonly key: string;
  readonly micros: number;
  readonly at?: number;
}

export const intend = (jobId: string, { key, micros, at = startedAt }: Intent): LedgerChange => ({
  type: "intend",
  row: predictionOf(key, jobId, { estimateMicros: micros, intendedAt: at }),
});

/** An append at seq 1 with these intents. */
export const reserving = (
  jobId: string,
  intents: ReadonlyArray<Intent>,
  part: Partial<AppendEntries> = {},
): AppendEntries =>
  appendOf(jobId, 1, { ledger: intents.map((intent) => intend(jobId, intent)), ...part });

export const becomes = (key: string, change: ChangePrediction["change"]): ChangePrediction => ({
  type: "ChangePrediction",
  key,
  from: ["intended", "unknown", "accepted", "duplicate"],
  change,
  inbox: null,
});

export const settles = (
  key: string,
  costMicros: number,
  more: { readonly isUnmeasured?: boolean } = {},
): ChangePrediction =>
  becomes(key, {
    state: "settled",
    status: "succeeded",
    settledAt: startedAt + 9,
    receipt: {
      provider: "replicate",
      model: "meta/llama",
      predictionId: `id of ${key}`,
      costMicros,
      basis: "seconds",
      metrics: {},
      ...more,
    },
  });
