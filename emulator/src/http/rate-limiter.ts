/**
 * The account's rate limits as token buckets: a full bucket is a minute's allowance at once, and it fills evenly.
 * Source: the provider's documentation, 600 creates and 3,000 other requests a minute, short bursts tolerated.
 */
import type { Headers } from "./reply.ts";

export interface RateLimits {
  readonly createsPerMinute: number;
  readonly othersPerMinute: number;
}

export const DOCUMENTED_RATE_LIMITS: RateLimits = { createsPerMinute: 600, othersPerMinute: 3_000 };

/** An account with less than this in credit gets the low limit. */
const LOW_CREDIT_USD = 5;
const LOW_CREDIT = { perMinute: 6, burst: 1 };
const MINUTE_MS = 60_000;
/** A bucket that filled by many small sums is as full as one that filled by one. */
const ROUNDING = 1e-6;

export interface Permit {
  readonly isAllowed: boolean;
  readonly isLowCredit: boolean;
  /** Until the next request is allowed; at least 1. */
  readonly retryAfterSeconds: number;
  /** `ratelimit-remaining` and `ratelimit-reset`. */
  readonly headers: Headers;
}

interface Bucket {
  readonly perMinute: number;
  readonly burst: number;
  level: number;
  filledAt: number;
}

export class RateLimiter {
  readonly #limits: RateLimits | undefined;
  readonly #now: () => number;
  #buckets: Readonly<Record<"creates" | "others" | "lowCredit", Bucket>>;

  constructor(limits: RateLimits | undefined, now: () => number) {
    this.#limits = limits;
    this.#now = now;
    this.#buckets = this.#fresh();
  }

  /** Takes one request out of its bucket; undefined where nothing is limited. */
  take(kind: "creates" | "others", creditUsd: number | undefined): Permit | undefined {
    // Without any credit a create is refused for that, not for its rate.
    const isLow = creditUsd !== undefined && creditUsd > 0 && creditUsd < LOW_CREDIT_USD;
    const isLowCredit = kind === "creates" && isLow;
    if (this.#limits === undefined && !isLowCredit) return undefined;
    return { ...draw(this.#buckets[isLowCredit ? "lowCredit" : kind], this.#now()), isLowCredit };
  }

  /** Fills every bucket. */
  reset(): void {
    this.#buckets = this.#fresh();
  }

  #fresh(): Readonly<Record<"creates" | "others" | "lowCredit", Bucket>> {
    const { createsPerMinute, othersPerMinute } = this.#limits ?? DOCUMENTED_RATE_LIMITS;
    const full = (perMinute: number, burst: number): Bucket => ({
      perMinute,
      burst,
      level: burst,
      filledAt: this.#now(),
    });
    return {
      creates: full(createsPerMinute, createsPerMinute),
      others: full(othersPerMinute, othersPerMinute),
      lowCredit: full(LOW_CREDIT.perMinute, LOW_CREDIT.burst),
    };
  }
}

function draw(bucket: Bucket, now: number): Omit<Permit, "isLowCredit"> {
  const perMs = bucket.perMinute / MINUTE_MS;
  bucket.level = Math.min(bucket.burst, bucket.level + (now - bucket.filledAt) * perMs);
  bucket.filledAt = now;
  const isAllowed = bucket.level > 1 - ROUNDING;
  if (isAllowed) bucket.level -= 1;
  const seconds = (tokens: number): number =>
    Math.max(1, Math.ceil(tokens / perMs / 1_000 - ROUNDING));
  return {
    isAllowed,
    retryAfterSeconds: seconds(1 - bucket.level),
    headers: {
      "ratelimit-remaining": String(Math.max(0, Math.floor(bucket.level + ROUNDING))),
      "ratelimit-reset": String(seconds(bucket.burst - bucket.level)),
    },
  };
}
