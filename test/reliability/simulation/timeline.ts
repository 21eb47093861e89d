/**
 * Virtual time for several processes in one thread. Each has a lane: the only place where its fibers run.
 * A dead lane runs nothing ever again, a frozen one keeps what comes until it is thawed; no fiber notices,
 * exactly as with SIGKILL and SIGSTOP. (Effect's TestClock moves one clock for everybody and cannot stop
 * the fibers of one of several processes.) Everything is synchronous, so a seed decides all of it.
 */
import { Clock, Context, Duration, Effect, Random, References, Scheduler } from "effect";
import { type Chance, randomFrom } from "./chance.ts";

export interface Timer {
  readonly at: number;
  readonly ordinal: number;
  readonly run: () => void;
}

interface Task {
  readonly lane: Lane;
  readonly run: () => void;
}

/** So many tasks without time passing mean that somebody turns in a circle. */
const maxTasksAtOnce = 200_000;

export class Timeline {
  /** ms since the epoch. */
  now = 1_750_000_000_000;
  readonly #chance: Chance;
  /** Latest first. */
  readonly #timers: Array<Timer> = [];
  #ready: Array<Task> = [];
  #ordinal = 0;
  /** Whose fiber runs now. */
  performing: Lane | null = null;
  /** Which of several ready tasks runs first is left to chance, not to their order. */
  readonly #isShaken: boolean;

  constructor(chance: Chance, isShaken: boolean) {
    this.#chance = chance;
    this.#isShaken = isShaken;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { at: this.now + Math.max(delayMs, 0), ordinal: (this.#ordinal += 1), run };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isLater(this.#timers[middle], timer)) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  forget(timer: Timer): void {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  ready(lane: Lane, run: () => void): void {
    this.#ready.push({ lane, run });
  }

  /** Lets time pass until the claim holds between two instants; false where `limitMs` passed first. */
  runUntil(isDone: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs;
    while (true) {
      this.#runReady();
      if (isDone()) return true;
      const timer = this.#timers.pop();
      if (timer === undefined || timer.at > end) return false;
      this.now = Math.max(this.now, timer.at);
      timer.run();
    }
  }

  #runReady(): void {
    let ran = 0;
    while (this.#ready.length > 0) {
      const task = this.#isShaken ? this.#takeAny() : this.#ready.shift();
      this.performing = task?.lane ?? null;
      task?.lane.perform(task.run);
      ran += 1;
      if (ran > maxTasksAtOnce) throw new Error("the processes are busy without time passing");
    }
  }

  #takeAny(): Task | undefined {
    return this.#ready.splice(this.#chance.between(0, this.#ready.length - 1), 1)[0];
  }
}

const isLater = (timer: Timer | undefined, than: Timer): boolean =>
  timer !== undefined &&
  (timer.at > than.at || (timer.at === than.at && timer.ordinal > than.ordinal));

export class Lane {
  readonly #timeline: Timeline;
  #state: "running" | "frozen" | "dead" = "running";
  #held: Array<() => void> = [];

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isFrozen(): boolean {
    return this.#state === "frozen";
  }

  /** Soon, unless the lane is dead by then. */
  enqueue(run: () => void): void {
    if (this.#state === "frozen") this.#held.push(run);
    else if (this.#state === "running") this.#timeline.ready(this, run);
  }

  perform(run: () => void): void {
    if (this.#state === "running") run();
    else this.enqueue(run);
  }

  kill(): void {
    this.#state = "dead";
    this.#held = [];
  }

  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }

  thaw(): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    for (const run of held) this.#timeline.ready(this, run);
  }
}

/** What Effect runs on in this lane: its scheduler, its clock (off by `skewMs`), its chance, no log. */
export const laneContext = (
  timeline: Timeline,
  lane: Lane,
  { chance, skewMs }: { readonly chance: Chance; readonly skewMs: number },
): Context.Context<never> =>
  Context.empty().pipe(
    Context.add(Scheduler.Scheduler, laneScheduler(lane)),
    Context.add(Clock.Clock, laneClock(timeline, lane, skewMs)),
    Context.add(Random.Random, randomFrom(chance)),
    Context.add(References.MinimumLogLevel, "None"),
  );

/** A fiber that runs this long without a pause lets others run; Effect's own default. */
const maxOperations = 2_048;

const laneScheduler = (lane: Lane): Scheduler.Scheduler => ({
  executionMode: "async",
  shouldYield: (fiber) => fiber.currentOpCount >= maxOperations,
  makeDispatcher: () => ({
    scheduleTask: (task) => {
      lane.enqueue(task);
    },
    flush: () => undefined,
  }),
});

const laneClock = (timeline: Timeline, lane: Lane, skewMs: number): Clock.Clock => {
  const millis = (): number => timeline.now + skewMs;
  const nanos = (): bigint => BigInt(Math.floor(millis() * 1_000_000));
  const monotonic = (): bigint => BigInt(Math.floor(timeline.now * 1_000_000));
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep: (duration) =>
      Effect.callback((resume) => {
        const delayMs = Duration.toMillis(duration);
        if (!Number.isFinite(delayMs)) return;
        const timer = timeline.after(delayMs, () => {
          lane.enqueue(() => {
            resume(Effect.void);
          });
        });
        return Effect.sync(() => {
          timeline.forget(timer);
        });
      }),
  };
};
