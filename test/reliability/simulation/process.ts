/** One simulated process: a whole engine in a lane of its own, over ports that can break at every crash point. */
import { type Context, Effect, Exit, type Fiber } from "effect";
import { type Engine, makeEngine } from "../../../src/runtime/engine.ts";
import { AssetStore } from "../../../src/steps/asset-store.ts";
import type { CrashEnd, CrashPoint } from "./crash-point.ts";
import { linkTo } from "./link.ts";
import { breakableAssets, breakableStore } from "./breakable-stores.ts";
import { imageModel, textModel, usdPerSecond } from "./provider.ts";
import { orphanGraceMs } from "./rules.ts";
import type { Mortal } from "./mortal.ts";
import type { Surroundings } from "./surroundings.ts";
import { Lane, laneContext } from "./timeline.ts";

/** Shorter than in life, like the grace for orphans. */
const closeGraceMs = 10_000;

export class SimulatedProcess implements Mortal {
  readonly name: string;
  readonly lane: Lane;
  /** The owner's id in the journal store, once it is registered. */
  owner: string | null = null;
  engine: Engine | null = null;
  /** Once it was held for dead, whatever it does must be in vain. */
  isStale = false;
  readonly #around: Surroundings;
  readonly #context: Context.Context<never>;
  #main: Fiber.Fiber<unknown, unknown> | null = null;

  constructor(
    around: Surroundings,
    { name, skewMs }: { readonly name: string; readonly skewMs: number },
  ) {
    this.name = name;
    this.#around = around;
    this.lane = new Lane(around.timeline);
    this.#context = laneContext(around.timeline, this.lane, {
      chance: around.chance,
      skewMs,
    });
  }

  start(): void {
    const { assets, journals, plans, concurrency, budgets } = this.#around;
    const breakable = breakableAssets(this, this.#around, assets);
    let keys = 0;
    const engine = makeEngine({
      plans,
      store: breakableStore(this, this.#around, journals),
      assets: breakable,
      models: linkTo(this, this.#around),
      prices: {
        [textModel]: { unit: "second", usdPerSecond },
        [imageModel]: { unit: "second", usdPerSecond },
      },
      gate: { createsPerMinute: 600, burst: 60 },
      jobs: {
        closeGraceMs,
        passivateAfterMs: 2_000,
        ...(budgets === undefined ? {} : { budgets }),
      },
      watcher: { orphanGraceMs, pollMs: 500, maxPollMs: 5_000 },
      concurrency,
      lookEveryMs: 1_000,
      recoverEveryMs: 3_000,
      identifiers: {
        jobId: Effect.sync(() => `${this.name}-job-${(keys += 1)}`),
        key: Effect.sync(() => `${this.name}-key-${(keys += 1)}`),
      },
      observe: () => undefined,
    });
    const main = engine.pipe(
      Effect.tap((started) =>
        Effect.sync(() => {
          this.engine = started;
        }),
      ),
      Effect.andThen(Effect.never),
      Effect.scoped,
      Effect.provideService(AssetStore, breakable),
    );
    this.lane.enqueue(() => {
      this.#main = Effect.runForkWith(this.#context)(main);
      this.#main.addObserver((exit) => {
        if (!Exit.hasInterrupts(exit))
          this.#around.rules.broken(`${this.name} ended: ${String(exit)}`);
        this.end({ type: "stop" }, true);
      });
    });
  }

  /** Something only this process does: it is lost when the process dies. */
  run(effect: Effect.Effect<void>): void {
    this.lane.enqueue(() => {
      Effect.runForkWith(this.#context)(effect);
    });
  }

  /** The process ends in this way; a stop takes the time that its scope takes to close. */
  end(end: CrashEnd, isOver = false): void {
    if (this.lane.isDead || (this.lane.isFrozen && end.type !== "kill")) return;
    if (end.type === "stop" && !isOver) {
      this.engine = null;
      this.lane.enqueue(() => this.#main?.interruptUnsafe());
      return;
    }
    const { journals, timeline, rules } = this.#around;
    // One that is frozen may still write what it was about to.
    if (end.type === "kill" && !this.isStale) rules.died(this);
    if (end.type !== "stop" && this.owner !== null) journals.kill(this.owner);
    if (end.type === "freeze") {
      this.isStale = true;
      this.engine = null;
      this.lane.freeze();
      timeline.after(end.forMs, () => {
        this.lane.thaw();
        timeline.after(this.#around.chance.between(100, 8_000), () => {
          this.end({ type: "kill" });
        });
      });
    } else {
      this.engine = null;
      this.lane.kill();
    }
    this.#around.onEnd(this, end.type);
  }

  /** Goes on, unless the process is dead; waits while it is frozen. No pause otherwise. */
  readonly alive: Effect.Effect<void> = Effect.suspend(() => {
    if (this.lane.isDead) return Effect.never;
    return this.lane.isFrozen ? Effect.andThen(Effect.yieldNow, this.alive) : Effect.void;
  });

  /** Passes a crash point, or does not come out of it. */
  passes(point: CrashPoint): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.lane.isDead) return Effect.never;
      const end = this.#around.endAt(point);
      if (end !== undefined) this.end(end);
      return this.alive;
    });
  }
}
