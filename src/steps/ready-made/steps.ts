/** The ready-made steps under one name, as users have them. */
import { caption } from "./caption.ts";
import { classify } from "./classify.ts";
import { extract } from "./extract.ts";
import { folder } from "./folder.ts";
import { http } from "./http.ts";
import { image } from "./image.ts";
import { llm } from "./llm.ts";
import { moderate } from "./moderate.ts";
import { store } from "./store.ts";
import { transcribe } from "./transcribe.ts";
import { Transcript } from "./transcript.ts";
import { validate } from "./validate.ts";

/** Each is a thin layer over `Step.model` or `Step.make`; none has a model, a price or an address of its own. */
export const Steps = {
  /** Asks a language model for text or a structured value. */
  llm,
  /** Has a picture painted. */
  image,
  /** Says in words what a picture shows. */
  caption,
  /** Writes down a recording. */
  transcribe,
  /** Words, language and timed segments of a recording: an output for `transcribe`. */
  Transcript,
  /** Reads a document into a schema. */
  extract,
  /** Puts a text under one of some labels. */
  classify,
  /** Lets texts and pictures through, or blocks the job. */
  moderate,
  /** Lets a value through where it keeps a rule, without any model. */
  validate,
  /** Hands a value to a sink under the step's key. */
  store,
  /** A sink that is a folder of files, one a key. */
  folder,
  /** Sends an HTTP request under the step's key. */
  http,
} as const;
