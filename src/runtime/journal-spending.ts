/**
 * The part of the journal store's port that counts money: what is reserved and spent, for a job and for a
 * day, and the budgets that an intent has to fit in.
 *
 * Guarantees of every adapter. A row of the ledger is booked in the transaction that writes it: its
 * estimate as reserved while nobody knows what it costs, its receipt as spent from then on, nothing for
 * what was rejected or is absent. Doubles and predictions that were given up as unconfirmed are booked like
 * any other. A row belongs to the UTC day of its intent, whenever it ends, and to its job's tenant. The
 * sums are those of a recount of the ledger at every instant. An intent that does not fit is not written,
 * nor is anything else of its append, whoever else reserves at the same time.
 */
import type { Effect } from "effect";

export type BudgetName = "job" | "tenant" | "day";

/** In millionths of a US dollar; what is absent is not bounded. */
export interface Budgets {
  /** What one job may cost, over its whole life. */
  readonly jobMicros?: number;
  /** What the jobs of one tenant may cost, each tenant by itself, a UTC day. */
  readonly tenantMicros?: number;
  /** What all jobs of the store may cost, a UTC day. */
  readonly dayMicros?: number;
}

/** In millionths of a US dollar, to a tenth. */
export interface Amount {
  /** By estimates of calls that are open, or whose cost nobody could measure. */
  readonly reservedMicros: number;
  /** By receipts. */
  readonly spentMicros: number;
}

/** What an intent of this job on this day would be added to. */
export interface JobSpending {
  readonly job: Amount;
  /** Null where the job has no tenant. */
  readonly tenant: Amount | null;
  readonly day: Amount;
}

/** `tenant`: whose jobs these are; null for the jobs of all. */
export interface DaySpending extends Amount {
  readonly tenant: string | null;
}

/** The intent under `key` does not fit in the named budget: the first of job, tenant and day that is too small. */
export interface OverBudget extends Amount {
  readonly type: "OverBudget";
  readonly key: string;
  readonly budget: BudgetName;
  readonly limitMicros: number;
  readonly estimateMicros: number;
}

/** What the port answers about money; each fails with: StoreFailure. Days are counted from 1970-01-01, UTC. */
export interface JournalSpending<StoreFailure> {
  /** Nothing at all for a job that is not there. */
  spendingOf(jobId: string, day: number): Effect.Effect<JobSpending, StoreFailure>;
  /** Of the jobs of one tenant; nothing where it has used nothing. */
  spendingBy(tenant: string, day: number): Effect.Effect<Amount, StoreFailure>;
  /** All jobs together first, then the tenants, who used most first; at most `limit` rows, none where nothing was used. */
  spendingOn(day: number, limit: number): Effect.Effect<ReadonlyArray<DaySpending>, StoreFailure>;
}
