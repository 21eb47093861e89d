/**
 * What a call may cost, and whether a budget has room for it. The store decides, in the intent's own
 * transaction; it is asked before as well, so that who has no money left does not wait for a permit first.
 */
import { Clock, Effect, Schedule } from "effect";
import { budgetRule, PolicyFailure } from "../../steps/failure.ts";
import type { BudgetName } from "../journal-spending.ts";
import { dayOf, tooSmall, type TooSmall } from "../journal-stores/spending-rules.ts";
import type { PlannedCall } from "../predictions/upper-estimate.ts";
import { usdOf } from "../us-dollars.ts";
import type { ModelRun } from "./model-run.ts";

export interface Affordable {
  /** What the call may cost at the most; 0 where nobody can say and no budget asks. */
  readonly estimateMicros: number;
}

/** Fails with: PolicyFailure, where a budget has no room for the call or nobody can say what it may cost. */
export const afford = Effect.fnUntraced(function* (
  run: ModelRun,
  call: PlannedCall,
): Effect.fn.Return<Affordable, PolicyFailure> {
  const { host, jobId } = run.job;
  const { budgets } = host.settings;
  const estimate = host.estimate(call);
  if (budgets === undefined) return { estimateMicros: estimate.micros ?? 0 };
  if (estimate.micros === null)
    return yield* new PolicyFailure({
      rule: budgetRule,
      categories: ["unknown price"],
      detail: estimate.why,
    });
  const { micros: estimateMicros } = estimate;
  const day = dayOf(yield* Clock.currentTimeMillis);
  // A store that cannot be read is waited for: what is spent has to be known.
  const used = yield* Effect.orDie(
    Effect.retry(host.store.spendingOf(jobId, day), Schedule.spaced("500 millis")),
  );
  const over = tooSmall(budgets, used, estimateMicros);
  return over === null ? { estimateMicros } : yield* overBudget(over);
});

const whose: { readonly [Name in BudgetName]: string } = {
  job: "the job",
  tenant: "its tenant's day",
  day: "the day",
};

const usd = (micros: number): string => `$${usdOf(micros)}`;

/** The failure of a call that would go over. */
export const overBudget = ({
  budget,
  limitMicros,
  reservedMicros,
  spentMicros,
  estimateMicros,
}: TooSmall): PolicyFailure =>
  new PolicyFailure({
    rule: budgetRule,
    categories: [budget],
    scores: { limitMicros, reservedMicros, spentMicros, estimateMicros },
    detail:
      `of the ${usd(limitMicros)} for ${whose[budget]}, ${usd(spentMicros)} is spent and ` +
      `${usd(reservedMicros)} reserved; the call may cost ${usd(estimateMicros)}` +
      // No retry and no new day will help it.
      (estimateMicros > limitMicros
        ? ", more than there is in all: give its step a shorter timeout, its model a maxUsdPerCall in prices, or the budget more"
        : ""),
  });
