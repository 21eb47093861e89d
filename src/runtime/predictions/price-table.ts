/** What predictions cost: no provider says it in its answers, so it is reckoned from what they measured. */
import type { Prediction } from "../../steps/model-client.ts";

/** A model's price in US dollars. Metrics are the provider's own names for what it measured. */
export type Price = Bound &
  (
    | {
        readonly unit: "token";
        readonly inputUsdPerMillion: number;
        readonly outputUsdPerMillion: number;
      }
    | { readonly unit: "image"; readonly usdPerImage: number }
    | { readonly unit: "second"; readonly usdPerSecond: number }
  );

interface Bound {
  /** What one call may cost at the most, for budgets. Default: reckoned from what bounds the call. */
  readonly maxUsdPerCall?: number;
}

/** By model name without version. */
export type PriceTable = Readonly<Record<string, Price>>;

/** Source: the models' pages at replicate.com, 2026-06; set your own with the option `prices`. */
export const listPrices: PriceTable = {
  "meta/meta-llama-3-8b-instruct": {
    unit: "token",
    inputUsdPerMillion: 0.05,
    outputUsdPerMillion: 0.25,
  },
  "black-forest-labs/flux-schnell": { unit: "image", usdPerImage: 0.003 },
  "falcons-ai/nsfw_image_detection": { unit: "second", usdPerSecond: 0.000225 },
};

export interface Cost {
  /** Millionths of a US dollar, to a tenth. */
  readonly costMicros: number;
  readonly basis: string;
  /** Nobody can say what it cost; the number is 0 only because it has to be one. */
  readonly isUnmeasured?: true;
}

/** The cost of an ended prediction. Aborted ones never started and are free. */
export const costOf = (prices: PriceTable, model: string, prediction: Prediction): Cost => {
  if (prediction.status === "aborted")
    return { costMicros: 0, basis: "aborted before it started: free" };
  const price = priceOf(prices, model);
  if (price === undefined) return unmeasured(`no price known for ${model}`);
  if (isUnmeasured(prediction))
    return unmeasured("unknown: the provider shows no measurements any more");
  const doubtful = doubtfulMetric(price, prediction);
  if (doubtful !== undefined) return unmeasured(`unknown: the provider shows no ${doubtful}`);
  const tenths = Math.round(usdOf(price, prediction) * 1e7);
  if (!isReckonable(tenths)) return unmeasured("unknown: more than can be reckoned with");
  return { costMicros: tenths / 10, basis: basisOf(price) };
};

/** Whether it, in tenths of a millionth of a US dollar, can be added up exactly: up to $90,000,000. */
export const isReckonable = (tenths: number): boolean => tenths <= Number.MAX_SAFE_INTEGER / 10;

/** What was measured, without what no journal could keep and no sum could hold: a quotient of nothing, or more than any number. */
export const withoutNonsense = (metrics: Prediction["metrics"]): Prediction["metrics"] =>
  Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)));

/**
 * The measure that the price goes by, where it makes no sense: less than nothing, or none at all of a success,
 * which ran. What was cancelled or failed without one may never have run.
 */
const doubtfulMetric = (price: Price, { status, metrics }: Prediction): string | undefined =>
  metricsOf(price).find((name) => {
    const value = metrics[name];
    // Images can be counted in the output.
    if (value === undefined) return status === "succeeded" && price.unit !== "image";
    return value < 0;
  });

/** Those of which each costs something. */
const metricsOf = (price: Price): ReadonlyArray<string> => {
  if (price.unit === "image") return ["image_count"];
  if (price.unit === "second") return price.usdPerSecond === 0 ? [] : ["predict_time"];
  return [
    ...(price.inputUsdPerMillion === 0 ? [] : ["input_token_count"]),
    ...(price.outputUsdPerMillion === 0 ? [] : ["output_token_count"]),
  ];
};

const unmeasured = (basis: string): Cost => ({ costMicros: 0, basis, isUnmeasured: true });

/** By the exact version where the table has it, else by name. */
export const priceOf = (prices: PriceTable, model: string): Price | undefined => {
  const [name = model] = model.split(":");
  const key = [model, name].find((one) => Object.hasOwn(prices, one));
  return key === undefined ? undefined : prices[key];
};

/** A prediction that the provider forgot says nothing of what it cost. */
const isUnmeasured = ({ isDataRemoved, metrics }: Prediction): boolean =>
  isDataRemoved && Object.keys(metrics).length === 0;

const usdOf = (price: Price, prediction: Prediction): number => {
  const { metrics, output } = prediction;
  const metric = (name: string): number => metrics[name] ?? 0;
  if (price.unit === "image")
    return (metrics["image_count"] ?? outputCount(output)) * price.usdPerImage;
  if (price.unit === "second")
    return (metrics["predict_time"] ?? ranSeconds(prediction)) * price.usdPerSecond;
  const input = metric("input_token_count") * price.inputUsdPerMillion;
  return (input + metric("output_token_count") * price.outputUsdPerMillion) / 1e6;
};

/** What was cancelled or failed is owed for as long as it ran, also where no measure says so. */
const ranSeconds = ({ startedAt, completedAt }: Prediction): number =>
  startedAt === null || completedAt === null ? 0 : Math.max(completedAt - startedAt, 0) / 1_000;

const outputCount = (output: Prediction["output"]): number => {
  if (output === null) return 0;
  return Array.isArray(output) ? output.length : 1;
};

const basisOf = (price: Price): string => {
  if (price.unit === "image") return `${price.usdPerImage} USD an image`;
  if (price.unit === "second") return `${price.usdPerSecond} USD a second`;
  return `${price.inputUsdPerMillion} USD in, ${price.outputUsdPerMillion} USD out a million tokens`;
};
