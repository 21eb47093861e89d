/**
 * The part of the journal store's port about dead letters: what has failed for good and waits for a person.
 *
 * Guarantees of every adapter. The append that leaves a job failed opens its letter, and the message or the
 * append that goes on with it (a retry, a cancel) closes it, each in its own transaction; so does the change
 * that makes a notification undeliverable, and the one that makes it due again. What is erased has no letter. A letter that opens again counts the death before. Asking costs by how many letters are open,
 * not by how many jobs there are. Newest is who died last, told by the order of arrival.
 */
import type { Effect, Option } from "effect";
import type { RestKind } from "../steps/failure.ts";

/** What the letter is about: a job that failed, or a notification that nobody took. */
export type LetterSource = "job" | "notification";

/** How a job can fail, and `undeliverable` for notifications. */
export type LetterKind = RestKind | "undeliverable";

export interface DeadLetter {
  /** The job's id; of a notification, its own. Unique. */
  readonly id: string;
  readonly source: LetterSource;
  /** Null for a notification that is of no job. */
  readonly jobId: string | null;
  readonly tenant: string | null;
  readonly pipeline: string | null;
  /** The step that failed; of a notification, its subscription. */
  readonly step: string | null;
  readonly kind: LetterKind;
  /** Equal for letters of one cause: same pipeline, step and kind, same words but for numbers and names. */
  readonly cause: string;
  /** What a user may read; null for those that died before letters were kept. */
  readonly message: string | null;
  /** What an operator reads, its first 500 characters. */
  readonly reason: string;
  /** How often it has died, this time included. */
  readonly deaths: number;
  /** When it first died of this cause (ms), of the deaths in a row. */
  readonly firstAt: number;
  /** When it died last (ms). */
  readonly diedAt: number;
}

export interface LetterFilter {
  readonly id?: string;
  readonly source?: LetterSource;
  readonly tenant?: string;
  readonly pipeline?: string;
  readonly step?: string;
  readonly kind?: LetterKind;
  readonly cause?: string;
  /** Died at this instant (ms) or later. */
  readonly diedFrom?: number;
  /** Died before this instant (ms). */
  readonly diedBefore?: number;
}

/** Newest first. */
export interface LetterPage {
  /** Letters that are older than this open one. */
  readonly olderThan?: string;
  readonly limit: number;
}

/** Letters of one cause, counted; its words are those of the newest. */
export interface LetterCause extends Pick<
  DeadLetter,
  "cause" | "source" | "pipeline" | "step" | "kind" | "message" | "reason"
> {
  /** How many letters are open. */
  readonly letters: number;
  /** How often all of them have died. */
  readonly deaths: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Ids of the newest, three at the most. */
  readonly examples: ReadonlyArray<string>;
}

/** A person has seen the letter and leaves it at that: it is closed, what it is about stays as it is. */
export interface DiscardLetter {
  readonly type: "DiscardLetter";
  readonly id: string;
  readonly at: number;
}

export type LetterWrite = DiscardLetter;

/** What the port answers about open letters; each fails with: StoreFailure. */
export interface JournalDeadLetters<StoreFailure> {
  letters(
    filter: LetterFilter,
    page: LetterPage,
  ): Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure>;
  letter(id: string): Effect.Effect<Option.Option<DeadLetter>, StoreFailure>;
  /** Most letters first, up to the limit. */
  letterCauses(
    filter: LetterFilter,
    limit: number,
  ): Effect.Effect<ReadonlyArray<LetterCause>, StoreFailure>;
  letterCount(filter: LetterFilter): Effect.Effect<number, StoreFailure>;
}
