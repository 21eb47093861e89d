/** The configured providers: which client a model name means, and the one watcher of each. */
import { Effect } from "effect";
import type { Scope } from "effect";
import type { ModelClient } from "../../steps/model-client.ts";
import type { LimitsByProvider } from "./limit-options.ts";
import {
  type GateSettings,
  type LimitUse,
  makeProviderGate,
  type ProviderGate,
} from "./provider-gate.ts";
import {
  makePredictionWatcher,
  type PredictionSight,
  type PredictionWatcher,
} from "./prediction-watcher.ts";
import type { PredictionRow } from "../journal-store.ts";
import type { WatcherHost } from "./watcher-host.ts";

/** A client, or a record of clients by the key that model names pick them with. */
export type Models = ModelClient | Readonly<Record<string, ModelClient>>;

export interface Provider {
  readonly client: ModelClient;
  readonly gate: ProviderGate;
  readonly watcher: PredictionWatcher;
}

export interface Providers {
  /** The provider and the bare model name; undefined where no client is configured for it. */
  resolve(model: string): { readonly provider: Provider; readonly model: string } | undefined;
  /** Takes up rows of the ledger, left by another process or by nobody; those that are over need nothing. `died`: whoever had them was killed. */
  readonly follow: (rows: ReadonlyArray<PredictionRow>, died?: string | null) => void;
  /** The remote end of this prediction is wanted; the request for it is committed. */
  readonly cancel: (key: string) => void;
  /** Nobody waits for the end of this prediction any more. */
  readonly giveUp: (key: string) => void;
  /** Somebody says that there is news of this prediction; what a look shows is what counts. */
  hear(key: string): Effect.Effect<void>;
  /** What this process has seen of a prediction that it watches. */
  readonly sightOf: (key: string) => PredictionSight | undefined;
  /** The client of that name. */
  client(provider: string): ModelClient | undefined;
  readonly clients: ReadonlyArray<ModelClient>;
  /** Waits until no create is on its way any more. */
  readonly drained: Effect.Effect<void>;
  /** How much of every limit is used in this process: by provider, each followed by its models that have their own. */
  readonly limits: Effect.Effect<ReadonlyArray<LimitUse>>;
}

/** How much may be asked of providers. */
export interface Gating {
  /** Of every provider of which `limits` says nothing else. */
  readonly rate: GateSettings;
  readonly limits: LimitsByProvider;
}

const isClient = (models: Models): models is ModelClient =>
  typeof models["submit"] === "function" && typeof models["provider"] === "string";

/** The clients by the key that model names pick them with. */
export const clientsOf = (models: Models | undefined): Readonly<Record<string, ModelClient>> => {
  if (models === undefined) return {};
  return isClient(models) ? { [models.provider]: models } : models;
};

/** Starts a watcher for every client; they live as long as the scope. */
export const makeProviders = Effect.fnUntraced(function* (
  models: Models | undefined,
  host: WatcherHost,
  { rate, limits }: Gating,
): Effect.fn.Return<Providers, never, Scope.Scope> {
  const clients = clientsOf(models);
  const byKey = new Map<string, Provider>();
  for (const [key, client] of Object.entries(clients)) {
    const gate = yield* makeProviderGate(client.provider, rate, limits[client.provider]);
    byKey.set(key, { client, gate, watcher: yield* makePredictionWatcher(client, gate, host) });
  }
  const all = [...byKey.values()];
  const byName = (provider: string) => all.find(({ client }) => client.provider === provider);

  return {
    resolve: (model) => {
      const colon = model.indexOf(":");
      const picked = colon < 0 ? undefined : byKey.get(model.slice(0, colon));
      if (picked !== undefined) return { provider: picked, model: model.slice(colon + 1) };
      const first = all[0];
      return first === undefined ? undefined : { provider: first, model };
    },
    follow: (rows, died = null) => {
      for (const row of rows) byName(row.provider)?.watcher.follow(row, died);
    },
    cancel: (key) => {
      for (const { watcher } of all) watcher.cancel(key);
    },
    giveUp: (key) => {
      for (const { watcher } of all) watcher.giveUp(key);
    },
    hear: (key) => Effect.forEach(all, ({ watcher }) => watcher.hear(key), { discard: true }),
    sightOf: (key) => {
      for (const { watcher } of all) {
        const sight = watcher.sightOf(key);
        if (sight !== undefined) return sight;
      }
      return undefined;
    },
    client: (provider) => byName(provider)?.client,
    clients: all.map(({ client }) => client),
    drained: Effect.forEach(all, ({ watcher }) => watcher.drained, {
      discard: true,
      concurrency: "unbounded",
    }),
    limits: Effect.map(
      Effect.forEach(all, ({ gate }) => gate.use),
      (uses) => uses.flat(),
    ),
  };
});
