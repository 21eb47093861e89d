/**
 * A text while it is being written, for readers who come at any time and read at any pace. It is a view of
 * what a model says, never the answer: only its end is kept, so that nobody who reads slowly costs memory.
 */
import { Effect, Latch, Option, Stream } from "effect";

/** A part of a text, and how many characters (UTF-16 units, as in `length`) stand before it. */
export interface TextPart {
  readonly offset: number;
  readonly text: string;
}

/** What is kept at least (characters); twice as much before the beginning is let go. */
const keptLength = 65_536;

export class GrowingText {
  #kept = "";
  #start = 0;
  #isOver = false;
  readonly #readers = new Set<() => void>();

  /** Characters written so far. */
  get length(): number {
    return this.#start + this.#kept.length;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  append(text: string): void {
    this.#kept += text;
    if (this.#kept.length > 2 * keptLength) {
      this.#start += this.#kept.length - keptLength;
      this.#kept = this.#kept.slice(-keptLength);
    }
    this.#tell();
  }

  /** Nothing follows. */
  end(): void {
    this.#isOver = true;
    this.#tell();
  }

  /** What stands after so many characters; it begins later where that much is no longer kept. */
  after(length: number): TextPart {
    const offset = Math.max(length, this.#start);
    return { offset, text: this.#kept.slice(offset - this.#start) };
  }

  /** Calls back after every change, until the answer is called. */
  listen(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  #tell(): void {
    for (const reader of this.#readers) reader();
  }
}

/** The text from its beginning to its end, in parts as large as its reader is slow. */
export const followText = (text: GrowingText): Stream.Stream<TextPart> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const changed = Latch.makeUnsafe(false);
      yield* Effect.acquireRelease(
        Effect.sync(() => text.listen(() => changed.openUnsafe())),
        (stop) => Effect.sync(stop),
      );
      return Stream.paginate(0, (read) => nextPart(text, read, changed));
    }),
  );

const nextPart = Effect.fnUntraced(function* (
  text: GrowingText,
  read: number,
  changed: Latch.Latch,
): Effect.fn.Return<readonly [ReadonlyArray<TextPart>, Option.Option<number>]> {
  while (true) {
    changed.closeUnsafe();
    const part = text.after(read);
    if (part.text !== "") return [[part], Option.some(text.length)];
    if (text.isOver) return [[], Option.none()];
    yield* changed.await;
  }
});
