/** The user's prices, checked at the start: one that cannot be reckoned with would empty every budget. */
import { refuseStrangers, StartError } from "../options.ts";
import type { Price, PriceTable } from "./price-table.ts";

const amounts: { readonly [Unit in Price["unit"]]: ReadonlyArray<string> } = {
  token: ["inputUsdPerMillion", "outputUsdPerMillion"],
  image: ["usdPerImage"],
  second: ["usdPerSecond"],
};

/** Throws StartError that names model and field. */
export const checkPrices = (prices: PriceTable): PriceTable => {
  if (typeof prices !== "object" || prices === null || Array.isArray(prices))
    throw new StartError("prices", "an object of prices by model", prices);
  for (const [model, price] of Object.entries(prices)) checkPrice(`prices.${model}`, price);
  return prices;
};

const checkPrice = (field: string, price: Price): void => {
  if (typeof price !== "object" || price === null)
    throw new StartError(field, "a price with a unit", price);
  if (!Object.hasOwn(amounts, price.unit))
    throw new StartError(`${field}.unit`, Object.keys(amounts).join(" or "), price.unit);
  const names = amounts[price.unit];
  refuseStrangers(field, price, ["unit", "maxUsdPerCall", ...names]);
  const bound = price.maxUsdPerCall === undefined ? [] : ["maxUsdPerCall"];
  for (const name of [...names, ...bound]) {
    const usd: unknown = Reflect.get(price, name);
    if (typeof usd !== "number" || !Number.isFinite(usd) || usd < 0)
      throw new StartError(`${field}.${name}`, "an amount in US dollars", usd);
  }
};
