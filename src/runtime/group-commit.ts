/**
 * Group commit over all jobs: whatever writes are waiting go into one transaction. A store that is in
 * trouble holds the writers instead of failing their steps; only who may be refused is refused.
 */
import { Clock, Effect, Fiber, Latch, Schedule } from "effect";
import { isApplied } from "./applied-write.ts";
import type { Scope } from "effect";
import { type JournalStore, StoreFailure, type Write, type WriteResult } from "./journal-store.ts";
import { CatenaStopped } from "./outcome.ts";

/** What became of a write: the result, or what leads to it. */
export type Answer = WriteResult | Effect.Effect<WriteResult, StoreFailure>;

export interface GroupCommit {
  /**
   * As `commit`, for who has no fiber: `answered` is called once, in the fiber of the committer. The function that is answered takes back what has not gone out yet; nobody is told then.
   */
  readonly post: (write: Write, answered: (answer: Answer) => void) => () => void;
  /** Waits until the write is durable or in conflict, through any trouble of the store. Dies once the committer is stopped. */
  commit(write: Write): Effect.Effect<WriteResult>;
  /**
   * As `commit`, but refused at once while the store is in trouble. `unheard` is called where the writer
   * was interrupted meanwhile and the write may be durable all the same. Fails with: StoreFailure.
   */
  tryCommit(write: Write, unheard: () => void): Effect.Effect<WriteResult, StoreFailure>;
  /** What is wrong with the store, and since when (ms); null while it takes writes, or the next one is to find out. */
  readonly trouble: () => StoreTrouble | null;
  /** Waits while the store is in trouble. */
  readonly whenHealthy: Effect.Effect<void>;
}

export interface StoreTrouble {
  readonly failure: StoreFailure;
  readonly since: number;
}

interface Waiter {
  readonly write: Write;
  readonly mayFail: boolean;
  /** An earlier call with this write failed or died without saying for certain that nothing was applied. */
  readonly isRepeated: boolean;
  readonly settle: (answer: Answer) => void;
}

interface Answered {
  readonly group: ReadonlyArray<Waiter>;
  readonly answers: ReadonlyArray<Answer>;
}

/** Fewer than this are not worth a second transaction. */
const minHalf = 16;
/** A transaction past this many writes gains nothing and keeps the first waiter waiting. */
const maxGroup = 512;
const firstPauseMs = 50;
const maxPauseMs = 5_000;

