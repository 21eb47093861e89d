/** What speech models answer, in one form: they agree on the words and on little else. */
import { Option, Result, Schema } from "effect";
import type { Parse } from "../parse.ts";

/** Instants in seconds from the start of the recording. */
export const Transcript = Schema.Struct({
  text: Schema.NonEmptyString,
  /** As the model names it: `en`, `english`. */
  language: Schema.optionalKey(Schema.String),
  segments: Schema.Array(
    Schema.Struct({
      startSeconds: Schema.Finite,
      endSeconds: Schema.Finite,
      text: Schema.String,
    }),
  ),
});
export type Transcript = typeof Transcript.Type;

/** Whisper and whisperx write `segments` with `start` and `end`, the faster ports `chunks` with a `timestamp`. */
const Spoken = Schema.Struct({
  text: Schema.optionalKey(Schema.String),
  transcription: Schema.optionalKey(Schema.String),
  language: Schema.optionalKey(Schema.NullOr(Schema.String)),
  detected_language: Schema.optionalKey(Schema.NullOr(Schema.String)),
  segments: Schema.optionalKey(
    Schema.Array(Schema.Struct({ start: Schema.Finite, end: Schema.Finite, text: Schema.String })),
  ),
  chunks: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        // The end of the last chunk is missing where the recording breaks off.
        timestamp: Schema.Tuple([Schema.Finite, Schema.NullOr(Schema.Finite)]),
        text: Schema.String,
      }),
    ),
  ),
});
type Spoken = typeof Spoken.Type;

const decodeSpoken = Schema.decodeUnknownOption(Spoken);
const isTranscript = Schema.is(Transcript);

const spokenIn = (output: Schema.Json): Spoken =>
  typeof output === "string"
    ? { text: output }
    : Option.getOrElse(decodeSpoken(output), () => ({}));

const segmentsOf = ({ segments, chunks }: Spoken): Transcript["segments"] | undefined =>
  segments?.map(({ start, end, text }) => ({ startSeconds: start, endSeconds: end, text })) ??
  chunks?.map(({ timestamp: [start, end], text }) => ({
    startSeconds: start,
    endSeconds: end ?? start,
    text,
  }));

const textOf = (spoken: Spoken): string =>
  (
    spoken.text ??
    spoken.transcription ??
    segmentsOf(spoken)
      ?.map(({ text }) => text.trim())
      .join(" ") ??
    ""
  ).trim();

const refuse = (message: string) => Result.fail([{ path: "", message }]);

/** The words alone. A recording without any is refused: whatever comes next would make some up. */
export const parseSpeech: Parse = (output) => {
  const text = isTranscript(output) ? output.text.trim() : textOf(spokenIn(output));
  return text === "" ? refuse("expected the words of a recording, got none") : Result.succeed(text);
};

/** A Transcript, with the times of its segments; a model of one's own may write one as it is. */
export const parseTranscript: Parse = (output) => {
  if (isTranscript(output)) return Result.succeed(output);
  const spoken = spokenIn(output);
  const segments = segmentsOf(spoken);
  const language = spoken.language ?? spoken.detected_language;
  if (segments === undefined)
    return refuse(
      "expected segments with their times; the model may need a field that asks for them",
    );
  return Result.map(parseSpeech(output), (text) => ({
    text,
    ...(typeof language === "string" ? { language } : {}),
    segments,
  }));
};
