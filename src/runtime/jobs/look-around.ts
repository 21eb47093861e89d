/** What a process keeps an eye on for its jobs: what other connections wrote, and timers of jobs that are only rows. */
import { Clock, Effect, Latch, Option } from "effect";
import type { JournalStore, StoreFailure } from "../journal-store.ts";
import type { RestWaiters } from "./rest-waiters.ts";
import { SleepingTimers } from "./sleeping-timers.ts";

export interface LookAround {
  readonly store: JournalStore["Service"];
  readonly owner: string;
  /** How often (ms) to look for what others wrote. */
  readonly lookEveryMs: number;
  /** How often (ms) to look for what has become of sleeping jobs that somebody waits for. */
  readonly recoverEveryMs: number;
  readonly rest: RestWaiters;
  /** There may be messages for this job, or its timer is due. */
  readonly nudge: (jobId: string) => void;
  /** Whether jobs that nobody owns are looked for as well. */
  readonly takesOthers: () => boolean;
  /** There may be a job for the queue. */
  readonly noteRow: () => void;
  readonly isResident: (jobId: string) => boolean;
  /** Opened when a job has left memory. */
  readonly timersChanged: Latch.Latch;
}

/** Looks around for as long as the scope lives. */
export const keepWatch = Effect.fnUntraced(function* (around: LookAround) {
  yield* Effect.forkScoped(lookAround(around));
  yield* Effect.forkScoped(watchTimers(around));
  yield* Effect.forkScoped(tellOfLost(around));
});

/** Another connection's commit may be a message for one of ours, or a job for the queue. Never returns. */
const lookAround = Effect.fnUntraced(function* (around: LookAround) {
  let seen = -1;
  while (true) {
    // What could not be read is looked for again.
    seen = yield* Effect.orElseSucceed(lookSince(around, seen), () => seen);
    yield* Effect.sleep(around.lookEveryMs);
  }
});

const lookSince = Effect.fnUntraced(function* (
  { store, owner, rest, nudge, noteRow, takesOthers }: LookAround,
  seen: number,
): Effect.fn.Return<number, StoreFailure> {
  const count = yield* store.changeCount;
  if (count === seen) return seen;
  rest.lookAgain();
  const ours = yield* store.jobsWithInbox(owner);
  // Those of jobs that rest without an owner: somebody has to read them.
  const nobodys = takesOthers() ? yield* store.jobsWithInbox(null) : [];
  for (const jobId of [...ours, ...nobodys]) nudge(jobId);
  noteRow();
  return count;
});

/**
 * Who waits for a job that fell asleep here would wait for ever once another process has taken it over, as
 * it may when this one was frozen. Never returns.
 */
const tellOfLost = Effect.fnUntraced(function* (around: LookAround) {
  const { store, owner, rest, isResident, recoverEveryMs } = around;
  let seen = -1;
  while (true) {
    yield* Effect.sleep(recoverEveryMs);
    const count = yield* Effect.orElseSucceed(store.changeCount, () => seen);
    if (count === seen) continue;
    seen = count;
    for (const jobId of rest.awaited().filter((id) => !isResident(id))) {
      const stored = yield* Effect.orElseSucceed(store.job(jobId), () => Option.none());
      const isOurs = Option.exists(stored, (job) => job.owner === owner);
      if (!isOurs) rest.tell(jobId, null);
    }
  }
});

/** Wakes jobs that are only rows when their timers are due. Never returns. */
const watchTimers = Effect.fnUntraced(function* (around: LookAround) {
  const { store, owner, nudge, isResident, timersChanged } = around;
  const sleeping = new SleepingTimers(around.lookEveryMs);
  while (true) {
    // Closed before looking: what falls asleep meanwhile asks for another look.
    timersChanged.closeUnsafe();
    const timers = yield* Effect.option(store.timersOf(owner));
    if (Option.isNone(timers)) {
      yield* Effect.sleep(around.lookEveryMs);
      continue;
    }
    const now = yield* Clock.currentTimeMillis;
    const running = Number((yield* Clock.monotonicTimeNanos) / 1_000_000n);
    const asleep = timers.value.filter(({ jobId }) => !isResident(jobId));
    const { due, nextMs } = sleeping.look(asleep, { now, running });
    for (const jobId of due) nudge(jobId);
    const next = nextMs === null ? Effect.never : Effect.sleep(nextMs);
    yield* Effect.raceFirst(next, timersChanged.await);
  }
});
