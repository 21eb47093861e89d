/**
 * Media types told from the bytes themselves, because a header is only a claim: an error page labelled
 * `image/png` must not become an asset.
 */
import { Result } from "effect";

const ascii = (text: string): ReadonlyArray<number> => [...Buffer.from(text, "latin1")];

interface Signature {
  readonly contentType: string;
  /** Each part is found at its offset. */
  readonly parts: ReadonlyArray<{ readonly at: number; readonly bytes: ReadonlyArray<number> }>;
}

const signature = (
  contentType: string,
  ...parts: ReadonlyArray<readonly [number, ReadonlyArray<number>]>
) => ({
  contentType,
  parts: parts.map(([at, bytes]) => ({ at, bytes })),
});

/** The first match decides; ISO media brands stand before their general form. */
const signatures: ReadonlyArray<Signature> = [
  signature("image/png", [0, [0x89, ...ascii("PNG\r\n"), 0x1a, 0x0a]]),
  signature("image/jpeg", [0, [0xff, 0xd8, 0xff]]),
  signature("image/webp", [0, ascii("RIFF")], [8, ascii("WEBP")]),
  signature("audio/wav", [0, ascii("RIFF")], [8, ascii("WAVE")]),
  signature("image/gif", [0, ascii("GIF87a")]),
  signature("image/gif", [0, ascii("GIF89a")]),
  signature("image/avif", [4, ascii("ftypavif")]),
  signature("image/avif", [4, ascii("ftypavis")]),
  signature("video/quicktime", [4, ascii("ftypqt  ")]),
  signature("audio/mp4", [4, ascii("ftypM4A ")]),
  signature("video/mp4", [4, ascii("ftyp")]),
  signature("audio/mpeg", [0, ascii("ID3")]),
  signature("audio/ogg", [0, ascii("OggS")]),
  signature("audio/flac", [0, ascii("fLaC")]),
  signature("application/pdf", [0, ascii("%PDF-")]),
];

const matches = (bytes: Uint8Array, { parts }: Signature): boolean =>
  parts.every(({ at, bytes: expected }) =>
    expected.every((byte, index) => bytes[at + index] === byte),
  );

/** An MPEG audio frame of layer III without an ID3 tag before it: eleven set bits, then version and layer. */
const isMpegFrame = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe6) === 0xe2;

/** The type the bytes show by their first signature; null where they show none. */
export const sniffMediaType = (bytes: Uint8Array): string | null =>
  signatures.find((each) => matches(bytes, each))?.contentType ??
  (isMpegFrame(bytes) ? "audio/mpeg" : null);

/** Other names under which servers send the same types. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["image/jpg", "image/jpeg"],
  ["image/pjpeg", "image/jpeg"],
  ["image/x-png", "image/png"],
  ["audio/mp3", "audio/mpeg"],
  ["audio/x-mpeg", "audio/mpeg"],
  ["audio/wave", "audio/wav"],
  ["audio/x-wav", "audio/wav"],
  ["audio/vnd.wave", "audio/wav"],
  ["audio/x-flac", "audio/flac"],
  ["application/x-pdf", "application/pdf"],
  ["binary/octet-stream", "application/octet-stream"],
]);

const unknownType = "application/octet-stream";

/** `Image/JPG; q=1` -> `image/jpeg`; an absent or senseless header is `application/octet-stream`. */
export const normaliseMediaType = (header: string | null): string => {
  const bare = (header ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(bare)) return unknownType;
  return aliases.get(bare) ?? bare;
};

const sniffable: ReadonlySet<string> = new Set(signatures.map(({ contentType }) => contentType));

const isHtml = (bytes: Uint8Array): boolean =>
  /^\s*(?:<!doctype\s+html|<html[\s>])/i.test(
    Buffer.from(bytes.subarray(0, 256)).toString("latin1"),
  );

/** Types that share one file form: only the form is told from the bytes, what is in it from the header. */
const forms: ReadonlyArray<ReadonlySet<string>> = [
  new Set(["video/mp4", "audio/mp4", "audio/x-m4a", "video/quicktime"]),
  new Set(["audio/ogg", "audio/opus", "video/ogg", "application/ogg"]),
];

const agrees = (claimed: string, shown: string): boolean =>
  claimed === unknownType ||
  claimed === shown ||
  forms.some((form) => form.has(claimed) && form.has(shown));

/**
 * The type of the bytes, from themselves where they show one, else as claimed (JSON, text and other
 * types have no signature). Fails with a sentence: HTML, or a claim that the bytes contradict.
 */
export const checkMediaType = (
  header: string | null,
  bytes: Uint8Array,
): Result.Result<string, string> => {
  const claimed = normaliseMediaType(header);
  if (claimed === "text/html" || claimed === "application/xhtml+xml" || isHtml(bytes)) {
    return Result.fail("expected a file, got an HTML page");
  }
  const shown = sniffMediaType(bytes);
  if (shown === null) {
    return sniffable.has(claimed)
      ? Result.fail(`expected ${claimed} as its header says, but the bytes are something else`)
      : Result.succeed(claimed);
  }
  if (agrees(claimed, shown)) return Result.succeed(claimed === unknownType ? shown : claimed);
  return Result.fail(`expected ${claimed} as its header says, but the bytes are ${shown}`);
};

const extensions: ReadonlyMap<string, string> = new Map([
  ["image/png", "png"],
  ["image/jpeg", "jpg"],
  ["image/webp", "webp"],
  ["image/gif", "gif"],
  ["image/avif", "avif"],
  ["image/svg+xml", "svg"],
  ["video/mp4", "mp4"],
  ["video/quicktime", "mov"],
  ["video/webm", "webm"],
  ["audio/mpeg", "mp3"],
  ["audio/mp4", "m4a"],
  ["audio/wav", "wav"],
  ["audio/ogg", "ogg"],
  ["audio/flac", "flac"],
  ["application/json", "json"],
  ["application/pdf", "pdf"],
  ["application/zip", "zip"],
  ["text/plain", "txt"],
  ["text/csv", "csv"],
  [unknownType, "bin"],
]);

const contentTypes: ReadonlyMap<string, string> = new Map(
  [...extensions].map(([contentType, extension]) => [extension, contentType]),
);

/** A file name's ending that tells the type again: `png`, or `application~x-thing` where there is no usual one. */
export const extensionOf = (contentType: string): string => {
  const type = normaliseMediaType(contentType);
  return extensions.get(type) ?? type.replace("/", "~");
};

/** The inverse of `extensionOf`. */
export const contentTypeOf = (extension: string): string =>
  contentTypes.get(extension) ?? normaliseMediaType(extension.replace("~", "/"));
