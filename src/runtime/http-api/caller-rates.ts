/**
 * How often each caller may ask. A caller's bucket is one number, the instant at which it is full again (GCRA), and
 * is forgotten once it is: hosts vouch for as many callers as they have users, and none of them is kept for ever.
 */
import type { Caller } from "./http-options.ts";

const windowMs = 60_000;
/** Of parts of milliseconds that add up to a minute, in floating point. */
const toleranceMs = 0.001;

export class CallerRates {
  readonly #fullAt = new Map<string, number>();
  readonly #everyMs: number;
  #sweepAt = Number.NEGATIVE_INFINITY;

  /** `perMinute` at once at the most, and as many in each minute. */
  constructor(perMinute: number) {
    this.#everyMs = windowMs / perMinute;
  }

  /** Takes one request of the caller at `now` (ms); 0, or how long (ms) it has to wait before the next is taken. */
  take({ id, tenant }: Caller, now: number): number {
    this.#sweep(now);
    const key = JSON.stringify([tenant, id]);
    // Never fuller than full, and never emptier than empty, wherever the clock was set to.
    const fullAt = Math.min(Math.max(this.#fullAt.get(key) ?? now, now), now + windowMs);
    const next = fullAt + this.#everyMs;
    const waitMs = next - now - windowMs;
    if (waitMs > toleranceMs) return waitMs;
    this.#fullAt.set(key, next);
    return 0;
  }

  /** How many callers are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  #sweep(now: number): void {
    if (now < this.#sweepAt && this.#sweepAt <= now + windowMs) return;
    this.#sweepAt = now + windowMs;
    for (const [key, fullAt] of this.#fullAt)
      if (fullAt <= now || fullAt > now + windowMs) this.#fullAt.delete(key);
  }
}
