/** From what the user gave to a running engine: options checked, stores opened. */
import { Effect, type Scope } from "effect";
import { refuseUnsound } from "../machines/check-plan.ts";
import type { AnyPipeline } from "../machines/pipeline.ts";
import { AssetStore, type AssetStoreFailure } from "../steps/asset-store.ts";
import { alertSettings } from "./alerts/alert-settings.ts";
import { type Engine, type EngineOptions, keyOf, makeEngine } from "./engine.ts";
import { httpSettings } from "./http-api/http-settings.ts";
import { refuseReservedName } from "./http-api/reserved-names.ts";
import { randomIdentifiers } from "./identifiers.ts";
import type { Intake } from "./jobs/left-behind.ts";
import type { StoreFailure } from "./journal-store.ts";
import { openAssets, openStore } from "./open-stores.ts";
import {
  checkOptions,
  hasMethod,
  millisOf,
  pauseOf,
  positiveInteger,
  type RuntimeOptions,
  StartError,
} from "./options.ts";
import { checkSubscriptions } from "./notifications/subscriptions.ts";
import { retentionPolicy } from "./retention/policy.ts";
import { checkPrices } from "./predictions/check-prices.ts";
import { hopelessModels } from "./predictions/hopeless-models.ts";
import { limitSettings } from "./predictions/limit-settings.ts";
import { listPrices } from "./predictions/price-table.ts";
import { defaultGateSettings } from "./predictions/provider-gate.ts";
import { clientsOf } from "./predictions/providers.ts";
import { budgetSettings } from "./spending/budget-settings.ts";

type Options = RuntimeOptions & { readonly pipelines: ReadonlyArray<AnyPipeline> };

/**
 * Everything with the options applied. Throws PipelineUnsound where a machine could not do its work, and
 * StartError. Fails with: StoreFailure, AssetStoreFailure.
 */
export const startEngine = Effect.fnUntraced(function* (
  options: Options,
  intake: Intake = "any",
): Effect.fn.Return<Engine, StoreFailure | AssetStoreFailure, Scope.Scope> {
  const settings = engineSettings(options);
  yield* warnOfHopeless(settings);
  const store = yield* openStore(options);
  const assets = yield* openAssets(options);
  return yield* Effect.provideService(
    makeEngine({ ...settings, store, assets, intake }),
    AssetStore,
    assets,
  );
});

/**
 * What the options say, checked; nothing is opened or started. Throws StartError for an option that cannot
 * be, and PipelineUnsound.
 */
export const engineSettings = (options: Options): Omit<EngineOptions, "store" | "assets"> => {
  checkPipelines(options.pipelines);
  for (const { plan } of options.pipelines) refuseUnsound(plan);
  checkOptions(options);
  checkProviders(options.models);
  const names = options.pipelines.map(({ plan }) => plan.name);
  const { publicUrl, basePath } = httpSettings(options.http, names);
  const budgets = budgetSettings(options.budgets);
  const pollMs = pollEveryOf(options);
  return {
    plans: options.pipelines.map(({ plan }) => plan),
    models: options.models,
    prices: { ...listPrices, ...checkPrices(options.prices ?? {}) },
    gate: options.rate ?? defaultGateSettings,
    limits: limitSettings(
      options.limits,
      Object.values(clientsOf(options.models)).map(({ provider }) => provider),
    ),
    jobs: {
      closeGraceMs: millisOf("closeGrace", options.closeGrace, 30_000),
      ...(budgets === undefined ? {} : { budgets }),
      passivateAfterMs: millisOf("passivateAfter", options.passivateAfter, 30_000),
    },
    watcher: {
      orphanGraceMs: millisOf("orphanGrace", options.orphanGrace, 60_000),
      pollMs,
      maxPollMs: Math.min(pollMs * 10, maxPollMs),
      // Providers report over https alone, and refuse to be asked for anything else.
      ...(publicUrl?.startsWith("https:") === true ? { webhookBase: `${publicUrl}/webhooks` } : {}),
    },
    concurrency: positiveInteger("concurrency", options.concurrency, 100),
    lookEveryMs: pauseOf("lookEvery", options.lookEvery, 200),
    recoverEveryMs: pauseOf("recoverEvery", options.recoverEvery, 5_000),
    identifiers: options.identifiers ?? randomIdentifiers,
    retention: retentionPolicy(options.retention),
    alerts: alertSettings(options),
    subscriptions: checkSubscriptions(options.notifications, names),
    assetBase: publicUrl ?? basePath,
    observe: quietly(options.inspect),
  };
};

