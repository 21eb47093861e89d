/**
 * The gate before a provider: a call passes it before its intent is written, and is counted as open until
 * its prediction has ended. It keeps the limits of the provider and of its models, waits out a 429 and
 * lowers the rate of what was throttled, pauses everything on a 402 with one probe a minute, and opens the
 * circuit of a provider that answers nothing but errors. Until a provider has accepted a first call, calls
 * pass one after another: a restart while credit is out sends one, not all that are due.
 *
 * Who waits stands in one line for each model, and the models take turns: one that waits for its own limit
 * keeps nobody else waiting. Everything here is of this process and counted anew after a restart.
 */
import { Clock, Effect, Latch, type Scope } from "effect";
import type { Failure, ProviderFailure } from "../../steps/failure.ts";
import type { Rate } from "./allowed-rate.ts";
import { type Block, Lane, type LaneLimits, shown } from "./lane.ts";
import type { LimitOptions, ProviderLimitOptions } from "./limit-options.ts";
import { runningMs } from "./running-clock.ts";
import { type Waiter, WaitingLines } from "./waiting-lines.ts";

export type GateSettings = Rate;

/** Replicate takes 600 creates a minute. */
export const defaultGateSettings: GateSettings = { createsPerMinute: 600, burst: 60 };

/** One probe a minute while credit is out: enough to notice a top-up, too little to annoy. */
const quotaProbeMs = 60_000;
const circuitProbeMs = 30_000;
/** This many unclear answers in a row mean that the provider is down, not unlucky. */
const circuitThreshold = 5;
/** A first call that nobody answers keeps the others waiting no longer than this. */
const maxTrialMs = 5_000;

export interface Call {
  /** The intent's. */
  readonly key: string;
  readonly model: string;
}

/** Why calls wait, and until when (ms since the epoch) at least. */
export interface Hold {
  readonly failure: ProviderFailure;
  readonly until: number;
}

/** How much of a limit is used in this process. */
export interface LimitUse {
  readonly provider: string;
  /** Null for the provider as a whole. */
  readonly model: string | null;
  /** Predictions that are open, and how many may be; null where that is not bounded. */
  readonly open: number;
  readonly concurrency: number | null;
  /** Creates a minute that are allowed now, and that were set: fewer after a 429, for a while. */
  readonly createsPerMinute: number;
  readonly setCreatesPerMinute: number;
  /** Calls that wait to pass. */
  readonly waiting: number;
  /** What the provider wants patience for (`RateLimited`, `QuotaExhausted`, `Unavailable`); null while it takes calls. */
  readonly closedFor: string | null;
}

export interface ProviderGate {
  /** Returns once the call may be made; it counts as open from then on. */
  pass(call: Call): Effect.Effect<void>;
  /** Counts a call of an earlier process, or a double, that is open whether it may or not. */
  occupy(call: Call): Effect.Effect<void>;
  /** The call has ended, or never comes to anything. As often as one likes. */
  leave(key: string): Effect.Effect<void>;
  /** A call that passed, or waits to, is not made: as if it had never come. */
  withdraw(key: string): Effect.Effect<void>;
  /** The limit for which this call waits; null where it does not wait. */
  blockOf(key: string): Effect.Effect<Block | null>;
  /** Why the provider, or this model, wants patience; null while it takes calls. */
  hold(model: string): Effect.Effect<Hold | null>;
  /** Returns when nothing holds calls of this model. */
  opened(model: string): Effect.Effect<void>;
  /** The create was accepted: the provider works and is paid. */
  accepted(key: string): Effect.Effect<void>;
  /** The create was refused, or nobody knows: what that means for everybody else. */
  refused(key: string, failure: Failure): Effect.Effect<void>;
  /** The provider's use first, then those of its models that have limits of their own. */
  readonly use: Effect.Effect<ReadonlyArray<LimitUse>>;
}

/** A gate for as long as the scope lives. */
export const makeProviderGate = Effect.fnUntraced(function* (
  provider: string,
  rate: GateSettings = defaultGateSettings,
  limits: ProviderLimitOptions = {},
): Effect.fn.Return<ProviderGate, never, Scope.Scope> {
  const gate = new Gate(provider, rate, limits);
  yield* Effect.forkScoped(gate.keepTime);
  return gate;
});

