/** Dead letters for hosts that use promises, with the words of their filters checked: `{}` is every letter. */
import type { Effect } from "effect";
import { refuseUnknownWords as known } from "./asked-by-name.ts";
import type { DeadLetters, LettersDone, Redrive } from "./dead-letters.ts";
import type { DeadLetter, LetterCause, LetterFilter, LetterPage } from "./journal-dead-letters.ts";

/** Open dead letters; each rejects with: StoreFailure. */
export interface CatenaDeadLetters {
  /** Who died last first; default: the newest 100. */
  list(filter?: LetterFilter, page?: Partial<LetterPage>): Promise<ReadonlyArray<DeadLetter>>;
  /** Letters counted by what they died of, most first; default: 100 causes. */
  causes(filter?: LetterFilter, limit?: number): Promise<ReadonlyArray<LetterCause>>;
  count(filter?: LetterFilter): Promise<number>;
  /** Goes on with the job at the step that failed; the letter is closed at once. Rejects also with: LetterUnavailable. */
  redrive(id: string, options?: Redrive): Promise<void>;
  /** Redrives the newest letters that fit, 1,000 at the most; `{}` is all of them. */
  redriveAll(filter: LetterFilter, options?: Redrive): Promise<LettersDone>;
  /** Leaves the letter at that: its job stays failed, and can still be retried. Rejects also with: LetterUnavailable. */
  discard(id: string): Promise<void>;
  /** Discards the newest letters that fit, 1,000 at the most. */
  discardAll(filter: LetterFilter): Promise<LettersDone>;
}

export const lettersOf = (
  letters: DeadLetters,
  run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>,
): CatenaDeadLetters => ({
  list: async (filter, page) => {
    known.letters("list", filter);
    return run(letters.list(filter, page));
  },
  causes: async (filter, limit) => {
    known.letters("causes", filter);
    return run(letters.causes(filter, limit));
  },
  count: async (filter) => {
    known.letters("count", filter);
    return run(letters.count(filter));
  },
  redrive: async (id, options) => {
    known.redrive("redrive", options);
    await run(letters.redrive({ id }, options));
  },
  redriveAll: async (filter, options) => {
    known.lettersAtOnce("redriveAll", filter);
    known.redrive("redriveAll", options);
    return run(letters.redriveAll(filter, options));
  },
  discard: async (id) => {
    await run(letters.discard({ id }));
  },
  discardAll: async (filter) => {
    known.lettersAtOnce("discardAll", filter);
    return run(letters.discardAll(filter));
  },
});
