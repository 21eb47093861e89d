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
interface Ear {
  told: StateRecord | null | undefined;
  /** Something was told, or there is reason to look. */
  readonly onWord: () => void;
}

/** The ear of a waiter who looks as well, again and again. */
interface WaitingEar extends Ear {
  readonly heard: Latch.Latch;
}

export class RestWaiters {
  readonly #ears = new Map<string, Set<Ear>>();

  /** `null`: the job went to another owner, who will not tell. */
  tell(jobId: string, record: StateRecord | null): void {
    for (const ear of this.#ears.get(jobId) ?? []) {
      ear.told = record;
      ear.onWord();
    }
  }

  /** The jobs that somebody waits for. */
  readonly awaited = (): ReadonlyArray<string> => [...this.#ears.keys()];

  /** Another process has written: whoever waits looks again. */
  lookAgain(): void {
    for (const ears of this.#ears.values()) for (const { onWord } of ears) onWord();
  }

  /** Nobody here will tell any more. */
  tellAll(): void {
    for (const jobId of this.#ears.keys()) this.tell(jobId, null);
  }

  /** Hears what is told of the job from now on, whether it is in memory yet or not, until the use is over. */
  listening<A, E>(
    jobId: string,
    use: (ear: WaitingEar) => Effect.Effect<A, E>,
  ): Effect.Effect<A, E> {
    const begin = Effect.sync(() => {
      const heard = Latch.makeUnsafe(false);
      const ear: WaitingEar = { told: undefined, heard, onWord: () => heard.openUnsafe() };
      this.#add(jobId, ear);
      return ear;
    });
    const end = (ear: Ear) =>
      Effect.sync(() => {
        this.#remove(jobId, ear);
      });
    return Effect.acquireUseRelease(begin, use, end);
  }

  /** The first that is told of the job from now on; undefined where there is reason to look. */
  firstWord(jobId: string): Effect.Effect<StateRecord | null | undefined> {
    return Effect.callback((resume) => {
      const ear: Ear = {
        told: undefined,
        onWord: () => {
          this.#remove(jobId, ear);
          resume(Effect.succeed(ear.told));
        },
      };
      this.#add(jobId, ear);
      return Effect.sync(() => {
        this.#remove(jobId, ear);
      });
    });
  }

  #add(jobId: string, ear: Ear): void {
    const ears = this.#ears.get(jobId);
    if (ears === undefined) this.#ears.set(jobId, new Set([ear]));
    else ears.add(ear);
  }

  #remove(jobId: string, ear: Ear): void {
    const ears = this.#ears.get(jobId);
    ears?.delete(ear);
    if (ears?.size === 0) this.#ears.delete(jobId);
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
  Effect.suspend(() => {
    const record = around.resident();
    const isAtWork = record !== undefined && !isRest(record) && !around.isLeaving();
    if (!isAtWork) return untilFound(jobId, around);
    // Mostly it works here and says itself that it is done: nothing else is prepared for.
    return Effect.flatMap(around.rest.firstWord(jobId), (told) =>
      told == null || told.status === "failed" ? untilFound(jobId, around) : Effect.succeed(told),
    );
  });

const untilFound = (
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
  ear: WaitingEar,
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
