/**
 * Model steps that no job can get past as things stand: their model has no client, or no budget allows a call of
 * it. Said at the start and by `catena check`, and not first by the jobs that fail.
 */
import type { Finding } from "../../machines/finding.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import type { ModelProgram } from "../../steps/step.ts";
import type { TimeoutPolicy } from "../../steps/timeout.ts";
import type { Budgets } from "../journal-spending.ts";
import { usdOf } from "../us-dollars.ts";
import { priceOf, type PriceTable } from "./price-table.ts";
import { clientsOf, type Models } from "./providers.ts";
import { upperTenths } from "./upper-estimate.ts";

export interface ModelSurroundings {
  readonly models: Models | undefined;
  readonly prices: PriceTable;
  readonly budgets: Budgets | undefined;
}

/** A finding and the pipeline it is about, as `name@version`. */
export interface HopelessModel extends Finding {
  readonly of: string;
}

/** A warning for each such step, in the order of the pipelines and their steps; one for all where there is no client at all. */
export const hopelessModels = (
  plans: ReadonlyArray<PipelinePlan>,
  surroundings: ModelSurroundings,
): ReadonlyArray<HopelessModel> => {
  const asking = plans.flatMap(({ name, version, nodes }) =>
    nodes.flatMap(({ path, step: { program, timeout } }) =>
      program.kind === "model"
        ? [{ of: `${name}@${version}`, path, program, longestMs: longestOf(timeout) }]
        : [],
    ),
  );
  const found = asking.flatMap(({ of, path, ...asked }) => {
    const message = trouble(asked, surroundings);
    return message === undefined
      ? []
      : [{ ...message, of, where: path, severity: "warning" } as const];
  });
  const hasClient = Object.keys(clientsOf(surroundings.models)).length > 0;
  return hasClient || asking.length === 0 ? found : [noClient(asking), ...found];
};

const noClient = (asking: ReadonlyArray<{ readonly path: string }>): HopelessModel => {
  const steps = [...new Set(asking.map(({ path }) => path))].join(", ");
  return {
    of: "config",
    where: "",
    rule: "no-client",
    severity: "warning",
    message: `there is no client for the models of ${steps}: give "models" one (for the catena command, REPLICATE_API_TOKEN makes one)`,
  };
};

interface AskedModel {
  readonly program: ModelProgram;
  /** After this long (ms) the provider ends a call. */
  readonly longestMs: number;
}

const longestOf = ({ attemptMs, stepMs = attemptMs }: TimeoutPolicy): number =>
  Math.min(attemptMs, stepMs);

type Trouble = Pick<Finding, "rule" | "message"> | undefined;

const trouble = (asked: AskedModel, { models, prices, budgets }: ModelSurroundings): Trouble => {
  const keys = Object.keys(clientsOf(models));
  const { model } = asked.program;
  const key = keys.find((one) => model.startsWith(`${one}:`));
  // A version stands after a colon as well, but then an owner's name stands before it.
  const [prefix = "", rest] = model.split(":");
  const isPrefixed = key === undefined && rest !== undefined && !prefix.includes("/");
  if (isPrefixed && keys.length > 0)
    return {
      rule: "no-client",
      message: `${model} goes to the first client whole, as "models" has no ${prefix}; it has ${keys.join(", ")}`,
    };
  const name = key === undefined ? model : model.slice(key.length + 1);
  return budgets === undefined ? undefined : unaffordable(name, asked, { prices, budgets });
};

const unaffordable = (
  model: string,
  { longestMs }: AskedModel,
  { prices, budgets }: { readonly prices: PriceTable; readonly budgets: Budgets },
): Trouble => {
  const price = priceOf(prices, model);
  const named = JSON.stringify(model.split(":")[0]);
  if (price === undefined)
    return {
      rule: "no-price",
      message: `budgets are set, and no price is known for ${model}: every call of it is refused until "prices" has ${named}, the model's name without its client`,
    };
  // What other units cost at the most depends on the request.
  const perCallUsd =
    price.maxUsdPerCall ??
    (price.unit === "second" ? (longestMs / 1_000) * price.usdPerSecond : undefined);
  const { jobMicros, tenantMicros, dayMicros } = budgets;
  const least = Math.min(jobMicros ?? Infinity, tenantMicros ?? Infinity, dayMicros ?? Infinity);
  if (perCallUsd === undefined || upperTenths(perCallUsd) <= Math.round(least * 10))
    return undefined;
  return {
    rule: "small-budget",
    message: `a call may cost $${usdOf(perCallUsd * 1e6)} (its timeout, ${longestMs / 1_000} s, at the price of ${model}), more than the smallest budget, $${usdOf(least)}: every call is refused; give the step a shorter timeout, or ${named} a maxUsdPerCall in "prices"`,
  };
};
