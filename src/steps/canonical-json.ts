/** One text for equal JSON values, so that inputs can be compared and hashed whatever the order of their keys. */
import { createHash } from "node:crypto";
import type { Schema } from "effect";

/** JSON with the keys of every object sorted by code unit and no white space; `-0` is `0`. */
export const canonicalJson = (value: Schema.Json): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(",")}}`;
};

const isList = (value: Schema.JsonArray | Schema.JsonObject): value is Schema.JsonArray =>
  Array.isArray(value);

/** Lower-case hex of the SHA-256 of the bytes; text counts as UTF-8. */
export const sha256Hex = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/** Equal for equal JSON values: the hash under which an intent stores its input. */
export const hashJson = (value: Schema.Json): string => sha256Hex(canonicalJson(value));
