/**
 * Dead letters for whoever looks after them: found, counted by cause, gone on with or left at that, one by
 * one or many at once. A job whose letter is redriven goes on at the step that failed, with all earlier
 * outputs kept; the letter is closed in the transaction that keeps the word for it.
 */
import { Clock, Effect, Option } from "effect";
import { NotificationUnavailable } from "./notifications.ts";
import type { DeadLetter, LetterCause, LetterFilter, LetterPage } from "./journal-dead-letters.ts";
import type { JournalStore, StoredJob, StoreFailure, Write, WriteResult } from "./journal-store.ts";

/** There is no such letter, or nothing can be done about it here. */
export class LetterUnavailable extends Error {
  override readonly name = "LetterUnavailable";
  readonly letterId: string;
  constructor(letterId: string, why: string) {
    super(`Dead letter ${letterId}: ${why}`);
    this.letterId = letterId;
  }
}

export interface Redrive {
  /** Who asks, for the job's journal. Default: `api`. */
  readonly by?: string;
  /** Ask the model anew, without decoding a kept answer once more. Default: false. */
  readonly isFresh?: boolean;
}

/** What was done about many letters. */
export interface LettersDone {
  readonly done: number;
  /** Letters that were closed meanwhile, or that nothing could be done about here. */
  readonly skipped: number;
  /** Why some were skipped, each reason once, three at the most. */
  readonly reasons: ReadonlyArray<string>;
  /** No letter that fits was left out for the limit. */
  readonly isComplete: boolean;
}

type Trouble = StoreFailure | LetterUnavailable;

export interface DeadLetters {
  /** Open letters, who died last first; default: 100. Fails with: StoreFailure. */
  list(
    filter?: LetterFilter,
    page?: Partial<LetterPage>,
  ): Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure>;
  /** The causes of open letters, most letters first; default: 100. Fails with: StoreFailure. */
  causes(
    filter?: LetterFilter,
    limit?: number,
  ): Effect.Effect<ReadonlyArray<LetterCause>, StoreFailure>;
  /** Fails with: StoreFailure. */
  count(filter?: LetterFilter): Effect.Effect<number, StoreFailure>;
  /** Goes on with what the letter is about, among those that fit. Fails with: StoreFailure, LetterUnavailable. */
  redrive(letter: Wanted, redrive?: Redrive): Effect.Effect<void, Trouble>;
  /** Redrives the newest letters that fit, 1,000 at the most. Fails with: StoreFailure. */
  redriveAll(filter: LetterFilter, redrive?: Redrive): Effect.Effect<LettersDone, StoreFailure>;
  /** Closes the letter and leaves what it is about as it is. Fails with: StoreFailure, LetterUnavailable. */
  discard(letter: Wanted): Effect.Effect<void, Trouble>;
  /** Discards the newest letters that fit, 1,000 at the most. Fails with: StoreFailure. */
  discardAll(filter: LetterFilter): Effect.Effect<LettersDone, StoreFailure>;
}

/** One letter; of another tenant it is not there. */
export type Wanted = Pick<LetterFilter, "tenant"> & { readonly id: string };

export interface LetterHost {
  readonly store: JournalStore["Service"];
  /** One write, durable afterwards. */
  readonly commit: (write: Write) => Effect.Effect<WriteResult, StoreFailure>;
  /** There is a message for this job. */
  readonly nudge: (jobId: string) => void;
  /** Sends a notification again. */
  readonly redeliver: (id: string) => Effect.Effect<void, StoreFailure | NotificationUnavailable>;
  /** Why nobody here could go on with the job; null where somebody can. */
  readonly unfit: (job: StoredJob) => string | null;
}

/** Letters that one call does something about. */
const maxAtOnce = 1_000;
/** Enough to share the store's transactions. */
const atATime = 64;
const maxReasons = 3;

