/**
 * The gate before a provider: a call passes it before its intent is written. It keeps the rate, waits
 * out a 429, pauses everything on a 402 with one probe a minute, and opens the circuit of a provider
 * that answers nothing but errors.
 */
import { Clock, Effect } from "effect";
import { ProviderFailure } from "../steps/failure.ts";

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
  readonly probeMs: number;
}

export interface ProviderGate {
  /** Passes when a call may be made. */
  readonly pass: Effect.Effect<void>;
  /** Why nothing passes now; null while the gate is open. */
  hold(now: number): Hold | null;
  /** A create was accepted: the provider works and is paid. */
  accepted(): void;
  /** A create was refused, or nobody knows: what that means for everybody else. */
  refused(failure: ProviderFailure, now: number): void;
}

export const makeProviderGate = (settings: GateSettings = defaultGateSettings): ProviderGate => {
  const perMs = settings.createsPerMinute / 60_000;
  let tokens = settings.burst;
  let refilledAt: number | null = null;
  let closed: Closed | null = null;
  let unclear = 0;

  const refill = (now: number): void => {
    tokens = Math.min(settings.burst, tokens + (now - (refilledAt ?? now)) * perMs);
    refilledAt = now;
  };
  /** ms to wait, 0 where the call has just been let through. */
  const tryPass = (now: number): number => {
    if (closed !== null && now < closed.until) return closed.until - now;
    refill(now);
    if (tokens < 1) return Math.max(1, Math.ceil((1 - tokens) / perMs));
    tokens -= 1;
    // While closed, who passes is the probe: the next one waits for its answer or its turn.
    if (closed !== null) closed = { ...closed, until: now + closed.probeMs };
    return 0;
  };
  const close = (failure: ProviderFailure, until: number, probeMs: number): void => {
    if (closed === null || closed.until < until) closed = { failure, until, probeMs };
  };

  return {
    pass: Effect.gen(function* () {
      while (true) {
        const waitMs = tryPass(yield* Clock.currentTimeMillis);
        if (waitMs === 0) return;
        yield* Effect.sleep(waitMs);
      }
    }),
    hold: (now) => (closed === null || now >= closed.until ? null : closed),
    accepted: () => {
      closed = null;
      unclear = 0;
    },
    refused: (failure, now) => {
      if (failure.reason === "QuotaExhausted") close(failure, now + quotaProbeMs, quotaProbeMs);
      if (failure.reason === "RateLimited") {
        const waitMs = failure.retryAfterMs ?? defaultRetryAfterMs;
        close(failure, now + waitMs, waitMs);
      }
      if (failure.reason !== "Unavailable") return;
      unclear += 1;
      if (unclear >= circuitThreshold) close(failure, now + circuitProbeMs, circuitProbeMs);
    },
  };
};