/** Providers keep what they made for an hour: this leaves room for looks that fail. */
const maxPollMs = 900_000;

const pollEveryOf = ({ pollEvery }: RuntimeOptions): number => {
  const pollMs = pauseOf("pollEvery", pollEvery, 1_000);
  if (pollMs <= maxPollMs) return pollMs;
  throw new StartError("pollEvery", 'a duration of at most "15 minutes"', pollEvery);
};

/** Every job that gets to such a step will fail: better known before than after. */
const warnOfHopeless = ({
  plans,
  prices,
  models,
  jobs: { budgets },
}: Pick<EngineOptions, "plans" | "prices" | "models" | "jobs">): Effect.Effect<void> =>
  Effect.forEach(
    hopelessModels(plans, { prices, models, budgets }),
    ({ of, where, message }) =>
      Effect.logWarning(where === "" ? message : `${of}, step ${where}: ${message}`),
    { discard: true },
  );

/** An inspector that throws must not take the job with it that it looks at. */
const quietly = (inspect: RuntimeOptions["inspect"]): NonNullable<RuntimeOptions["inspect"]> => {
  if (inspect === undefined) return () => undefined;
  return (observation) => {
    try {
      const returned: unknown = inspect(observation);
      // An async function passes for one that returns nothing: its rejection is nobody's.
      if (returned instanceof Promise) returned.catch(() => undefined);
    } catch {
      // Looking is no part of the work.
    }
  };
};

/** Throws StartError where it is no list of finished pipelines, each there once. */
export const checkPipelines = (pipelines: unknown): void => {
  if (!Array.isArray(pipelines) || pipelines.length === 0) {
    throw new StartError("pipelines", "a list of at least one pipeline", pipelines);
  }
  const seen = new Set<string>();
  for (const [index, pipeline] of pipelines.entries()) {
    if (!isFinished(pipeline)) {
      throw new StartError(
        `pipelines[${index}]`,
        "a pipeline ended by .output(schema, map)",
        pipeline,
      );
    }
    refuseReservedName(`pipelines[${index}].name`, pipeline.plan.name);
    const key = keyOf(pipeline.plan);
    if (seen.has(key))
      throw new StartError("pipelines", `one pipeline for each name and version`, `${key} twice`);
    seen.add(key);
  }
};

/** Rows of the ledger name their provider: two of one name could not be told apart after a restart. */
const checkProviders = (models: RuntimeOptions["models"]): void => {
  if (models !== undefined && !isRecord(models))
    throw new StartError("models", "a model client or a record of them", typeof models);
  for (const [key, client] of Object.entries(clientsOf(models)))
    if (!hasMethod("submit", client))
      throw new StartError(`models.${key}`, "a model client", typeof client);
  const names = Object.values(clientsOf(models)).map(({ provider }) => provider);
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin !== undefined)
    throw new StartError("models", "clients with different provider names", `${twin} twice`);
};

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null;

const isFinished = (pipeline: unknown): pipeline is AnyPipeline =>
  typeof pipeline === "object" &&
  pipeline !== null &&
  "plan" in pipeline &&
  typeof pipeline.plan === "object" &&
  pipeline.plan !== null &&
  "output" in pipeline.plan;
