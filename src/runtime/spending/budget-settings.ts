/** The user's budgets, checked at the start: a misspelt one would bound nothing. */
import type { Budgets } from "../journal-spending.ts";
import { refuseStrangers, StartError } from "../options.ts";
import type { BudgetOptions } from "./budget-options.ts";

const names = Object.keys({
  perJobUsd: true,
  perTenantDayUsd: true,
  perDayUsd: true,
} satisfies Record<keyof BudgetOptions, true>);

/** In millionths; undefined where there is no budget at all. Throws StartError that names the field. */
export const budgetSettings = (options: BudgetOptions | undefined): Budgets | undefined => {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new StartError("budgets", "an object of amounts", options);
  refuseStrangers("budgets", options, names);
  const { perJobUsd, perTenantDayUsd, perDayUsd } = options;
  const budgets: Budgets = {
    ...(perJobUsd === undefined ? {} : { jobMicros: micros("perJobUsd", perJobUsd) }),
    ...(perTenantDayUsd === undefined
      ? {}
      : { tenantMicros: micros("perTenantDayUsd", perTenantDayUsd) }),
    ...(perDayUsd === undefined ? {} : { dayMicros: micros("perDayUsd", perDayUsd) }),
  };
  return Object.keys(budgets).length === 0 ? undefined : budgets;
};

/** Above this (millionths) sums would no longer be exact. */
const maxMicros = Number.MAX_SAFE_INTEGER / 100;

const micros = (name: keyof BudgetOptions, usd: unknown): number => {
  if (typeof usd === "number" && usd >= 0 && usd * 1e6 <= maxMicros) return usd * 1e6;
  throw new StartError(`budgets.${name}`, "an amount in US dollars", usd);
};