const limitsOf = (given: LimitOptions, otherwise: Rate): LaneLimits => {
  const { concurrency = null, createsPerMinute = otherwise.createsPerMinute } = given;
  const ownBurst = Math.max(1, Math.ceil(createsPerMinute / 10));
  const burst = given.createsPerMinute === undefined ? otherwise.burst : ownBurst;
  return { concurrency, createsPerMinute, burst: given.burst ?? burst };
};

/** A first call whose answer shows whether the provider takes any. */
interface Trial {
  readonly key: string;
  readonly since: number;
}

class Gate implements ProviderGate {
  readonly #all: Lane;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #lines = new WaitingLines();
  readonly #laneOf = new Map<string, Lane>();
  /** Opened when the next look has to be earlier than was thought. */
  readonly #changed = Latch.makeUnsafe(false);
  /** When that look will be. */
  #lookAt = Number.POSITIVE_INFINITY;
  readonly #reopened = Latch.makeUnsafe(false);
  #unclear = 0;
  #isProven = false;
  #trial: Trial | null = null;

  constructor(provider: string, rate: Rate, { models = {}, ...limits }: ProviderLimitOptions) {
    this.#all = new Lane({ provider, model: null }, limitsOf(limits, rate));
    this.#lanes = new Map(
      Object.entries(models).map(([model, given]) => [
        model,
        new Lane({ provider, model }, limitsOf(given, this.#all.limits)),
      ]),
    );
  }

  // --- waiting and passing

  pass({ key, model }: Call): Effect.Effect<void> {
    return Effect.flatMap(runningMs, (now) =>
      Effect.callback<void>((resume) => {
        const lane = this.#laneFor(model);
        this.#lines.add(lane?.name.model ?? nameOf(model), {
          key,
          lane,
          resume: () => {
            resume(Effect.void);
          },
        });
        this.#serve(now);
        return Effect.sync(() => {
          this.#lines.forget(key);
        });
      }),
    );
  }

  occupy({ key, model }: Call): Effect.Effect<void> {
    return Effect.sync(() => {
      const lane = this.#laneFor(model);
      for (const one of [this.#all, lane])
        if (one?.open.has(key) === false) one.open.set(key, null);
      if (lane !== null) this.#laneOf.set(key, lane);
    });
  }

  leave(key: string): Effect.Effect<void> {
    return Effect.map(runningMs, (now) => {
      this.#close(key, now);
      this.#serve(now);
    });
  }

  withdraw(key: string): Effect.Effect<void> {
    return Effect.map(runningMs, (now) => {
      this.#lines.forget(key);
      if (!this.#all.open.has(key)) return;
      for (const lane of this.#lanesOf(key)) lane.rate.giveBack();
      this.#close(key, now);
      this.#serve(now);
    });
  }

  /** Looks again whenever time alone may have let somebody pass. Never returns. */
  readonly keepTime: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    while (true) {
      const now = yield* runningMs;
      const waitMs = this.#serve(now);
      this.#lookAt = waitMs === null ? Number.POSITIVE_INFINITY : now + waitMs;
      this.#changed.closeUnsafe();
      const asked = this.#changed.await;
      yield* waitMs === null ? asked : Effect.raceFirst(Effect.sleep(Math.ceil(waitMs)), asked);
    }
  });

  /** Lets pass whoever may; answers how long (ms) until somebody may by time alone, null where nobody waits for that. */
  #serve(now: number): number | null {
    while (!this.#lines.isEmpty) {
      const block = this.#blockOfAll(now);
      const next = block === null ? this.#lines.next(now) : block.waitMs;
      if (next === null) return null;
      if (typeof next === "number") {
        if (now + next < this.#lookAt) this.#changed.openUnsafe();
        return next;
      }
      this.#letPass(next, now);
    }
    return null;
  }

  #letPass({ key, lane, resume }: Waiter, now: number): void {
    this.#all.enter(key, now);
    lane?.enter(key, now);
    if (lane !== null) this.#laneOf.set(key, lane);
    if (!this.#isProven) this.#trial = { key, since: now };
    resume();
  }

  #blockOfAll(now: number): Block | null {
    const block = this.#all.block(now);
    if (block !== null || this.#trial === null) return block;
    const waitMs = this.#trial.since + maxTrialMs - now;
    if (waitMs <= 0) return null;
    const limit = `one call of ${this.#all.words} until it has accepted a first one`;
    return { waitMs, limit, failure: () => this.#all.limited(limit) };
  }

  /** Whose limits the call of this key uses up: its provider's, and its model's where that has some. */
  #lanesOf(key: string): ReadonlyArray<Lane> {
    const own = this.#laneOf.get(key);
    return own === undefined ? [this.#all] : [this.#all, own];
  }

  #laneFor(model: string): Lane | null {
    return this.#lanes.get(model) ?? this.#lanes.get(nameOf(model)) ?? null;
  }

  #close(key: string, now: number): void {
    for (const lane of this.#lanesOf(key)) lane.leave(key, now);
    this.#laneOf.delete(key);
    if (this.#trial?.key === key) this.#trial = null;
  }

  // --- what answers say

  accepted(key: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const now = yield* runningMs;
      this.#unclear = 0;
      this.#isProven = true;
      this.#trial = null;
      for (const lane of this.#lanesOf(key)) {
        lane.answered(key);
        lane.reopen(key, now);
        if (lane.rate.raise())
          yield* Effect.logInfo(
            `${lane.words}: ${shown(lane.rate.perMinute)} creates a minute are allowed again, as was set`,
          );
      }
      this.#open(now);
    });
  }

  refused(key: string, failure: Failure): Effect.Effect<void> {
    return Effect.flatMap(runningMs, (now) => {
      if (this.#trial?.key === key) this.#trial = null;
      for (const lane of this.#lanesOf(key)) lane.answered(key);
      const told = this.#judge(key, failure, now);
      this.#serve(now);
      return told;
    });
  }

  #judge(key: string, failure: Failure, now: number): Effect.Effect<void> {
    if (failure._tag === "ProviderFailure") {
      const { reason } = failure;
      if (reason === "RateLimited") return this.#throttled(key, failure, now);
      if (reason === "QuotaExhausted") {
        this.#all.close(failure, now, quotaProbeMs);
        return Effect.void;
      }
      if (reason === "Unavailable") {
        this.#unclear += 1;
        if (this.#unclear >= circuitThreshold) this.#all.close(failure, now, circuitProbeMs);
        return Effect.void;
      }
    }
    // A definite no to this request says that the provider answers; not that it is paid.
    this.#unclear = 0;
    for (const lane of this.#lanesOf(key))
      if (lane.closedFor?.reason !== "QuotaExhausted") lane.reopen(key, now);
    this.#open(now);
    return Effect.void;
  }

  /** A model with limits of its own is throttled by itself, the others with their provider. */
  #throttled(key: string, failure: ProviderFailure, now: number): Effect.Effect<void> {
    const lane = this.#laneOf.get(key) ?? this.#all;
    if (!lane.throttled(failure, key, now)) return Effect.void;
    const { perMinute, set } = lane.rate;
    const allowed = `${shown(perMinute)} of ${shown(set.createsPerMinute)} creates a minute`;
    return Effect.logWarning(`${lane.words} was throttled: ${allowed} are allowed from now on`);
  }

  #open(now: number): void {
    this.#reopened.openUnsafe();
    this.#reopened.closeUnsafe();
    this.#serve(now);
  }

  // --- what others see

  blockOf(key: string): Effect.Effect<Block | null> {
    return Effect.map(runningMs, (now) => {
      const own = this.#lines.blockOf(key, now);
      return own === undefined ? null : (this.#blockOfAll(now) ?? own);
    });
  }

  hold(model: string): Effect.Effect<Hold | null> {
    return Effect.gen({ self: this }, function* () {
      const now = yield* runningMs;
      const block = this.#all.patience(now) ?? this.#laneFor(model)?.patience(now) ?? null;
      if (block === null) return null;
      const until = (yield* Clock.currentTimeMillis) + Math.ceil(block.waitMs ?? 0);
      return { failure: block.failure(), until };
    });
  }

  opened(model: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      while (this.#all.isClosed || this.#laneFor(model)?.isClosed === true)
        yield* this.#reopened.await;
    });
  }

  readonly use: Effect.Effect<ReadonlyArray<LimitUse>> = Effect.sync(() => {
    return [this.#all, ...this.#lanes.values()].map((lane) => ({
      ...lane.name,
      open: lane.open.size,
      concurrency: lane.limits.concurrency,
      createsPerMinute: lane.rate.perMinute,
      setCreatesPerMinute: lane.rate.set.createsPerMinute,
      waiting: this.#lines.count(lane === this.#all ? null : lane),
      closedFor: lane.closedFor?.reason ?? null,
    }));
  });
}

/** Without its version. */
const nameOf = (model: string): string => model.split(":")[0] ?? model;
