/**
 * Time that stands still until everything only waits, and then jumps to the next thing that is waited
 * for. Several processes share it; one that is killed is woken by nothing any more.
 */
import { Clock, Context, Duration, Effect, References, Scheduler } from "effect";

/** Where virtual time begins: some Thursday, so that instants in messages look like instants. */
const startMs = Date.UTC(2026, 0, 1);
const nanosPerMilli = 1_000_000n;
/** How long (real ms) to wait between two looks at code of the user's that is doing real work. */
const realWaitMs = 1;

interface Sleeper {
  readonly wakeAt: number;
  readonly process: object;
  readonly wake: () => void;
  readonly isUsers: boolean;
}

export class VirtualTime {
  #now = startMs;
  #tasks = 0;
  /** The process of each call of the user's code that has not returned. */
  #userCalls: ReadonlyArray<{ readonly process: object }> = [];
  #sleepers: ReadonlyArray<Sleeper> = [];
  readonly scheduler: Scheduler.Scheduler;

  constructor() {
    this.scheduler = new Scheduler.MixedScheduler("async", (run) => this.#counted(run));
  }

  #counted(run: () => void): () => void {
    this.#tasks += 1;
    const handle = setImmediate(() => {
      this.#tasks -= 1;
      run();
    });
    return () => {
      this.#tasks -= 1;
      clearImmediate(handle);
    };
  }

  readonly now = (): number => this.#now;

  /** The services that make a process live in this time. */
  servicesOf(process: object): Context.Context<never> {
    return Context.make(Scheduler.Scheduler, this.scheduler).pipe(
      Context.add(Clock.Clock, this.#clock(process, false)),
      // What is wrong is said by the test; what is logged on the way would drown it.
      Context.add(References.MinimumLogLevel, "None"),
    );
  }

  #clock(process: object, isUsers: boolean): Clock.Clock {
    const millis = () => this.#now;
    const nanos = () => BigInt(Math.floor(this.#now)) * nanosPerMilli;
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => this.#sleep(Duration.toMillis(duration), process, isUsers),
    };
  }

  #sleep(millis: number, process: object, isUsers: boolean): Effect.Effect<void> {
    if (millis <= 0) return Effect.yieldNow;
    return Effect.callback((resume) => {
      const wake = () => {
        resume(Effect.void);
      };
      const sleeper = { wakeAt: this.#now + millis, process, wake, isUsers };
      this.#sleepers = [...this.#sleepers, sleeper];
      return Effect.sync(() => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      });
    });
  }

  /** Runs code of the user's: time does not jump while it works, unless it waits for time itself. */
  usersCode<A, E, R>(effect: Effect.Effect<A, E, R>, process: object): Effect.Effect<A, E, R> {
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        const call = { process };
        this.#userCalls = [...this.#userCalls, call];
        return call;
      }),
      () => Effect.provideService(effect, Clock.Clock, this.#clock(process, true)),
      (call) =>
        Effect.sync(() => {
          this.#userCalls = this.#userCalls.filter((other) => other !== call);
        }),
    );
  }

  /** Returns once nothing can go on but by the passing of time. */
  async idle(): Promise<void> {
    let quietTurns = 0;
    // One quiet turn may only be the moment between a promise and what follows it.
    while (quietTurns < 2) {
      const isWorking =
        this.#userCalls.length > this.#sleepers.filter(({ isUsers }) => isUsers).length;
      await (isWorking ? realPause() : turn());
      quietTurns = this.#tasks === 0 && !isWorking ? quietTurns + 1 : 0;
    }
  }

  /** Goes to the next instant somebody waits for; false where nobody does. */
  jump(): boolean {
    const next = Math.min(...this.#sleepers.map(({ wakeAt }) => wakeAt));
    if (!Number.isFinite(next)) return false;
    this.#now = Math.max(this.#now, next);
    const due = this.#sleepers.filter(({ wakeAt }) => wakeAt <= this.#now);
    this.#sleepers = this.#sleepers.filter((sleeper) => !due.includes(sleeper));
    for (const { wake } of due) wake();
    return true;
  }

  /** Nothing of this process is ever woken again. */
  kill(process: object): void {
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.process !== process);
    this.#userCalls = this.#userCalls.filter((call) => call.process !== process);
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const realPause = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, realWaitMs);
  });
