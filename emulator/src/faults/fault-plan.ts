/**
 * The running fault plan: asked once for each request, it answers which faults apply. The same plan and the same
 * order of requests give the same faults. Every rule counts every request it matches; the first applying answer
 * fault wins, and beside it, for a create, the first applying outcome.
 */
import { seededRandom, type Random } from "../random.ts";
import type { AnswerFault, FaultRule, Match, Operation, Outcome } from "./fault.ts";

export interface Verdict {
  readonly answer?: AnswerFault;
  readonly outcome?: Outcome;
}

interface ActiveRule {
  readonly rule: FaultRule;
  readonly random: Random;
  seen: number;
}

export class FaultPlan {
  #rules: readonly ActiveRule[] = [];

  constructor(rules: readonly FaultRule[] = []) {
    this.set(rules);
  }

  /** Replaces the plan; all counters begin again. */
  set(rules: readonly FaultRule[]): void {
    this.#rules = rules.map((rule) => ({
      rule,
      random: seededRandom(rule.match.seed ?? 1),
      seen: 0,
    }));
  }

  /** The rules with how many requests each has matched so far. */
  describe(): readonly (FaultRule & { readonly seen: number })[] {
    return this.#rules.map(({ rule, seen }) => ({ ...rule, seen }));
  }

  /** What happens to this request. */
  take(operation: Operation, model: string | undefined): Verdict {
    let answer: AnswerFault | undefined;
    let outcome: Outcome | undefined;
    for (const active of this.#rules) {
      if (!applies(active, operation, model)) continue;
      const { fault } = active.rule;
      if (fault.type === "outcome") outcome ??= fault.outcome;
      else answer ??= fault;
    }
    return { ...(answer && { answer }), ...(outcome && { outcome }) };
  }
}

function applies(active: ActiveRule, operation: Operation, model: string | undefined): boolean {
  const { match } = active.rule;
  if (match.operation !== operation) return false;
  if (match.model !== undefined && match.model !== model) return false;
  active.seen += 1;
  return (
    isChosen(match, active.seen) &&
    (match.probability === undefined || active.random() < match.probability)
  );
}

function isChosen({ nth }: Match, seen: number): boolean {
  if (nth === undefined) return true;
  return typeof nth === "number" ? nth === seen : nth.includes(seen);
}
