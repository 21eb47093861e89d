/**
 * What a prediction costs: the one price table of the emulator. A cost follows from the prediction's own metrics, so
 * whoever reads a prediction can compute the same amount. Source: the models' public pages, prices in US dollars.
 */
import { isTerminal, type Prediction } from "./predictions/prediction.ts";

export type Price =
  | {
      readonly unit: "token";
      readonly inputUsdPerMillion: number;
      readonly outputUsdPerMillion: number;
    }
  | { readonly unit: "image"; readonly usdPerImage: number }
  | { readonly unit: "second"; readonly usdPerSecond: number };

export const prices: Readonly<Record<string, Price>> = {
  "meta/meta-llama-3-8b-instruct": {
    unit: "token",
    inputUsdPerMillion: 0.05,
    outputUsdPerMillion: 0.25,
  },
  "black-forest-labs/flux-schnell": { unit: "image", usdPerImage: 0.003 },
  "falcons-ai/nsfw_image_detection": { unit: "second", usdPerSecond: 0.000225 },
};

/** The cost in US dollars, to a tenth of a microdollar; 0 until it ended, and for `aborted`. */
export function costUsd({ model, status, metrics = {} }: Prediction): number {
  const price = prices[model];
  if (price === undefined || !isTerminal(status) || status === "aborted") return 0;
  return Math.round(amount(price, metrics) * 1e7) / 1e7;
}

function amount(price: Price, metrics: Readonly<Record<string, number>>): number {
  const metric = (name: string): number => metrics[name] ?? 0;
  if (price.unit === "image") return metric("image_count") * price.usdPerImage;
  if (price.unit === "second") return metric("predict_time") * price.usdPerSecond;
  const input = metric("input_token_count") * price.inputUsdPerMillion;
  return (input + metric("output_token_count") * price.outputUsdPerMillion) / 1e6;
}
