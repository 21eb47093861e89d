/**
 * The gate before a provider: a call passes it before its intent is written. It keeps the rate, waits
 * out a 429, pauses everything on a 402 with one probe a minute, and opens the circuit of a provider
 * that answers nothing but errors. Who waits stands in one queue: when the gate opens again, calls pass
 * one after the other at the rate, not all at once.
 */
import { Clock, Effect, Latch, Semaphore } from "effect";
import { type Failure, ProviderFailure } from "../../steps/failure.ts";

export interface GateSettings {
  /** Creates a minute; Replicate takes 600. */
  readonly createsPerMinute: number;
  /** How many may pass at once after a quiet time. */
  readonly burst: number;
}

export const defaultGateSettings: GateSettings = { createsPerMinute: 600, burst: 60 };

/** One probe a minute while credit is out: enough to notice a top-up, too little to annoy. */
const quotaProbeMs = 60_000;
const circuitProbeMs = 30_000;
/** This many unclear answers in a row mean that the provider is down, not unlucky. */
const circuitThreshold = 5;
const defaultRetryAfterMs = 5_000;

/** Why calls wait, and until when (ms) at least. */
export interface Hold {
  readonly failure: ProviderFailure;
  readonly until: number;
}

interface Closed extends Hold {
  /** How long a wait for the next probe is at the most, whatever the clock does. */
  readonly probeMs: number;
}

export interface ProviderGate {
  /** Passes when a call may be made. */
  readonly pass: Effect.Effect<void>;
  /** Returns when the gate is open. */
  readonly opened: Effect.Effect<void>;
  /** Why nothing passes now; null while the gate is open. */
  hold(now: number): Hold | null;
  /** A create was accepted: the provider works and is paid. */
  accepted(): void;
  /** A create was refused, or nobody knows: what that means for everybody else. */
  refused(failure: Failure, now: number): void;
}

export const makeProviderGate = (settings: GateSettings = defaultGateSettings): ProviderGate => {
  const gate = new Gate(settings);
  return {
    pass: gate.pass,
    opened: gate.opened,
    hold: (now) => gate.hold(now),
    accepted: () => {
      gate.open();
    },
    refused: (failure, now) => {
      gate.refused(failure, now);
    },
  };
};

class Gate {
  readonly #burst: number;
  readonly #perMs: number;
  readonly #queue = Semaphore.makeUnsafe(1);
  readonly #isOpen = Latch.makeUnsafe(true);
  #tokens: number;
  #refilledAt: number | null = null;
  #closed: Closed | null = null;
  #unclear = 0;

  constructor({ createsPerMinute, burst }: GateSettings) {
    this.#burst = burst;
    this.#perMs = createsPerMinute / 60_000;
    this.#tokens = burst;
  }

  readonly opened = this.#isOpen.await;

  readonly pass: Effect.Effect<void> = this.#queue.withPermits(1)(
    Effect.gen({ self: this }, function* () {
      while (true) {
        const waitMs = this.#tryPass(yield* Clock.currentTimeMillis);
        if (waitMs === 0) return;
        yield* this.#closed === null
          ? Effect.sleep(waitMs)
          : this.#untilProbe(this.#closed, waitMs);
      }
    }),
  );

  hold(now: number): Hold | null {
    return this.#closed === null || now >= this.#closed.until ? null : this.#closed;
  }

  open(): void {
    this.#unclear = 0;
    if (this.#closed === null) return;
    this.#closed = null;
    // Who waited goes on at the rate: what was saved up meanwhile would let all of them pass at once.
    this.#tokens = Math.min(this.#tokens, 1);
    this.#refilledAt = null;
    this.#isOpen.openUnsafe();
  }

  refused(failure: Failure, now: number): void {
    if (failure._tag === "ProviderFailure") {
      if (failure.reason === "QuotaExhausted")
        return this.#close({ failure, until: now + quotaProbeMs, probeMs: quotaProbeMs });
      if (failure.reason === "RateLimited") {
        const probeMs = failure.retryAfterMs ?? defaultRetryAfterMs;
        return this.#close({ failure, until: now + probeMs, probeMs });
      }
      if (failure.reason === "Unavailable") return this.#onUnclear(failure, now);
    }
    // A definite no to this request says that the provider answers; not that it is paid.
    this.#unclear = 0;
    if (this.#closed !== null && this.#closed.failure.reason !== "QuotaExhausted") this.open();
  }

  #onUnclear(failure: ProviderFailure, now: number): void {
    this.#unclear += 1;
    if (this.#unclear < circuitThreshold) return;
    this.#close({ failure, until: now + circuitProbeMs, probeMs: circuitProbeMs });
  }

  #close(closed: Closed): void {
    if (this.#closed !== null && this.#closed.until >= closed.until) return;
    this.#closed = closed;
    this.#isOpen.closeUnsafe();
  }

  /** ms to wait, 0 where the call has just been let through. */
  #tryPass(now: number): number {
    const closed = this.#closed;
    if (closed !== null && now < closed.until) return Math.min(closed.until - now, closed.probeMs);
    this.#refill(now);
    if (this.#tokens < 1) return Math.max(1, Math.ceil((1 - this.#tokens) / this.#perMs));
    this.#tokens -= 1;
    // While closed, who passes is the probe: the next one waits for its answer or its turn.
    if (closed !== null) this.#closed = { ...closed, until: now + closed.probeMs };
    return 0;
  }

  #refill(now: number): void {
    const passedMs = Math.max(now - (this.#refilledAt ?? now), 0);
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs * this.#perMs);
    this.#refilledAt = now;
  }

  /** The wait itself decides that it is over, not the clock, which may have been set back meanwhile. */
  #untilProbe(closed: Closed, waitMs: number): Effect.Effect<void> {
    const waited = Effect.map(Effect.sleep(waitMs), () => {
      if (this.#closed === closed) this.#closed = { ...closed, until: Number.NEGATIVE_INFINITY };
    });
    return Effect.raceFirst(waited, this.#isOpen.await);
  }
}
