/** How far the budgets of today are used, for operators and their alerts. */
import { Clock, Effect } from "effect";
import type { Amount, Budgets } from "../journal-spending.ts";
import { dayOf } from "../journal-stores/spending-rules.ts";
import type { JournalStore, StoreFailure } from "../journal-store.ts";

/** One budget of one day; amounts in millionths of a US dollar. */
export interface BudgetUse extends Amount {
  /** `day`: of all jobs of the store. `tenant`: of the jobs of one tenant. */
  readonly budget: "day" | "tenant";
  readonly tenant: string | null;
  /** The UTC day, such as `2026-11-26`. */
  readonly day: string;
  /** Null where nothing bounds it. */
  readonly limitMicros: number | null;
  /** Reserved and spent, as a part of the limit: 1 is all of it, more was overrun. Null without a limit; 1 for a limit of 0. */
  readonly usedPart: number | null;
}

/** Tenants beyond these, who used least, are not listed. */
const maxRows = 1_000;

/**
 * Today's use: of all jobs first, then of each tenant that used something, who used most first. Cheap
 * enough to ask every second. Fails with: StoreFailure.
 */
export const budgetUse = Effect.fnUntraced(function* (
  store: Pick<JournalStore["Service"], "spendingOn">,
  { dayMicros, tenantMicros }: Budgets = {},
): Effect.fn.Return<ReadonlyArray<BudgetUse>, StoreFailure> {
  const now = yield* Clock.currentTimeMillis;
  const day = new Date(now).toISOString().slice(0, 10);
  const rows = yield* store.spendingOn(dayOf(now), maxRows);
  const all = rows.find(({ tenant }) => tenant === null) ?? { reservedMicros: 0, spentMicros: 0 };
  const tenants = rows.flatMap(({ tenant, ...amount }) =>
    tenant === null
      ? []
      : [use({ budget: "tenant", tenant, day, limit: tenantMicros ?? null }, amount)],
  );
  return [use({ budget: "day", tenant: null, day, limit: dayMicros ?? null }, all), ...tenants];
});

/** Today's use of one tenant's budget, also where it has used nothing. Fails with: StoreFailure. */
export const budgetUseOf = Effect.fnUntraced(function* (
  store: Pick<JournalStore["Service"], "spendingBy">,
  { tenantMicros }: Budgets = {},
  tenant: string,
): Effect.fn.Return<BudgetUse, StoreFailure> {
  const now = yield* Clock.currentTimeMillis;
  const day = new Date(now).toISOString().slice(0, 10);
  const amount = yield* store.spendingBy(tenant, dayOf(now));
  return use({ budget: "tenant", tenant, day, limit: tenantMicros ?? null }, amount);
});

interface Scope extends Pick<BudgetUse, "budget" | "tenant" | "day"> {
  readonly limit: number | null;
}

const use = ({ limit, ...scope }: Scope, { reservedMicros, spentMicros }: Amount): BudgetUse => ({
  ...scope,
  limitMicros: limit,
  reservedMicros,
  spentMicros,
  usedPart: limit === null ? null : partOf(limit, reservedMicros + spentMicros),
});

const partOf = (limit: number, used: number): number => (limit === 0 ? 1 : used / limit);
