/** A budget that is nearly used, or all of it: an alert for each share that is reached. */
import { type Reading, stateOf } from "./alert.ts";
import { usdOf } from "../us-dollars.ts";
import type { AlertSettings } from "./alert-settings.ts";

/** How far one budget is used. */
export interface UsedBudget {
  /** `day`: of all jobs of the store. `tenant`: of the jobs of one tenant. */
  readonly budget: "day" | "tenant";
  readonly tenant: string | null;
  /** In millionths of a US dollar; null where nothing bounds it. */
  readonly limitMicros: number | null;
  /** Reserved and spent, as a part of the limit; null without a limit. */
  readonly usedPart: number | null;
}

export const budgetUses = (
  budgets: ReadonlyArray<UsedBudget>,
  { at }: NonNullable<AlertSettings["budget"]>,
): ReadonlyArray<Reading> =>
  budgets.flatMap(({ budget, tenant, limitMicros, usedPart }) => {
    if (usedPart === null || limitMicros === null) return [];
    const subject = budget === "day" ? "day" : `tenant ${tenant ?? ""}`;
    const usd = inCents(limitMicros);
    return at.map((share) => ({
      name: "budget" as const,
      subject,
      what: `${Math.floor(usedPart * 100)} % of today's budget of $${usd} (${subject}) is spent or reserved`,
      value: usedPart,
      threshold: share,
      // What is reserved and comes to less moves it up and down.
      state: stateOf(usedPart, share),
      action:
        "Calls that do not fit into it fail as PolicyFailure until the day is over (UTC): raise it, or wait.",
    }));
  });

/** With two digits, and with all of them where that would round. */
const inCents = (micros: number): string =>
  Number.isInteger(micros / 10_000) ? usdOf(micros).toFixed(2) : String(usdOf(micros));
