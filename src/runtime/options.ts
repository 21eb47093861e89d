/** What a Catena is started with, and what stands where nothing was said. */
import { Duration, Option } from "effect";
import type { AlertOptions, OnAlert } from "./alerts/alert-options.ts";
import type { PriceTable } from "./predictions/price-table.ts";
import type { Observation } from "./jobs/job-host.ts";
import type { Identifiers } from "./identifiers.ts";
import type { LimitsByProvider } from "./predictions/limit-options.ts";
import type { Models } from "./predictions/providers.ts";
import type { JournalStore } from "./journal-store.ts";
import type { AssetStore } from "../steps/asset-store.ts";
import type { HttpApiOptions } from "./http-api/http-options.ts";
import type { NotificationOptions } from "./notifications/notification-options.ts";
import type { BudgetOptions } from "./spending/budget-options.ts";

export interface RuntimeOptions {
  /** A path: one SQLite file. `"memory"`: nothing survives the process. Or a store of one's own. Default: `"memory"`. */
  readonly store?: string | JournalStore["Service"];
  /** The SQLite file's promise: `full` survives power loss (the default), `normal` the death of the process. */
  readonly durability?: "full" | "normal";
  /** A folder, or a store of one's own. Default: `<store>-assets` beside the file, in memory for `"memory"`. */
  readonly assets?: string | AssetStore["Service"];
  /** A client, or a record of clients by the key that model names pick them with. */
  readonly models?: Models;
  /** Prices by model, over the list prices that come with Catena. */
  readonly prices?: PriceTable;
  /** What a job, a tenant and a day may cost; a call that might go over is not made, its job fails with a PolicyFailure "budget". Default: no limit. */
  readonly budgets?: BudgetOptions;
  /** Jobs that run at once in this process; the others wait as rows, oldest first. Default: 100. */
  readonly concurrency?: number;
  /** Creates a minute and a burst, for every provider of which `limits` says nothing else. Default: 600 and 60. */
  readonly rate?: { readonly createsPerMinute: number; readonly burst: number };
  /** How much a provider and its models may be asked at a time, by the provider's name. */
  readonly limits?: LimitsByProvider;
  /** How long a provider may take to show a prediction in its listing. Default: 60 seconds. */
  readonly orphanGrace?: Duration.Input;
  /** How long a cancelled or timed out prediction may take to be confirmed as ended. Default: 30 seconds. */
  readonly closeGrace?: Duration.Input;
  /** The first wait between two looks at a prediction; it grows by half to ten times as much, to 15 minutes at the most. Default: 1 second. */
  readonly pollEvery?: Duration.Input;
  /** How long a job may only wait before it leaves memory. Default: 30 seconds. */
  readonly passivateAfter?: Duration.Input;
  /** How often to look for messages and jobs of other processes. Default: 200 ms. */
  readonly lookEvery?: Duration.Input;
  /** How often to look for owners that died. Default: 5 seconds. */
  readonly recoverEvery?: Duration.Input;
  /** How long to keep what; nothing is pruned by itself without it. Default: everything for ever. */
  readonly retention?: RetentionOptions;
  /** Sees every committed entry and the snapshot after it; what it throws is ignored. */
  readonly inspect?: (observation: Observation) => void;
  /** When an operator is told that something needs a look; `false`: never. Default: every alert, at its defaults. */
  readonly alerts?: false | AlertOptions;
  /** Hears of each alert when it is raised and when it is cleared; what it throws is ignored. */
  readonly onAlert?: OnAlert;
  /** How the HTTP API is served: by `catena.fetch`, `catena.handler` and the command line. */
  readonly http?: HttpApiOptions;
  /** Who is told when jobs come to rest, by name. Default: nobody. */
  readonly notifications?: NotificationOptions;
  /** Where ids come from. Default: random ones. */
  readonly identifiers?: Identifiers;
}

/** Ages count from when a job came to rest, of assets from when they were last put. What is left out is kept for ever. */
export interface RetentionOptions {
  /** Raw answers of models: entries then only say that there was one. */
  readonly rawAnswers?: Duration.Input;
  /** Everything of a job but its status and cost. */
  readonly jobs?: Duration.Input;
  /** Assets that no job names. */
  readonly assets?: Duration.Input;
  /** How young an asset is left alone in any case, so that whoever has just put it can name it. Default: 1 day. */
  readonly assetGrace?: Duration.Input;
  /** How often to prune by itself. Default: 1 hour. */
  readonly every?: Duration.Input;
}