/** Starts the committer; it lives as long as the scope. */
export const makeGroupCommit = Effect.fnUntraced(function* (
  store: JournalStore["Service"],
): Effect.fn.Return<GroupCommit, never, Scope.Scope> {
  let waiting: Array<Waiter> = [];
  let inFlight: ReadonlyArray<Waiter> = [];
  let trouble: StoreTrouble | null = null;
  /** Between two tries of a store in trouble; afterwards the next writer is the probe. */
  let isPausing = false;
  let isStopped = false;
  /** Answered and not yet told: the next group goes out first, so that store and writers work side by side. */
  let untold: Answered | null = null;
  /** The store commits while we go on, in a thread or a server of its own. */
  let isBeside = false;
  const work = yield* Latch.make(false);
  const healthy = yield* Latch.make(true);

  const enqueue = (write: Write, mayFail: boolean, unheard: () => void) =>
    Effect.callback<WriteResult, StoreFailure>((resume) => {
      if (isStopped) {
        resume(Effect.die(new CatenaStopped()));
        return;
      }
      let isGone = false;
      const settle: Waiter["settle"] = (outcome) => {
        if (isGone) unheard();
        else resume(Effect.isEffect(outcome) ? outcome : Effect.succeed(outcome));
      };
      waiting.push({ write, mayFail, isRepeated: false, settle });
      work.openUnsafe();
      return Effect.sync(() => {
        isGone = true;
        waiting = waiting.filter(({ write: other }) => other !== write);
      });
    });

  /** Half of those that wait for a store that commits beside us: the others go out while these are told. */
  const take = (): ReadonlyArray<Waiter> => {
    const isHalved = isBeside && untold === null;
    const wanted = isHalved ? Math.max(Math.ceil(waiting.length / 2), minHalf) : waiting.length;
    const size = Math.min(wanted, maxGroup);
    const group = waiting.slice(0, size);
    waiting = waiting.slice(size);
    if (waiting.length === 0) work.closeUnsafe();
    return group;
  };

  const onFailure = (group: ReadonlyArray<Waiter>, failure: StoreFailure, pauseMs: number) =>
    Effect.gen(function* () {
      trouble ??= { failure, since: yield* Clock.currentTimeMillis };
      trouble = { ...trouble, failure };
      healthy.closeUnsafe();
      const again = group.map((waiter) => ({ ...waiter, isRepeated: true }));
      isPausing = true;
      // Those that came meanwhile are refused as well: they would wait through the pause.
      const all = [...again, ...waiting];
      waiting = all.filter(({ mayFail }) => !mayFail);
      for (const waiter of all.filter(({ mayFail }) => mayFail))
        waiter.settle(Effect.fail(failure));
      yield* Effect.sleep(pauseMs);
      isPausing = false;
      // Who waited may try: if nobody wrote, nobody would ever find out that the trouble is over.
      if (waiting.length === 0) trouble = null;
      healthy.openUnsafe();
      if (waiting.length > 0) work.openUnsafe();
    });

  /** A repetition may be in conflict with its own first time. */
  const settled = (
    write: Write,
    outcome: WriteResult,
  ): Effect.Effect<WriteResult, StoreFailure> => {
    if (outcome.type === "Committed") return Effect.succeed(outcome);
    const look = Effect.retry(isApplied(store, write), { schedule: Schedule.spaced(firstPauseMs) });
    return Effect.map(look, (isOurs): WriteResult => (isOurs ? { type: "Committed" } : outcome));
  };

  const answerOf = ({ write, isRepeated }: Waiter, outcome: WriteResult | undefined): Answer => {
    if (outcome === undefined) return Effect.die("the store lost a result");
    return isRepeated ? settled(write, outcome) : outcome;
  };

  /**
   * What to tell each writer. A store that dies has been given a write that cannot be: its writer has the
   * bug, not the store and not those who happened to come along, so that each is tried alone.
   */
  const commitAll = (
    group: ReadonlyArray<Waiter>,
  ): Effect.Effect<ReadonlyArray<Answer>, StoreFailure> =>
    store.commit(group.map(({ write }) => write)).pipe(
      Effect.map((results) => group.map((waiter, index) => answerOf(waiter, results[index]))),
      Effect.catchDefect((defect) =>
        group.length === 1
          ? Effect.succeed([Effect.die(defect)])
          : Effect.map(
              Effect.forEach(group, (waiter) => commitAll([{ ...waiter, isRepeated: true }])),
              (answers) => answers.flat(),
            ),
      ),
    );

  const tell = (): void => {
    const { group, answers } = untold ?? { group: [], answers: [] };
    untold = null;
    for (const [index, answer] of answers.entries()) group[index]?.settle(answer);
  };

  const flush = (pauseMs: number): Effect.Effect<number> =>
    Effect.gen(function* () {
      if (untold === null) {
        yield* work.await;
        // Whoever is about to write in this turn of the event loop joins the group.
        yield* Effect.yieldNow;
      }
      const group = take();
      if (group.length === 0) {
        // Whoever waited has gone meanwhile: nothing goes out before the others are told.
        tell();
        return pauseMs;
      }
      inFlight = group;
      const committing = yield* Effect.forkChild(Effect.result(commitAll(group)), {
        startImmediately: true,
      });
      isBeside = committing.pollUnsafe() === undefined;
      tell();
      const result = yield* Fiber.join(committing);
      inFlight = [];
      if (result._tag === "Failure") {
        yield* onFailure(group, result.failure, pauseMs);
        return Math.min(pauseMs * 2, maxPauseMs);
      }
      trouble = null;
      healthy.openUnsafe();
      untold = { group, answers: result.success };
      if (!isBeside || waiting.length === 0) tell();
      return firstPauseMs;
    });

  const endAll = (all: ReadonlyArray<Waiter>): void => {
    waiting = [];
    for (const waiter of all) waiter.settle(Effect.die(new CatenaStopped()));
  };

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isStopped = true;
      tell();
      endAll([...inFlight, ...waiting]);
    }),
  );
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      let pauseMs = firstPauseMs;
      while (true) pauseMs = yield* flush(pauseMs);
    }),
  );

  const post: GroupCommit["post"] = (write, answered) => {
    let isGone = false;
    const settle: Waiter["settle"] = (answer) => {
      if (!isGone) answered(answer);
    };
    waiting.push({ write, mayFail: false, isRepeated: false, settle });
    if (isStopped) endAll(waiting);
    else work.openUnsafe();
    return () => {
      isGone = true;
      waiting = waiting.filter(({ write: other }) => other !== write);
    };
  };

  return {
    post,
    // Whoever may not be refused owns what it writes for: interrupted means that it lets go.
    commit: (write) => Effect.orDie(enqueue(write, false, () => undefined)),
    tryCommit: (write, unheard) =>
      Effect.suspend(() =>
        trouble !== null && isPausing
          ? Effect.fail(trouble.failure)
          : enqueue(write, true, unheard),
      ),
    trouble: () => trouble,
    whenHealthy: healthy.await,
  };
});
