/** Dead letters as operators see them. */
import { Schema } from "effect";
import type { DeadLetter, LetterCause } from "../journal-dead-letters.ts";
import type { LettersDone } from "../dead-letters.ts";

const iso = (at: number): string => new Date(at).toISOString();
const nullable = Schema.NullOr(Schema.String);

const common = {
  source: Schema.String,
  pipeline: nullable,
  step: nullable,
  kind: Schema.String,
  /** Equal for letters of one cause. */
  cause: Schema.String,
  /** What a user may read. */
  message: nullable,
  /** What an operator reads. */
  error_message: Schema.String,
  /** How often it has died. */
  deaths: Schema.Int,
  first_at: Schema.String,
};

export const LetterView = Schema.Struct({
  ...common,
  id: Schema.String,
  job_id: nullable,
  died_at: Schema.String,
  links: Schema.Struct({ job: nullable, redrive: Schema.String, discard: Schema.String }),
});

export const CauseView = Schema.Struct({
  ...common,
  letters: Schema.Int,
  last_at: Schema.String,
  /** Ids of the newest letters. */
  examples: Schema.Array(Schema.String),
});

const commonOf = (letter: Omit<LetterCause, "letters" | "lastAt" | "examples">) => ({
  source: letter.source,
  pipeline: letter.pipeline,
  step: letter.step,
  kind: letter.kind,
  cause: letter.cause,
  message: letter.message,
  error_message: letter.reason,
  deaths: letter.deaths,
  first_at: iso(letter.firstAt),
});

export const letterView = (letter: DeadLetter, basePath: string): typeof LetterView.Type => {
  const self = `${basePath}/dead-letters/${encodeURIComponent(letter.id)}`;
  return {
    id: letter.id,
    job_id: letter.jobId,
    ...commonOf(letter),
    died_at: iso(letter.diedAt),
    links: {
      job: letter.jobId === null ? null : `${basePath}/jobs/${letter.jobId}`,
      redrive: `${self}/redrive`,
      discard: `${self}/discard`,
    },
  };
};

export const causeView = (cause: LetterCause): typeof CauseView.Type => ({
  ...commonOf(cause),
  letters: cause.letters,
  last_at: iso(cause.lastAt),
  examples: cause.examples,
});

/** What was done about many letters, under the word for it. */
export const doneView = (
  verb: "redriven" | "discarded",
  { done, skipped, reasons, isComplete }: LettersDone,
) => ({ [verb]: done, skipped, reasons, is_complete: isComplete });
