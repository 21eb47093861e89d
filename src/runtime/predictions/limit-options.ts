/** What users say of how much a provider, or one of its models, may be asked at a time. */

export interface LimitOptions {
  /** Predictions that may be open at once in this process: sent, and not yet known to have ended. Default: no limit. */
  readonly concurrency?: number;
  /** Default: for a provider what `rate` says, for a model what its provider has. */
  readonly createsPerMinute?: number;
  /** How many creates may pass at once after a quiet time. Default: a tenth of its own `createsPerMinute`, at least 1. */
  readonly burst?: number;
}

export interface ProviderLimitOptions extends LimitOptions {
  /** By model name, with or without a version. Such a model has its own limits beside its provider's. */
  readonly models?: Readonly<Record<string, LimitOptions>>;
}

/** By the provider's name, as its client gives it: `replicate`. */
export type LimitsByProvider = Readonly<Record<string, ProviderLimitOptions>>;