export const makeDeadLetters = (host: LetterHost): DeadLetters => {
  const { store } = host;
  const redriven = redriverOf(host);
  const discarded = discarderOf(host);
  return {
    list: (filter = {}, { limit = 100, ...page } = {}) => store.letters(filter, { ...page, limit }),
    causes: (filter = {}, limit = 100) => store.letterCauses(filter, limit),
    count: (filter = {}) => store.letterCount(filter),
    redrive: (wanted, redrive = {}) =>
      Effect.flatMap(letterOf(store, wanted), (letter) => redriven(letter, redrive)),
    redriveAll: (filter, redrive = {}) =>
      eachOf(store, filter, (letter) => redriven(letter, redrive)),
    discard: (wanted) => Effect.flatMap(letterOf(store, wanted), discarded),
    discardAll: (filter) => eachOf(store, filter, discarded),
  };
};

const letterOf = (store: LetterHost["store"], wanted: Wanted): Effect.Effect<DeadLetter, Trouble> =>
  Effect.flatMap(store.letters(wanted, { limit: 1 }), ([letter]) =>
    letter === undefined ? Effect.fail(gone(wanted.id)) : Effect.succeed(letter),
  );

const gone = (id: string): LetterUnavailable =>
  new LetterUnavailable(id, "there is none open under this id: it was dealt with, or never was");

const redriverOf = ({ store, commit, nudge, unfit, redeliver }: LetterHost) =>
  Effect.fnUntraced(function* (
    { id, source, jobId, deaths }: DeadLetter,
    { by = "api", isFresh = false }: Redrive,
  ): Effect.fn.Return<void, Trouble> {
    if (source === "notification")
      return yield* Effect.mapError(redeliver(id), (error) =>
        error instanceof NotificationUnavailable ? new LetterUnavailable(id, error.message) : error,
      );
    if (jobId === null) return yield* Effect.fail(gone(id));
    const job = Option.getOrNull(yield* store.job(jobId));
    if (job === null) return yield* Effect.fail(gone(id));
    const why = unfit(job);
    if (why !== null) return yield* Effect.fail(new LetterUnavailable(id, why));
    const at = yield* Clock.currentTimeMillis;
    // One word for each death, however many ask for it at once.
    const message = { id: `redrive ${jobId} ${deaths}`, jobId, at };
    const fact = { type: "RetryRequested", by, isFresh } as const;
    const result = yield* commit({ type: "PostInbox", row: { ...message, facts: [fact] } });
    if (result.type !== "Committed") return yield* Effect.fail(gone(id));
    nudge(jobId);
  });

const discarderOf = ({ commit }: LetterHost) =>
  Effect.fnUntraced(function* ({ id }: DeadLetter): Effect.fn.Return<void, Trouble> {
    const at = yield* Clock.currentTimeMillis;
    const result = yield* commit({ type: "DiscardLetter", id, at });
    if (result.type !== "Committed") yield* Effect.fail(gone(id));
  });

/** A letter that cannot be dealt with is passed over; a store in trouble ends it all. */
const eachOf = Effect.fnUntraced(function* (
  store: LetterHost["store"],
  filter: LetterFilter,
  deal: (letter: DeadLetter) => Effect.Effect<void, Trouble>,
): Effect.fn.Return<LettersDone, StoreFailure> {
  const found = yield* store.letters(filter, { limit: maxAtOnce + 1 });
  const reasons = new Set<string>();
  const dealt = yield* Effect.forEach(
    found.slice(0, maxAtOnce),
    (letter) =>
      Effect.matchEffect(deal(letter), {
        onSuccess: () => Effect.succeed(true),
        onFailure: (error): Effect.Effect<boolean, StoreFailure> => {
          if (!(error instanceof LetterUnavailable)) return Effect.fail(error);
          reasons.add(error.message.replace(letter.id, "…"));
          return Effect.succeed(false);
        },
      }),
    { concurrency: atATime },
  );
  const done = dealt.filter(Boolean).length;
  return {
    done,
    skipped: dealt.length - done,
    reasons: [...reasons].slice(0, maxReasons),
    isComplete: found.length <= maxAtOnce,
  };
});
