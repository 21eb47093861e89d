/** What a command works on: argument, then environment, then config, then default, put together. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Effect, Option, Redacted } from "effect";
import type { Scope } from "effect";
import type { AnyPipeline } from "../../machines/pipeline.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { Replicate, type ReplicateClient } from "../../steps/model-clients/replicate.ts";
import type { ModelClient } from "../../steps/model-client.ts";
import type { StoreFailure } from "../journal-store.ts";
import { openAssets, openStore } from "../open-stores.ts";
import { hasMethod, isUrl, type RuntimeOptions } from "../options.ts";
import { clientsOf, type Models } from "../predictions/providers.ts";
import { type StoredJobs, storedJobs } from "../stored-jobs.ts";
import { type ConfigOptions, findConfig, importConfig, requireConfig } from "./config-file.ts";
import { UsageError } from "./ending.ts";
import { root } from "./root.ts";
import { httpOptions } from "./http-server.ts";
import { readSettings, type Settings } from "./settings.ts";
import { Surroundings } from "./surroundings.ts";

/** The names that files go by where nobody said one. */
const defaultStore = "catena.db";

/** The project of the config. Fails with: UsageError. */
export const loadProject = Effect.fnUntraced(function* () {
  const said = yield* sayings();
  const configPath = yield* requireConfig(said.configPath, said.folder);
  const options = yield* importConfig(configPath);
  const { settings } = said;
  return { configPath, settings, options: yield* settled(options, said, configPath) };
});

/** What the command line and the environment say. */
interface Sayings {
  readonly folder: string;
  readonly settings: Settings;
  readonly configPath: string | null;
  readonly store: string | null;
  readonly assets: string | null;
}

export const sayings = Effect.fnUntraced(function* () {
  const flags = yield* root;
  const { environment, folder } = yield* Surroundings;
  const settings = yield* readSettings(environment);
  const pathOf = (flag: Option.Option<string>, setting: string | null): string | null =>
    Option.getOrNull(flag) ?? setting;
  const store = pathOf(flags.store, settings.store);
  const assets = pathOf(flags.assets, settings.assets);
  const said: Sayings = {
    folder,
    settings,
    configPath: yield* findConfig(folder, pathOf(flags.config, settings.config)),
    store: placeIn(folder, store === ":memory:" ? "memory" : store),
    assets: placeIn(folder, assets),
  };
  return said;
});

/** A relative path means the same file from wherever the command is given. */
const placeIn = (folder: string, place: string | null): string | null =>
  place === null || place === "memory" ? place : resolve(folder, place);

/** The options with what command line and environment say over them. Fails with: UsageError. */
export const settled = (
  options: ConfigOptions,
  { settings, store, assets }: Omit<Sayings, "configPath" | "folder">,
  configPath: string,
): Effect.Effect<ConfigOptions, UsageError> =>
  Effect.map(modelsOf(options.models, settings), (models) => {
    const folder = dirname(configPath);
    const places: Pick<RuntimeOptions, "store" | "assets"> = {
      store: store ?? inFolder(folder, options.store ?? defaultStore),
      ...(assets !== null && { assets }),
      ...(assets === null &&
        options.assets !== undefined && { assets: inFolder(folder, options.assets) }),
    };
    const http = httpOptions(options.http, settings);
    return {
      ...options,
      ...places,
      ...(models !== undefined && { models }),
      ...(http !== undefined && { http }),
    };
  });

const inFolder = <Other>(folder: string, place: string | Other): string | Other =>
  typeof place === "string" && place !== "memory" && !isUrl(place) ? resolve(folder, place) : place;

// --- models

/** The clients of the config, with Replicate's as the environment has it. Fails with: UsageError. */
const modelsOf = (
  models: Models | undefined,
  settings: Settings,
): Effect.Effect<Models | undefined, UsageError> => {
  const { token, baseUrl } = settings;
  if (token === null && baseUrl === null) return Effect.succeed(models);
  if (token === null) {
    const message = "REPLICATE_BASE_URL is set, REPLICATE_API_TOKEN is not: set both or none.";
    return Effect.fail(new UsageError({ message }));
  }
  return Effect.succeed(withReplicate(models, Redacted.value(token), baseUrl));
};

