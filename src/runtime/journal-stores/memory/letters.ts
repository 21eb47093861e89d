/** Dead letters in memory, in the order in which they died; closed ones keep their count of deaths. */
import type {
  DeadLetter,
  LetterCause,
  LetterFilter,
  LetterPage,
} from "../../journal-dead-letters.ts";
import { diedAgain, fitsLetter, type NewLetter } from "../letter-rules.ts";

const maxExamples = 3;

export class MemoryLetters {
  /** Who died last is last. */
  readonly #open = new Map<string, DeadLetter>();
  readonly #closed = new Map<string, DeadLetter>();
  /** In which order they died last, closed ones as well: a page may begin after any. */
  readonly #places = new Map<string, number>();
  #deaths = 0;

  open(letter: NewLetter): void {
    const before = this.#open.get(letter.id) ?? this.#closed.get(letter.id);
    // Set anew, so that it stands last.
    this.#open.delete(letter.id);
    this.#closed.delete(letter.id);
    this.#open.set(letter.id, diedAgain(letter, before));
    this.#deaths += 1;
    this.#places.set(letter.id, this.#deaths);
  }

  /** True where it was open. */
  close(id: string): boolean {
    const letter = this.#open.get(id);
    if (letter === undefined) return false;
    this.#closed.set(id, letter);
    return this.#open.delete(id);
  }

  forgetJob(jobId: string): void {
    for (const letters of [this.#open, this.#closed])
      for (const letter of letters.values()) if (letter.jobId === jobId) this.forget(letter.id);
  }

  forget(id: string): void {
    this.#open.delete(id);
    this.#closed.delete(id);
    this.#places.delete(id);
  }

  get(id: string): DeadLetter | undefined {
    return this.#open.get(id);
  }

  list(filter: LetterFilter, { olderThan, limit }: LetterPage): ReadonlyArray<DeadLetter> {
    const before = olderThan === undefined ? Infinity : (this.#places.get(olderThan) ?? -Infinity);
    return this.#fitting(filter)
      .filter(({ id }) => (this.#places.get(id) ?? Infinity) < before)
      .slice(0, limit);
  }

  count(filter: LetterFilter): number {
    return this.#fitting(filter).length;
  }

  causes(filter: LetterFilter, limit: number): ReadonlyArray<LetterCause> {
    const groups = new Map<string, Array<DeadLetter>>();
    for (const letter of this.#fitting(filter)) {
      const group = groups.get(letter.cause);
      if (group === undefined) groups.set(letter.cause, [letter]);
      else group.push(letter);
    }
    // The newest letter of all stands first in its group, and its group before others of equal size.
    return [...groups.values()]
      .toSorted((left, right) => right.length - left.length)
      .slice(0, limit)
      .flatMap(causeOfGroup);
  }

  #fitting(filter: LetterFilter): ReadonlyArray<DeadLetter> {
    return [...this.#open.values()].toReversed().filter((letter) => fitsLetter(letter, filter));
  }
}

const causeOfGroup = (group: ReadonlyArray<DeadLetter>): ReadonlyArray<LetterCause> => {
  const [newest] = group;
  if (newest === undefined) return [];
  const { cause, source, pipeline, step, kind, message, reason, diedAt } = newest;
  return [
    {
      cause,
      source,
      pipeline,
      step,
      kind,
      message,
      reason,
      letters: group.length,
      deaths: group.reduce((sum, { deaths }) => sum + deaths, 0),
      firstAt: Math.min(...group.map(({ firstAt }) => firstAt)),
      lastAt: diedAt,
      examples: group.slice(0, maxExamples).map(({ id }) => id),
    },
  ];
};
