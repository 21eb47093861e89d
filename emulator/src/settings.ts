/**
 * How hostile and how fast the emulated provider is. The defaults are the hostile reading of the API: what the
 * documentation allows to happen does happen.
 */

export interface Settings {
  /** `real` runs the toy models, `instant` gives canned answers of the right shape. Default `real`. */
  readonly models: "real" | "instant";
  /** The only accepted bearer token; without it any non-empty token is accepted. */
  readonly token: string | undefined;
  /** How long a prediction stays `starting`, ms. Default 40 for real models, 0 for instant ones. */
  readonly bootMs: number;
  /** How long a new prediction is missing from lists, and how old their contents are, ms. Default 2_000. */
  readonly listLagMs: number;
  /** Predictions on one page of a list. Default 100. */
  readonly pageSize: number;
  /** Lists leave out `webhook`. Default true. */
  readonly isWebhookHiddenInLists: boolean;
  /** Official models show `version: "hidden"`. Default true. */
  readonly isVersionHidden: boolean;
  /** After a prediction ended, its input, output, logs and files are removed, ms. Default one hour. */
  readonly retentionMs: number;
  /** Uploaded files are removed after this, ms. Default a day. */
  readonly uploadRetentionMs: number;
  /** A prediction that runs longer fails, ms. Default 30 minutes. */
  readonly maximumRunMs: number;
  /** Pauses before each new try of a terminal webhook, ms. Default about one minute in all. */
  readonly webhookRetryDelaysMs: readonly number[];
  /** The clock, ms since 1970. */
  readonly now: () => number;
}

const HOUR_MS = 3_600_000;

/** The settings with the hostile defaults filled in. */
export function resolveSettings(given: Partial<Settings> = {}): Settings {
  const models = given.models ?? "real";
  return {
    token: undefined,
    bootMs: models === "real" ? 40 : 0,
    listLagMs: 2_000,
    pageSize: 100,
    isWebhookHiddenInLists: true,
    isVersionHidden: true,
    retentionMs: HOUR_MS,
    uploadRetentionMs: 24 * HOUR_MS,
    maximumRunMs: HOUR_MS / 2,
    webhookRetryDelaysMs: [1_000, 3_000, 8_000, 18_000, 30_000],
    now: Date.now,
    ...given,
    models,
  };
}
