/** Speech -> summary -> CRM: a recorded call becomes a note with what is to be done, at the contact it was about. */
import { Schema } from "effect";
import { Asset, Pipeline, Steps } from "../src/index.ts";

export const Call = Schema.Struct({ contact: Schema.NonEmptyString, recording_url: Schema.String });

export const Note = Schema.Struct({
  summary: Schema.NonEmptyString.annotate({ description: "three sentences at most" }),
  tasks: Schema.Array(Schema.String),
  mood: Schema.Literals(["happy", "neutral", "unhappy"]),
});

const recording = Steps.http("recording", {
  input: Call,
  method: "GET",
  url: ({ recording_url }) => recording_url,
  response: Asset.Audio,
});

const transcribe = Steps.transcribe("transcribe", {
  model: "openai/whisper:8099696689d249cf8b122d833c36ac3f75505c666a395ca40ef26f68e7d3d16e",
});

const summarise = Steps.llm("summarise", {
  model: "meta/meta-llama-3-8b-instruct",
  output: Note,
  prompt: (words) => `Write a note for the CRM about this call with a customer.\n\n${words}`,
});

/** The key in the request lets the CRM write one note, however often it is asked. */
const update = (crm: { readonly url: string; readonly token: string }) =>
  Steps.http("update", {
    input: Schema.Struct({ contact: Schema.String, note: Note }),
    url: ({ contact }) => `${crm.url}/contacts/${encodeURIComponent(contact)}/notes`,
    headers: { authorization: `Bearer ${crm.token}` },
    body: ({ note }) => note,
    response: Schema.Struct({ id: Schema.String }),
  });

export const callNotes = (crm: { readonly url: string; readonly token: string }) =>
  Pipeline.make("call-notes", { version: 1, input: Call })
    .step(recording)
    .step(transcribe)
    .step(summarise)
    .step(update(crm), ({ input, last }) => ({ contact: input.contact, note: last }))
    .output(
      Schema.Struct({ note_id: Schema.String, mood: Note.fields.mood, tasks: Note.fields.tasks }),
      ({ outputs }) => ({
        note_id: outputs.update.id,
        mood: outputs.summarise.mood,
        tasks: outputs.summarise.tasks,
      }),
    );
