/**
 * Keeps what is asked of a provider beside creates within what it allows. Who polls stands in one queue, so
 * that with many open predictions each is looked at less often, none never. What cannot wait (a report, a
 * deadline, a cancel) goes at once, on credit that the polls pay back. After a 429 nobody asks for a while.
 */
import { Effect, Semaphore } from "effect";
import type { ModelClient } from "../../steps/model-client.ts";
import type { ProviderFailure } from "../../steps/failure.ts";
import { runningMs } from "./running-clock.ts";

export interface LookPace {
  /** The client as whoever polls, lists and searches uses it: each call waits for its turn. */
  readonly patient: ModelClient;
  /** The client for what cannot wait. */
  readonly urgent: ModelClient;
}

/** Looks that may come at once after a quiet time, as a part of a minute's. */
const burstShare = 1 / 8;
const defaultRetryAfterMs = 5_000;
/** Answers are kept for an hour or so: nobody stays away from them for longer than this, whoever asks for it. */
const maxRetryAfterMs = 300_000;

/** Without limits of the provider, nobody waits. */
export const makeLookPace = (client: ModelClient): LookPace => {
  if (client.limits === undefined) return { patient: client, urgent: client };
  const pace = new Pace(client.limits.looksPerMinute);
  const paced = (turn: Effect.Effect<void>): ModelClient => {
    const inTurn = <A>(asked: Effect.Effect<A, ProviderFailure>) =>
      Effect.tapError(Effect.andThen(turn, asked), (failure) => pace.onFailure(failure));
    return {
      ...client,
      get: (id) => inTurn(client.get(id)),
      cancel: (id) => inTurn(client.cancel(id)),
      find: (createdAfter, createdBefore) => inTurn(client.find(createdAfter, createdBefore)),
    };
  };
  return { patient: paced(pace.turn), urgent: paced(pace.credit) };
};

/**
 * Every look takes its part of a minute, one after the other in a reckoning that may run ahead of the time
 * by a burst. Source: the generic cell rate algorithm, ITU-T I.371.
 */
class Pace {
  readonly #lookMs: number;
  readonly #burstMs: number;
  readonly #queue = Semaphore.makeUnsafe(1);
  /** Up to when (ms) looks are reckoned. */
  #reckonedUntil = Number.NEGATIVE_INFINITY;
  /** Until when (ms) the provider wants to be left alone. */
  #heldUntil = Number.NEGATIVE_INFINITY;

  constructor(looksPerMinute: number) {
    this.#lookMs = 60_000 / looksPerMinute;
    this.#burstMs = Math.max(this.#lookMs, 60_000 * burstShare);
  }

  readonly turn: Effect.Effect<void> = this.#queue.withPermits(1)(
    Effect.gen({ self: this }, function* () {
      while (true) {
        const now = yield* runningMs;
        const waitMs = Math.max(this.#reckonedUntil - this.#burstMs, this.#heldUntil) - now;
        if (waitMs <= 0) return this.#reckon(now);
        yield* Effect.sleep(Math.ceil(waitMs));
      }
    }),
  );

  readonly credit: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const waitMs = this.#heldUntil - (yield* runningMs);
    if (waitMs > 0) yield* Effect.sleep(waitMs);
    const now = yield* runningMs;
    this.#reckon(now);
    // No more than another burst ahead: a flood of reports must not keep the polls away for long.
    this.#reckonedUntil = Math.min(this.#reckonedUntil, now + 2 * this.#burstMs);
  });

  onFailure({ reason, retryAfterMs }: ProviderFailure): Effect.Effect<void> {
    if (reason !== "RateLimited") return Effect.void;
    return Effect.map(runningMs, (now) => {
      this.#heldUntil = now + Math.min(retryAfterMs ?? defaultRetryAfterMs, maxRetryAfterMs);
    });
  }

  #reckon(now: number): void {
    this.#reckonedUntil = Math.max(this.#reckonedUntil, now) + this.#lookMs;
  }
}
