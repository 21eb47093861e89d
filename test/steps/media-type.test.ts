/** Types told from the bytes, and claims that the bytes contradict. */
import { assert, describe, it } from "@effect/vitest";
import { Result } from "effect";
import {
  checkMediaType,
  contentTypeOf,
  extensionOf,
  normaliseMediaType,
  sniffMediaType,
} from "../../src/steps/media-type.ts";

const of = (text: string): Uint8Array => Buffer.from(text, "latin1");

const samples: ReadonlyArray<readonly [string, Uint8Array]> = [
  ["image/png", of("\x89PNG\r\n\x1a\n0000")],
  ["image/jpeg", of("\xff\xd8\xff\xe0....")],
  ["image/webp", of("RIFF....WEBPVP8 ")],
  ["image/gif", of("GIF89a......")],
  ["image/avif", of("\0\0\0\x1cftypavif....")],
  ["video/mp4", of("\0\0\0\x1cftypisom....")],
  ["video/quicktime", of("\0\0\0\x14ftypqt  ....")],
  ["audio/mpeg", of("ID3\x04....")],
  ["audio/mpeg", of("\xff\xfb\x90\x64....")],
  ["audio/wav", of("RIFF....WAVEfmt ")],
  ["audio/mp4", of("\0\0\0\x1cftypM4A ....")],
  ["audio/ogg", of("OggS\0\x02....")],
  ["audio/flac", of("fLaC\0\0....")],
  ["application/pdf", of("%PDF-1.7\n....")],
];

describe("bytes", () => {
  it.each(samples)("show %s", (expected, bytes) => {
    assert.strictEqual(sniffMediaType(bytes), expected);
    assert.deepEqual(checkMediaType(null, bytes), Result.succeed(expected));
    assert.isTrue(Result.isFailure(checkMediaType("text/plain", bytes)));
  });

  it("without a signature are what the header says", () => {
    assert.isNull(sniffMediaType(of('{"a":1}')));
    assert.deepEqual(
      checkMediaType("application/json; charset=utf-8", of('{"a":1}')),
      Result.succeed("application/json"),
    );
    assert.deepEqual(checkMediaType(null, of("abc")), Result.succeed("application/octet-stream"));
    assert.isTrue(Result.isFailure(checkMediaType("image/png", of("abc"))));
  });

  it.each([
    ["audio/mp4", "\0\0\0\x1cftypisom...."],
    ["video/mp4", "\0\0\0\x1cftypM4A ...."],
    ["audio/opus", "OggS\0\x02...."],
    ["video/ogg", "OggS\0\x02...."],
  ] as const)("of a form that several types share go by their header: %s", (claimed, bytes) => {
    assert.deepEqual(checkMediaType(claimed, of(bytes)), Result.succeed(claimed));
  });

  it.each(["image/png", "audio/mpeg", "application/pdf"])(
    "are not %s because a header says so",
    (claimed) => {
      assert.isTrue(Result.isFailure(checkMediaType(claimed, of("OggS\0\x02...."))));
    },
  );

  it("of an HTML page are never a file", () => {
    for (const header of ["text/html", "image/png", "text/plain", null]) {
      assert.isTrue(Result.isFailure(checkMediaType(header, of("\n <!doctype HTML><html>"))));
    }
  });
});

describe("names of types", () => {
  it.each([
    ["Image/JPG; q=1", "image/jpeg"],
    ["audio/x-wav", "audio/wav"],
    [null, "application/octet-stream"],
    ["../../etc", "application/octet-stream"],
  ] as const)("%s is %s", (header, expected) => {
    assert.strictEqual(normaliseMediaType(header), expected);
  });

  it.each(["image/png", "image/jpeg", "application/octet-stream", "application/vnd.example+json"])(
    "%s survives as a file's ending",
    (contentType) => {
      assert.strictEqual(contentTypeOf(extensionOf(contentType)), contentType);
      assert.match(extensionOf(contentType), /^[\w.+~-]+$/);
    },
  );
});
