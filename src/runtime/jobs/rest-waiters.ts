/** Who waits for jobs to come to rest. */
import { Effect, Latch, Option } from "effect";
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

/** What one waiter has been told since it last asked: the record, null where somebody else has to be asked. */
export interface Ear {
  told: StateRecord | null | undefined;
  readonly heard: Latch.Latch;
}

export class RestWaiters {
  readonly #ears = new Map<string, Set<Ear>>();

  /** `null`: the job went to another owner, who will not tell. */
  tell(jobId: string, record: StateRecord | null): void {
    for (const ear of this.#ears.get(jobId) ?? []) {
      ear.told = record;
      ear.heard.openUnsafe();
    }
  }

  /** The jobs that somebody waits for. */
  readonly awaited = (): ReadonlyArray<string> => [...this.#ears.keys()];

  /** Another process has written: whoever waits looks again. */
  lookAgain(): void {
    for (const ears of this.#ears.values()) for (const { heard } of ears) heard.openUnsafe();
  }

  /** Nobody here will tell any more. */
  tellAll(): void {
    for (const jobId of this.#ears.keys()) this.tell(jobId, null);
  }

  /** Hears what is told of the job from now on, whether it is in memory yet or not, until the use is over. */
  listening<A, E>(jobId: string, use: (ear: Ear) => Effect.Effect<A, E>): Effect.Effect<A, E> {
    const begin = Effect.sync(() => {
      const ear: Ear = { told: undefined, heard: Latch.makeUnsafe(false) };
      const ears = this.#ears.get(jobId) ?? new Set();
      this.#ears.set(jobId, ears.add(ear));
      return ear;
    });
    const end = (ear: Ear) =>
      Effect.sync(() => {
        const ears = this.#ears.get(jobId);
        ears?.delete(ear);
        if (ears?.size === 0) this.#ears.delete(jobId);
      });
    return Effect.acquireUseRelease(begin, use, end);
  }
}

interface Surroundings {
  readonly store: JournalStore["Service"];
  readonly rest: RestWaiters;
  /** The record of the job while it is in memory. */
  readonly resident: () => StateRecord | undefined;
  readonly isLeaving: () => boolean;
  /** How often (ms) to look for what others wrote. */
  readonly lookEveryMs: number;
}

/** The record once the job rests, wherever it runs. Dies with CatenaStopped where this process leaves. */
export const untilRest = (
  jobId: string,
  around: Surroundings,
): Effect.Effect<StateRecord, StoreFailure> =>
  // Heard from before the first look: what happens between a look and the wait after it is not missed.
  around.rest.listening(jobId, (ear) => listenOrLook(jobId, ear, around));

/** A row is looked at anyway after so many looks around that had nothing to say. */
const maxQuietLooks = 25;

/**
 * Of its own commits a process hears by itself, and of others' by the one who looks around for all: thousands who
 * wait for their turn would otherwise leave the store, and the event loop, no time for anything else.
 */
const listenOrLook = Effect.fnUntraced(function* (
  jobId: string,
  ear: Ear,
  { store, resident, isLeaving, lookEveryMs }: Surroundings,
): Effect.fn.Return<StateRecord, StoreFailure> {
  while (!isLeaving()) {
    ear.heard.closeUnsafe();
    const record = resident();
    const told = ear.told ?? restingOf(record);
    if (told !== undefined && told.status !== "failed") return told;
    const isTold = ear.told !== undefined || told !== undefined;
    ear.told = undefined;
    if (record !== undefined && !isTold) {
      yield* ear.heard.await;
      continue;
    }
    const rested = yield* restIn(store, jobId);
    if (rested !== null) return rested;
    if (isLeaving()) break;
    // A word that is not read yet is read by an owner who may have nothing to tell of it.
    const looks = isTold ? 1 : maxQuietLooks;
    yield* Effect.raceFirst(ear.heard.await, Effect.sleep(looks * lookEveryMs));
  }
  return yield* Effect.die(new CatenaStopped());
});

const restingOf = (record: StateRecord | undefined): StateRecord | undefined =>
  record !== undefined && isRest(record) ? record : undefined;
