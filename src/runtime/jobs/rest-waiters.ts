/** Who waits for jobs to come to rest. */
import { Effect, Option } from "effect";
import type { JournalStore, StateRecord, StoreFailure } from "../journal-store.ts";
import { CatenaStopped } from "../outcome.ts";

/** Failed, complete or cancelled: nothing more happens by itself. */
export const isRest = ({ status }: StateRecord): boolean =>
  status !== "pending" && status !== "processing";

/**
 * What the job's row says, if nothing more is to come of it; null otherwise. A word that nobody has read
 * yet, such as a RETRY, may make a failed job go on. Fails with: StoreFailure.
 */
const restIn = (
  store: JournalStore["Service"],
  jobId: string,
): Effect.Effect<StateRecord | null, StoreFailure> => {
  const row = Effect.map(
    store.job(jobId),
    Option.match({
      onNone: () => null,
      onSome: ({ record }) => (isRest(record) ? record : null),
    }),
  );
  return Effect.flatMap(row, (record) => {
    if (record?.status !== "failed") return Effect.succeed(record);
    // The row once more, after the messages: they are read and answered in one transaction.
    return Effect.flatMap(store.inbox(jobId), (messages) =>
      messages.length > 0 ? Effect.succeed(null) : row,
    );
  });
};

type Waiter = (record: StateRecord | null) => void;

export class RestWaiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  /** `null`: the job went to another owner, who will not tell. */
  tell(jobId: string, record: StateRecord | null): void {
    const waiters = this.#waiting.get(jobId);
    this.#waiting.delete(jobId);
    for (const resume of waiters ?? []) resume(record);
  }

  /** The jobs that somebody waits for. */
  readonly awaited = (): ReadonlyArray<string> => [...this.#waiting.keys()];

  /** Nobody here will tell any more. */
  tellAll(): void {
    for (const jobId of this.#waiting.keys()) this.tell(jobId, null);
  }

  /** The record once a job in memory rests; null at once where it is not in memory. */
  wait(jobId: string, resident: () => StateRecord | undefined): Effect.Effect<StateRecord | null> {
    return Effect.callback((resume) => {
      const record = resident();
      if (record === undefined || isRest(record)) {
        resume(Effect.succeed(record ?? null));
        return;
      }
      const waiters = this.#waiting.get(jobId) ?? new Set();
      this.#waiting.set(jobId, waiters);
      const waiter: Waiter = (told) => {
        resume(Effect.succeed(told));
      };
      waiters.add(waiter);
      return Effect.sync(() => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiting.delete(jobId);
      });
    });
  }
}

interface Surroundings {
  readonly store: JournalStore["Service"];
  readonly rest: RestWaiters;
  /** The record of the job while it is in memory. */
  readonly resident: () => StateRecord | undefined;
  readonly isLeaving: () => boolean;
  /** Between two looks at the row; ends early where this process leaves. */
  readonly pause: Effect.Effect<void>;
}

/** The record once the job rests, wherever it runs. Dies with CatenaStopped where this process leaves. */
export const untilRest = Effect.fnUntraced(function* (
  jobId: string,
  { store, rest, resident, isLeaving, pause }: Surroundings,
): Effect.fn.Return<StateRecord, StoreFailure> {
  while (!isLeaving()) {
    const told = yield* rest.wait(jobId, resident);
    if (isLeaving()) break;
    if (told !== null && told.status !== "failed") return told;
    const rested = yield* restIn(store, jobId);
    if (rested !== null) return rested;
    // A job of another process, or asleep as a row: its row says when it rests.
    yield* pause;
  }
  return yield* Effect.die(new CatenaStopped());
});
