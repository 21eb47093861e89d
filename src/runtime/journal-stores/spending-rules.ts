/**
 * How rows of the ledger are booked and when an intent fits, decided here once so that every adapter decides
 * alike. Sums are kept in tenths of a millionth of a US dollar, as whole numbers: to this receipts are
 * exact, so that no order of adding makes a difference.
 */
import type { Amount, Budgets, BudgetName, JobSpending, OverBudget } from "../journal-spending.ts";
import type { AppendEntries, PredictionRow } from "../journal-store.ts";

/** In tenths of a millionth of a US dollar. */
export interface Booking {
  readonly reserved: number;
  readonly spent: number;
}

export const nothingBooked: Booking = { reserved: 0, spent: 0 };

/** What of a row its booking depends on. */
export type Booked = Pick<PredictionRow, "state" | "estimateMicros" | "receipt">;

const tenthsOf = (micros: number): number => Math.round(micros * 10);

export const bookingOf = ({ state, estimateMicros, receipt }: Booked): Booking => {
  if (receipt !== null && receipt.isUnmeasured !== true)
    return { reserved: 0, spent: tenthsOf(receipt.costMicros) };
  if (state === "rejected" || state === "absent") return nothingBooked;
  return { reserved: tenthsOf(estimateMicros), spent: 0 };
};

export const plus = (left: Booking, right: Booking): Booking => ({
  reserved: left.reserved + right.reserved,
  spent: left.spent + right.spent,
});

/** What has to be added to the sums where a row becomes another. */
export const difference = (before: Booking, after: Booking): Booking => ({
  reserved: after.reserved - before.reserved,
  spent: after.spent - before.spent,
});

export const isNothing = ({ reserved, spent }: Booking): boolean => reserved === 0 && spent === 0;

export const amountOf = ({ reserved, spent }: Booking): Amount => ({
  reservedMicros: reserved / 10,
  spentMicros: spent / 10,
});

const dayMs = 86_400_000;

/** The UTC day of an instant (ms), counted from 1970-01-01. */
export const dayOf = (at: number): number => Math.floor(at / dayMs);

/** The names under which a row is summed up, beside its job: everybody's, and its tenant's. */
export const everybody = "all";
export const scopeOfTenant = (tenant: string): string => `tenant:${tenant}`;
export const scopesOf = (tenant: string | null): ReadonlyArray<string> =>
  tenant === null ? [everybody] : [everybody, scopeOfTenant(tenant)];
export const tenantOf = (scope: string): string | null =>
  scope === everybody ? null : scope.slice("tenant:".length);

/** What an intent is added to. */
export interface Sums {
  readonly job: Booking;
  readonly tenant: Booking | null;
  readonly day: Booking;
}

export const spendingIn = ({ job, tenant, day }: Sums): JobSpending => ({
  job: amountOf(job),
  tenant: tenant === null ? null : amountOf(tenant),
  day: amountOf(day),
});

/** The first of job, tenant and day whose budget is too small for a call of this estimate; null where all have room. */
export const tooSmall = (
  { jobMicros, tenantMicros, dayMicros }: Budgets,
  used: JobSpending,
  estimateMicros: number,
): TooSmall | null => {
  // What costs nothing fits in every budget, also in one that was overrun.
  if (tenthsOf(estimateMicros) === 0) return null;
  const bounds: ReadonlyArray<readonly [BudgetName, number | undefined, Amount | null]> = [
    ["job", jobMicros, used.job],
    ["tenant", tenantMicros, used.tenant],
    ["day", dayMicros, used.day],
  ];
  for (const [budget, limitMicros, amount] of bounds) {
    if (limitMicros === undefined || amount === null) continue;
    const { reservedMicros, spentMicros } = amount;
    const sum = tenthsOf(reservedMicros) + tenthsOf(spentMicros) + tenthsOf(estimateMicros);
    if (sum > tenthsOf(limitMicros))
      return { budget, limitMicros, estimateMicros, reservedMicros, spentMicros };
  }
  return null;
};

export type TooSmall = Omit<OverBudget, "type" | "key">;

/** The first intent of the append that does not fit; null where all do. `sumsOn` is asked for each day. */
export const overBudgetIn = (
  { budgets, ledger }: AppendEntries,
  sumsOn: (day: number) => Sums,
): OverBudget | null => {
  if (budgets === undefined) return null;
  let before = nothingBooked;
  for (const change of ledger) {
    if (change.type !== "intend") continue;
    const { row } = change;
    const { job, tenant, day } = sumsOn(dayOf(row.intendedAt));
    const used = spendingIn({
      job: plus(job, before),
      tenant: tenant === null ? null : plus(tenant, before),
      day: plus(day, before),
    });
    const over = tooSmall(budgets, used, row.estimateMicros);
    if (over !== null) return { type: "OverBudget", key: row.key, ...over };
    before = plus(before, bookingOf(row));
  }
  return null;
};
