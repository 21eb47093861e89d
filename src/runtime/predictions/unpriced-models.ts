/** The models that a budget would refuse: said at the start, and not first by the jobs that fail. */
import type { PipelinePlan } from "../../machines/plan.ts";
import { priceOf, type PriceTable } from "./price-table.ts";
import { clientsOf, type Models } from "./providers.ts";

/** Bare names, each once, of the plans' models for which the table has no price. */
export const unpricedModels = (
  plans: ReadonlyArray<PipelinePlan>,
  prices: PriceTable,
  models: Models | undefined,
): ReadonlyArray<string> => {
  const keys = Object.keys(clientsOf(models));
  const bare = (name: string): string => {
    const key = keys.find((one) => name.startsWith(`${one}:`));
    return key === undefined ? name : name.slice(key.length + 1);
  };
  const used = plans.flatMap(({ nodes }) =>
    nodes.flatMap(({ step: { program } }) =>
      program.kind === "model" ? [bare(program.model)] : [],
    ),
  );
  return [...new Set(used)].filter((model) => priceOf(prices, model) === undefined);
};
