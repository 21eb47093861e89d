/**
 * What bounds the calls of a provider, or of one of its models with limits of its own: how many may be open,
 * how many a minute, and whether it has asked for patience. Instants in ms of a clock that only runs.
 */
import { ProviderFailure } from "../../steps/failure.ts";
import { AllowedRate, type Rate } from "./allowed-rate.ts";

export interface LaneLimits extends Rate {
  /** Null: no limit. */
  readonly concurrency: number | null;
}

/** Why nothing passes now. */
export interface Block {
  /** ms until that may change by itself; null where only the end of another call changes it. */
  readonly waitMs: number | null;
  /** Made only where it is needed: an error with its stack is dear. */
  readonly failure: () => ProviderFailure;
  /** The limit in words; null where it is the provider that wants patience. */
  readonly limit: string | null;
}

interface Closed {
  readonly failure: ProviderFailure;
  readonly at: number;
  readonly until: number;
  /** How long after one probe the next may pass. */
  readonly probeMs: number;
  /** The call that was let through to find out, while nobody has answered it. */
  readonly probe: string | null;
}

/** A 429 that says nothing of when to come back: the first wait, twice as long with each further one, and the longest. */
const silentRetryMs = 5_000;
const maxSilentRetryMs = 60_000;

export interface LaneName {
  readonly provider: string;
  /** The model; null for the provider as a whole. */
  readonly model: string | null;
}

export class Lane {
  readonly name: LaneName;
  readonly limits: LaneLimits;
  readonly rate: AllowedRate;
  /** Keys of calls that are open, and when each passed; null for those that an earlier process made. */
  readonly open = new Map<string, number | null>();
  #closed: Closed | null = null;
  #silent = 0;

  constructor(name: LaneName, limits: LaneLimits) {
    this.name = name;
    this.limits = limits;
    this.rate = new AllowedRate(limits);
  }

  get words(): string {
    return this.name.model ?? this.name.provider;
  }

  block(now: number): Block | null {
    const patience = this.patience(now);
    if (patience !== null) return patience;
    const { concurrency } = this.limits;
    if (concurrency !== null && this.open.size >= concurrency)
      return this.#block(null, `${concurrency} open predictions of ${this.words}`);
    const waitMs = this.rate.waitMs(now);
    if (waitMs === 0) return null;
    const lowered = this.rate.isLowered ? ", lowered after it was throttled" : "";
    const perMinute = shown(this.rate.perMinute);
    return this.#block(waitMs, `${perMinute} creates a minute of ${this.words}${lowered}`);
  }

  #block(waitMs: number | null, limit: string): Block {
    return { waitMs, limit, failure: () => this.limited(limit) };
  }

  /** What a call that waits for a limit of ours has against it. */
  limited(limit: string): ProviderFailure {
    const { provider } = this.name;
    const detail = `the limit of ${limit} is reached`;
    return new ProviderFailure({ reason: "RateLimited", provider, detail });
  }

  /** Why it takes no calls now; null while it does, or waits for a probe. */
  patience(now: number): Block | null {
    const closed = this.#closed;
    if (closed === null || now >= closed.until) return null;
    return { waitMs: closed.until - now, failure: () => closed.failure, limit: null };
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  get closedFor(): ProviderFailure | null {
    return this.#closed?.failure ?? null;
  }

  /** A call passes. While closed it is the probe: the next one waits for its answer or its turn. */
  enter(key: string, now: number): void {
    this.rate.take();
    this.open.set(key, now);
    if (this.#closed !== null)
      this.#closed = { ...this.#closed, until: now + this.#closed.probeMs, probe: key };
  }

  /** Whatever the answer says, the call has found it out. */
  answered(key: string): void {
    if (this.#closed?.probe === key) this.#closed = { ...this.#closed, probe: null };
  }

  /** The call is over; a probe that nobody answered found out nothing, so that another may pass. */
  leave(key: string, now: number): void {
    this.open.delete(key);
    if (this.#closed?.probe === key) this.#closed = { ...this.#closed, until: now, probe: null };
  }

  /** Nothing passes before this; a longer wait that was asked for already stays. */
  close(failure: ProviderFailure, now: number, probeMs: number): void {
    if (this.#closed !== null && this.#closed.until >= now + probeMs) return;
    this.#closed = { failure, at: now, until: now + probeMs, probeMs, probe: null };
  }

  /**
   * This call was answered as by who takes calls: who waited goes on at the rate. A call that had passed before
   * the lane was closed says nothing of what was wanted since.
   */
  reopen(key: string, now: number): void {
    const closed = this.#closed;
    if (closed !== null && (this.open.get(key) ?? closed.at) <= closed.at) return;
    this.#silent = 0;
    this.#closed = null;
    if (closed !== null) this.rate.drain(now);
  }

  /** The provider found it too much. True where that lowers the rate. */
  throttled(failure: ProviderFailure, key: string, now: number): boolean {
    if (failure.retryAfterMs === undefined) {
      const waitMs = Math.min(silentRetryMs * 2 ** this.#silent, maxSilentRetryMs);
      this.#silent += 1;
      this.close(failure, now, waitMs);
    } else this.close(failure, now, failure.retryAfterMs);
    return this.rate.cut(now, this.open.get(key) ?? now);
  }
}

/** A rate as people read it. */
export const shown = (perMinute: number): string => `${Number(perMinute.toPrecision(3))}`;
