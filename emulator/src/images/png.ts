/**
 * A small PNG codec on node:zlib: writes 8-bit RGB, reads 8-bit RGB and RGBA without interlacing, which is what
 * the painter makes and the classifier needs. Source: W3C Portable Network Graphics Specification, third edition.
 */
import { crc32, deflateSync, inflateSync } from "node:zlib";

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, rows from the top. */
  readonly rgb: Uint8Array;
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const TRUE_COLOUR = 2;
const TRUE_COLOUR_ALPHA = 6;

/** The picture as PNG bytes. `text` becomes tEXt chunks, so that the file itself says what it is. */
export function encodePng(
  { width, height, rgb }: Pixels,
  text: Readonly<Record<string, string>> = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, TRUE_COLOUR, 0, 0, 0], 8);
  const stride = width * 3;
  const lines = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y += 1) {
    lines.set(rgb.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const notes = Object.entries(text).map(([key, value]) =>
    chunk("tEXt", Buffer.from(`${key}\0${value}`, "latin1")),
  );
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", header),
    ...notes,
    chunk("IDAT", deflateSync(lines, { level: 6 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The pixels of a PNG; alpha is laid over white. Throws an Error that says why bytes cannot be read. */
export function decodePng(bytes: Uint8Array): Pixels {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!file.subarray(0, 8).equals(SIGNATURE))
    throw new Error("cannot identify image file: not a PNG");
  const { header, data } = readChunks(file);
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const [depth, colourType, , , interlace] = header.subarray(8);
  const isAlpha = colourType === TRUE_COLOUR_ALPHA;
  if (depth !== 8 || interlace !== 0 || !(isAlpha || colourType === TRUE_COLOUR)) {
    throw new Error("cannot read image file: only 8-bit RGB and RGBA without interlacing");
  }
  const channels = isAlpha ? 4 : 3;
  const size = (width * channels + 1) * height;
  const lines = inflateSync(data, { maxOutputLength: size });
  if (lines.length !== size) throw new Error("image file is truncated");
  const samples = unfilter(lines, { stride: width * channels, height, channels });
  return { width, height, rgb: isAlpha ? overWhite(samples) : samples };
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  frame.set(body, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

function readChunks(file: Buffer): { readonly header: Buffer; readonly data: Buffer } {
  let header: Buffer | undefined;
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    if (at + 12 + length > file.length) break;
    if (crc32(body) !== file.readUInt32BE(at + 8 + length))
      throw new Error("image file is damaged: wrong checksum");
    const type = body.toString("latin1", 0, 4);
    if (type === "IHDR") header = body.subarray(4);
    if (type === "IDAT") parts.push(body.subarray(4));
    if (type === "IEND" && header !== undefined) return { header, data: Buffer.concat(parts) };
    at += 12 + length;
  }
  throw new Error("image file is truncated");
}

interface Layout {
  readonly stride: number;
  readonly height: number;
  readonly channels: number;
}

function unfilter(lines: Uint8Array, { stride, height, channels }: Layout): Uint8Array {
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = lines[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x >= channels ? (out[at - channels] ?? 0) : 0;
      const up = y > 0 ? (out[at - stride] ?? 0) : 0;
      const corner = x >= channels && y > 0 ? (out[at - stride - channels] ?? 0) : 0;
      out[at] = (lines[y * (stride + 1) + 1 + x] ?? 0) + predict(filter, { left, up, corner });
    }
  }
  return out;
}

/** The samples beside and above the one that is read. */
interface Neighbours {
  readonly left: number;
  readonly up: number;
  readonly corner: number;
}

function predict(filter: number, neighbours: Neighbours): number {
  const { left, up } = neighbours;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  return filter === 4 ? paeth(neighbours) : 0;
}

function paeth({ left, up, corner }: Neighbours): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function overWhite(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let pixel = 0; pixel < rgba.length / 4; pixel += 1) {
    const alpha = (rgba[pixel * 4 + 3] ?? 255) / 255;
    for (let channel = 0; channel < 3; channel += 1) {
      rgb[pixel * 3 + channel] = Math.round(
        (rgba[pixel * 4 + channel] ?? 0) * alpha + 255 * (1 - alpha),
      );
    }
  }
  return rgb;
}