/** Replicate's client at that place, in the stead of the config's or where the config has no client at all. */
export const withReplicate = (
  models: Models | undefined,
  token: string,
  baseUrl: string | null,
): Models => {
  const place = {
    token,
    ...(baseUrl !== null && {
      baseUrl,
      allowOwnOriginDownloads: true,
      allowInsecureDownloads: baseUrl.startsWith("http:"),
    }),
  };
  if (models === undefined) return Replicate.client(place);
  const clients = Object.entries(clientsOf(models)).map(([key, client]): [string, ModelClient] => [
    key,
    isReplicate(client) ? client.with(place) : client,
  ]);
  return Object.fromEntries(clients);
};

/** True for clients that `Replicate.client` made under its own name. */
const isReplicate = (client: ModelClient): client is ReplicateClient =>
  client.provider === "replicate" && hasMethod("with", client);

/** Whether the models need a place at Replicate that the environment has not named. */
export const needsReplicate = (models: Models | undefined): boolean =>
  models === undefined || Object.values(clientsOf(models)).some(isReplicate);

/** Fails with: UsageError where a step asks a model and there is no client for any. */
export const requireClients = (
  pipelines: ReadonlyArray<AnyPipeline>,
  models: Models | undefined,
): Effect.Effect<void, UsageError> => {
  if (models !== undefined) return Effect.void;
  const asking = pipelines.flatMap(({ plan }) =>
    plan.nodes.filter(({ step }) => step.program.kind === "model").map(({ path }) => path),
  );
  if (asking.length === 0) return Effect.void;
  return Effect.fail(
    new UsageError({
      message: [
        `No client for the models of ${asking.join(", ")}: set REPLICATE_API_TOKEN, or give the config "models".`,
        `Without an account: "catena emulator" starts a local server with toy models and prints what to set.`,
      ].join("\n"),
    }),
  );
};

// --- pipelines

/** The pipeline of that name, `name` or `name@version`; without a version the newest. Fails with: UsageError. */
export const findPipeline = (
  pipelines: ReadonlyArray<AnyPipeline>,
  asked: string,
): Effect.Effect<AnyPipeline, UsageError> => {
  const fitting = pipelines
    .filter(({ plan: { name, version } }) => asked === name || asked === `${name}@${version}`)
    .toSorted((left, right) => right.plan.version - left.plan.version);
  const [found] = fitting;
  if (found !== undefined) return Effect.succeed(found);
  const known = pipelines.map(({ plan: { name, version } }) => `${name}@${version}`).join(", ");
  const message = `There is no pipeline ${JSON.stringify(asked)}; the config has ${known || "none"}.`;
  return Effect.fail(new UsageError({ message }));
};

// --- stores

/**
 * The jobs of the store, without running any; the config is asked only where nobody else named the store.
 * Fails with: UsageError, StoreFailure, AssetStoreFailure.
 */
export const openStoredJobs = Effect.fnUntraced(function* () {
  const places = yield* storePlaces();
  yield* requireStore(places.store);
  const open: Effect.Effect<StoredJobs, StoreFailure | AssetStoreFailure, Scope.Scope> =
    Effect.zipWith(openStore(places), openAssets(places), storedJobs);
  return yield* open;
});

const storePlaces = Effect.fnUntraced(function* () {
  const said = yield* sayings();
  const { folder, store, assets, configPath } = said;
  if (store !== null) return { store, ...(assets !== null && { assets }) };
  if (configPath === null) return { store: join(folder, defaultStore) };
  return yield* settled(yield* importConfig(configPath), said, configPath);
});

/** Opening a file that is not there would make it, and show an empty store in place of a mistake. */
export const requireStore = (store: RuntimeOptions["store"]): Effect.Effect<void, UsageError> => {
  if (store === "memory")
    return Effect.fail(
      new UsageError({
        message: "The store is in memory: its jobs are known to the process that runs them alone.",
      }),
    );
  if (typeof store !== "string" || existsSync(store)) return Effect.void;
  return Effect.fail(
    new UsageError({
      message: `There is no store ${store} yet: the first "catena run" makes it. --store FILE names another.`,
    }),
  );
};
