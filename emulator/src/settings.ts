/**
 * How hostile and how fast the emulated provider is. The defaults are the hostile reading of the API: what the
 * documentation allows to happen does happen.
 */
import { ACCOUNT } from "./account.ts";
import type { AnnouncedIn } from "./faults/fault.ts";
import { DOCUMENTED_RATE_LIMITS, type RateLimits } from "./http/rate-limiter.ts";
import { defaultDeployments, type Deployment } from "./models/deployment.ts";

export interface Settings {
  /** `real` runs the toy models, `instant` gives canned answers of the right shape. Default `real`. */
  readonly models: "real" | "instant";
  /** The only accepted bearer token; without it any non-empty token is accepted. */
  readonly token: string | undefined;
  /** `whsec_` and base64: what webhooks are signed with. Default: drawn once, kept in the state directory. */
  readonly webhookSecret: string | undefined;
  /** The account's prepaid credit, US dollars; predictions use it up. Default: endless. */
  readonly creditUsd: number | undefined;
  /** Requests a minute. Default: 600 creates and 3,000 others for real models, no limit for instant ones. */
  readonly rateLimits: RateLimits | undefined;
  /** Where a 429 of the rate limits says how long to wait. Default `both`. */
  readonly throttlingAnnouncedIn: AnnouncedIn;
  /** Default: one of each model, owned by `emulated` and named like the model. */
  readonly deployments: readonly Deployment[];
  /** How long a prediction stays `starting`, ms. Default 40 for real models, 0 for instant ones. */
  readonly bootMs: number;
  /** How long a new prediction is missing from lists, and how old their contents are, ms. Default 2_000. */
  readonly listLagMs: number;
  /** Things on one page of a list. Default 100. */
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
  /** A stream ends so long after its last event, ms; a `done` does not end it. Default 30 s. */
  readonly streamTimeoutMs: number;
  /** Pauses before each new try of a terminal webhook, ms. Default about one minute in all. */
  readonly webhookRetryDelaysMs: readonly number[];
  /** The clock, ms since 1970; what advancing adds comes on top. */
  readonly now: () => number;
}

const HOUR_MS = 3_600_000;

/** The settings with the hostile defaults filled in. */
export function resolveSettings(given: Partial<Settings> = {}): Settings {
  const models = given.models ?? "real";
  return {
    token: undefined,
    webhookSecret: undefined,
    creditUsd: undefined,
    rateLimits: models === "real" ? DOCUMENTED_RATE_LIMITS : undefined,
    throttlingAnnouncedIn: "both",
    deployments: defaultDeployments(ACCOUNT.username),
    bootMs: models === "real" ? 40 : 0,
    listLagMs: 2_000,
    pageSize: 100,
    isWebhookHiddenInLists: true,
    isVersionHidden: true,
    retentionMs: HOUR_MS,
    uploadRetentionMs: 24 * HOUR_MS,
    maximumRunMs: HOUR_MS / 2,
    streamTimeoutMs: 30_000,
    webhookRetryDelaysMs: [1_000, 3_000, 8_000, 18_000, 30_000],
    now: Date.now,
    ...given,
    models,
  };
}
