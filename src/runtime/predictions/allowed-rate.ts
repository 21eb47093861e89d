/**
 * How many creates a minute are allowed: as many as was set, and fewer for a while after the provider found
 * them too many. A throttled call halves the rate; accepted ones raise it again, in ten minutes of full use
 * from half to all of it. Source: additive increase, multiplicative decrease, as TCP does (Chiu and Jain, 1989).
 */

export interface Rate {
  readonly createsPerMinute: number;
  /** How many may pass at once after a quiet time. */
  readonly burst: number;
}

/** The rate never falls below this many a minute, or what was set if that is less: somebody has to find out. */
const lowestPerMinute = 1;
/** What a minute of full use adds, as a part of what was set. */
const raisePart = 1 / 20;

/** A bucket of tokens; instants in ms of a clock that only runs. */
export class AllowedRate {
  readonly set: Rate;
  #perMinute: number;
  #tokens: number;
  #refilledAt: number | null = null;
  #cutAt = Number.NEGATIVE_INFINITY;

  constructor(set: Rate) {
    this.set = set;
    this.#perMinute = set.createsPerMinute;
    this.#tokens = set.burst;
  }

  /** What is allowed now; never more than was set. */
  get perMinute(): number {
    return this.#perMinute;
  }

  get isLowered(): boolean {
    return this.#perMinute < this.set.createsPerMinute;
  }

  /** ms until a call may pass; 0 where one may now. */
  waitMs(now: number): number {
    this.#refill(now);
    // A sum of many small parts may miss a whole by less than anybody can measure.
    if (this.#tokens >= 1 - 1e-9) return 0;
    return Math.max(1, Math.ceil(((1 - this.#tokens) * 60_000) / this.#perMinute));
  }

  take(): void {
    this.#tokens -= 1;
  }

  /** A call that passed was never made. */
  giveBack(): void {
    this.#tokens = Math.min(this.#capacity(), this.#tokens + 1);
  }

  /**
   * A call that passed at `passedAt` was throttled. False where the rate was lowered after that already: of
   * one burst that was too much, each refusal says the same.
   */
  cut(now: number, passedAt: number): boolean {
    if (passedAt <= this.#cutAt) return false;
    this.drain(now);
    this.#cutAt = now;
    const lowest = Math.min(lowestPerMinute, this.set.createsPerMinute);
    this.#perMinute = Math.max(this.#perMinute / 2, lowest);
    return true;
  }

  /** A call was accepted. True where that makes the rate what was set again. */
  raise(): boolean {
    if (!this.isLowered) return false;
    const { createsPerMinute } = this.set;
    const step = Math.min((createsPerMinute * raisePart) / this.#perMinute, this.#perMinute);
    this.#perMinute = Math.min(createsPerMinute, this.#perMinute + step);
    return !this.isLowered;
  }

  /** What was saved up in a time without calls would let all of who waited pass at once. */
  drain(now: number): void {
    this.#refill(now);
    this.#tokens = Math.min(this.#tokens, 1);
  }

  #refill(now: number): void {
    const passedMs = Math.max(now - (this.#refilledAt ?? now), 0);
    const refilled = this.#tokens + (passedMs * this.#perMinute) / 60_000;
    this.#tokens = Math.min(this.#capacity(), refilled);
    this.#refilledAt = now;
  }

  #capacity(): number {
    return Math.max(1, (this.set.burst * this.#perMinute) / this.set.createsPerMinute);
  }
}
