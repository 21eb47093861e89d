import { deflateSync, crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { decodePng, encodePng } from "../../emulator/src/images/png.ts";
import { seededRandom } from "../../emulator/src/random.ts";

function noise(width: number, height: number): Uint8Array {
  const random = seededRandom(5);
  return new Uint8Array(width * height * 3).map(() => Math.floor(random() * 256));
}

/** A PNG whose lines use all five filters, as other encoders write them; the filtered bytes are the test's own. */
function filteredPng(lines: Uint8Array, width: number, height: number): Buffer {
  const plain = encodePng({ width, height, rgb: new Uint8Array(width * height * 3) });
  const data = deflateSync(lines);
  const body = Buffer.concat([Buffer.from("IDAT"), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  const start = plain.indexOf("IDAT") - 4;
  return Buffer.concat([plain.subarray(0, start), length, body, checksum, plain.subarray(-12)]);
}

test("pixels survive encoding and decoding", () => {
  const pixels = { width: 7, height: 5, rgb: noise(7, 5) };
  expect(decodePng(encodePng(pixels, { Software: "test" }))).toEqual(pixels);
});

test("all line filters are undone", () => {
  const lines = [
    [0, 10, 20, 30, 40, 50, 60],
    [1, 10, 20, 30, 5, 5, 5],
    [2, 1, 1, 1, 1, 1, 1],
    [3, 10, 10, 10, 10, 10, 10],
    [4, 1, 2, 3, 4, 5, 6],
  ];
  const { rgb } = decodePng(filteredPng(Uint8Array.from(lines.flat()), 2, 5));
  expect([...rgb.subarray(0, 18)]).toEqual([
    10, 20, 30, 40, 50, 60, 10, 20, 30, 15, 25, 35, 11, 21, 31, 16, 26, 36,
  ]);
  expect([...rgb.subarray(18)]).toEqual([15, 20, 25, 25, 33, 40, 16, 22, 28, 29, 38, 46]);
});

test.each([
  ["no PNG at all", Buffer.from("<html>")],
  ["a PNG cut short", encodePng({ width: 4, height: 4, rgb: noise(4, 4) }).subarray(0, 60)],
])("%s is refused", (_case, bytes) => {
  expect(() => decodePng(bytes)).toThrow(/image file/u);
});
