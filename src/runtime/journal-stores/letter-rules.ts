/**
 * What opens and closes dead letters, decided here once so that every adapter decides alike, and what makes
 * two failures one cause.
 */
import { createHash } from "node:crypto";
import type { EntryOf, Fact } from "../../machines/entry.ts";
import { operatorMessageOf, safeMessageOf } from "../../steps/failure.ts";
import type { DeadLetter, LetterFilter, LetterSource } from "../journal-dead-letters.ts";
import type { ChangeNotification } from "../journal-outbox.ts";
import type { AppendEntries } from "../journal-store.ts";

/** A letter as it opens; the adapter counts the deaths before. */
export type NewLetter = Omit<DeadLetter, "deaths" | "firstAt">;

/** What an append does to its job's letter. */
export type LetterMove =
  | { readonly type: "open"; readonly letter: Omit<NewLetter, "tenant"> }
  | { readonly type: "close" };

/** Null for an append that leaves letters alone, as nearly all do. */
export const letterMoveOf = ({ jobId, entries, record }: AppendEntries): LetterMove | null => {
  const last = entries.findLast((entry) => entry.type === "StepFailed" || isGoingOn(entry));
  if (last === undefined) return null;
  if (last.type !== "StepFailed") return { type: "close" };
  if (record.status !== "failed") return null;
  return { type: "open", letter: letterOf(jobId, record.pipeline, last) };
};

/** Whether the message goes on with a job that rests, so that nobody needs to care any more. */
export const closesLetter = (facts: ReadonlyArray<Fact>): boolean => facts.some(isGoingOn);

const isGoingOn = ({ type }: Fact): boolean =>
  type === "RetryRequested" || type === "CancelRequested";

/** A message may be as long as what a user or a model wrote. */
export const maxMessage = 500;

const letterOf = (
  jobId: string,
  pipeline: string,
  { path, kind, failure, at }: EntryOf<"StepFailed">,
): Omit<NewLetter, "tenant"> => ({
  id: jobId,
  source: "job",
  jobId,
  pipeline,
  step: path,
  kind,
  cause: causeOf({ source: "job", pipeline, step: path, kind, words: operatorMessageOf(failure) }),
  message: safeMessageOf(failure).slice(0, maxMessage),
  reason: operatorMessageOf(failure).slice(0, maxMessage),
  diedAt: at,
});

/** What is known of a notification beside its change. */
export interface GivenUp {
  readonly subscription: string;
  readonly type: string;
  readonly jobId: string | null;
  readonly tenant: string | null;
  readonly pipeline: string | null;
}

/** The letter of a notification that nobody took. */
export const letterOfNotification = (
  { id, to }: ChangeNotification,
  { subscription, type, ...job }: GivenUp,
): NewLetter => {
  const words = to.lastError ?? "it was given up";
  const place = { source: "notification", pipeline: job.pipeline, step: subscription } as const;
  const kind = "undeliverable";
  return {
    id,
    ...job,
    ...place,
    kind,
    cause: causeOf({ ...place, kind, words: `${type} ${words}` }),
    message: "A notification could not be delivered.",
    reason: `${type} to ${subscription}: ${words}`.slice(0, maxMessage),
    diedAt: to.updatedAt,
  };
};

interface Cause {
  readonly source: LetterSource;
  readonly pipeline: string | null;
  readonly step: string | null;
  readonly kind: string;
  /** What an operator reads; nothing of it can be read back. */
  readonly words: string;
}

/** The name of the cause: 16 hex digits. */
export const causeOf = ({ source, pipeline, step, kind, words }: Cause): string =>
  createHash("sha256")
    .update(JSON.stringify([source, pipeline, step, kind, withoutParticulars(words)]))
    .digest("hex")
    .slice(0, 16);

/** More of a message tells one failure from another, no longer one cause from another. */
const maxWords = 400;

/** What differs from one job to the next goes: numbers, what is quoted, and what looks like an id. */
const withoutParticulars = (words: string): string =>
  words
    .slice(0, maxWords)
    .replaceAll(/"[^"]*"|'[^']*'|`[^`]*`/g, "…")
    .replaceAll(/https?:\/\/\S+/g, "…")
    .replaceAll(/\b(?=\w*\d)[\w-]{8,}\b/g, "#")
    .replaceAll(/\d+(\.\d+)?/g, "#");

/** The letter after it has died once more. */
export const diedAgain = (
  letter: NewLetter,
  before: Pick<DeadLetter, "deaths" | "cause" | "firstAt"> | undefined,
): DeadLetter => ({
  ...letter,
  deaths: (before?.deaths ?? 0) + 1,
  firstAt: before?.cause === letter.cause ? before.firstAt : letter.diedAt,
});

/** Whether the filter is for this letter. */
export const fitsLetter = (letter: DeadLetter, filter: LetterFilter): boolean => {
  const { diedFrom = -Infinity, diedBefore = Infinity } = filter;
  const isEqual = (wanted: unknown, is: unknown): boolean => wanted === undefined || wanted === is;
  return (
    isEqual(filter.id, letter.id) &&
    isEqual(filter.source, letter.source) &&
    isEqual(filter.tenant, letter.tenant) &&
    isEqual(filter.pipeline, letter.pipeline) &&
    isEqual(filter.step, letter.step) &&
    isEqual(filter.kind, letter.kind) &&
    isEqual(filter.cause, letter.cause) &&
    letter.diedAt >= diedFrom &&
    letter.diedAt < diedBefore
  );
};