/** A start option is not what it has to be; `field` names it. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly field: string;
  constructor(field: string, expected: string, got: unknown) {
    super(`Catena.start: expected ${field} to be ${expected}, got ${describe(got)}`);
    this.field = field;
  }
}

const describe = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
};

/** The duration in ms. Throws StartError where it is none. */
export const millisOf = (
  field: string,
  input: Duration.Input | undefined,
  defaultMs: number,
): number => {
  if (input === undefined) return defaultMs;
  const millis = Duration.fromInput(input).pipe(Option.map(Duration.toMillis), Option.getOrNull);
  // Not a number is a Duration of nothing, which nobody can have meant.
  if (millis !== null && Number.isFinite(millis) && millis >= 0 && !Number.isNaN(input))
    return millis;
  throw new StartError(field, 'a duration such as "30 seconds"', input);
};

/** As `millisOf`, for what is done again and again: without a pause it would do nothing else. */
export const pauseOf = (
  field: string,
  input: Duration.Input | undefined,
  defaultMs: number,
): number => {
  const millis = millisOf(field, input, defaultMs);
  if (millis > 0) return millis;
  throw new StartError(field, 'a duration above zero, such as "1 second"', input);
};

/** True for a path, for something with that method, and where nothing was given. */
const isPlaceOr = (method: string, value: unknown): boolean => {
  if (typeof value === "string") return value !== "" && !isUrl(value);
  return value === undefined || hasMethod(method, value);
};

/** Such as a database server's, with its password: taken for a path, it would stand in every message. */
export const isUrl = (place: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(place);

/** What was given in the place of a path, as an error may say it. */
const placeGiven = (value: unknown): unknown =>
  typeof value === "string" && isUrl(value) ? "a URL" : value;

export const hasMethod = (method: string, value: unknown): boolean =>
  typeof value === "object" && value !== null && typeof Reflect.get(value, method) === "function";

const assetMethods = ["put", "putStream", "open", "get", "touch", "list", "remove"] as const;

const names = Object.keys({
  pipelines: true,
  layer: true,
  store: true,
  durability: true,
  assets: true,
  models: true,
  prices: true,
  budgets: true,
  concurrency: true,
  rate: true,
  limits: true,
  orphanGrace: true,
  closeGrace: true,
  pollEvery: true,
  passivateAfter: true,
  lookEvery: true,
  recoverEvery: true,
  retention: true,
  inspect: true,
  alerts: true,
  onAlert: true,
  http: true,
  notifications: true,
  identifiers: true,
} satisfies Record<keyof RuntimeOptions | "pipelines" | "layer", true>);

/**
 * Throws StartError where the object has a field that no name is for: a misspelt budget would bound nothing, a
 * misspelt tenant show everybody everything. The field's value is not said: it may be a secret.
 */
export const refuseStrangers = (
  field: string,
  given: object,
  known: ReadonlyArray<string>,
): void => {
  const stranger = Object.keys(given).find((name) => !known.includes(name));
  if (stranger !== undefined)
    throw new StartError(field, `an object with nothing but ${known.join(", ")}`, stranger);
};

/** Throws StartError where an option is not known or not of its kind, whatever the compiler was told. */
export const checkOptions = (options: RuntimeOptions): void => {
  refuseStrangers("options", options, names);
  const { store, assets, durability, rate, inspect } = options;
  if (!isPlaceOr("commit", store))
    throw new StartError("store", '"memory", a path or a journal store', placeGiven(store));
  if (!assetMethods.every((method) => isPlaceOr(method, assets)))
    throw new StartError(
      "assets",
      `a folder or an asset store with ${assetMethods.join(", ")}`,
      placeGiven(assets),
    );
  if (durability !== undefined && durability !== "full" && durability !== "normal")
    throw new StartError("durability", '"full" or "normal"', durability);
  if (inspect !== undefined && typeof inspect !== "function")
    throw new StartError("inspect", "a function", inspect);
  if (rate === undefined) return;
  const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0;
  if (!isPositive(rate.createsPerMinute))
    throw new StartError("rate.createsPerMinute", "a number above zero", rate.createsPerMinute);
  if (!isPositive(rate.burst))
    throw new StartError("rate.burst", "a number above zero", rate.burst);
};

export const positiveInteger = (
  field: string,
  input: number | undefined,
  otherwise: number,
): number => {
  const value = input ?? otherwise;
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new StartError(field, "a positive integer", value);
};
