/** Failures as a provider's adapter reports them. */
import { ProviderFailure } from "../../../src/steps/failure.ts";

const provider = "fake";

export const unavailable = (status: number): ProviderFailure =>
  new ProviderFailure({ reason: "Unavailable", provider, detail: `HTTP ${status}`, status });

/** Without a time it says nothing of when to come back. */
export const rateLimited = (retryAfterMs?: number): ProviderFailure =>
  new ProviderFailure({
    reason: "RateLimited",
    provider,
    detail: "slow down",
    status: 429,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });

export const badRequest = new ProviderFailure({
  reason: "BadResponse",
  provider,
  detail: "no such field",
  status: 422,
  isPermanent: true,
});

export const outOfCredit = new ProviderFailure({
  reason: "QuotaExhausted",
  provider,
  detail: "insufficient credit",
  status: 402,
});

export const outputExpired = new ProviderFailure({
  reason: "OutputExpired",
  provider,
  detail: "the file is gone",
  status: 404,
});

export const damagedFile = new ProviderFailure({
  reason: "BadResponse",
  provider,
  detail: "the file is an HTML page",
});
