/** What an HTTP status means to whoever asked, and how long a server asks to be left alone. */
import type { ProviderReason } from "./failure.ts";

/** The reason behind a status that is no success. */
export const reasonOfStatus = (status: number): ProviderReason => {
  if (status === 401 || status === 403) return "Unauthorized";
  if (status === 402) return "QuotaExhausted";
  if (status === 429) return "RateLimited";
  return status === 408 || status >= 500 ? "Unavailable" : "BadResponse";
};

/** A `Retry-After` header, in seconds or as a date, in ms from `now` (ms); 0 where it says nothing. */
export const retryAfterMs = (header: string | null, now: number): number => {
  if (header === null || header.trim() === "") return 0;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
};
