/** An asset is bytes a job took in or produced. Journals and outputs hold this reference, never the bytes. */
import { Schema } from "effect";

/** Lower-case hex of the SHA-256 of the bytes: an asset's identity and its name in every store. */
export const Sha256 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/));

const reference = {
  sha256: Sha256,
  /** Where our own store serves it: a `file:` or `https:` URL, never the provider's. */
  url: Schema.String,
  /** Media type as checked against the bytes, such as `image/png`. */
  contentType: Schema.String,
  sizeBytes: Schema.Int,
};

/** References to files of some media types only. */
const ofType = (pattern: RegExp) =>
  Schema.Struct({ ...reference, contentType: Schema.String.check(Schema.isPattern(pattern)) });

const Any = Schema.Struct(reference);
const Image = ofType(/^image\//);
const Audio = ofType(/^audio\//);
const Pdf = ofType(/^application\/pdf$/);

/** Schemas for values that are files: a model's file output is copied, checked and handed on as this. */
export const Asset = { Any, Image, Audio, Pdf } as const;
export type Asset = typeof Any.Type;
