/**
 * JSON as the provider writes it. Its two writers leave their marks: Go's escapes `<`, `>` and `&` in texts, Python's
 * prints small numbers like 3e-06. Who parses and prints such a body again gets other bytes: signatures tell.
 */
import { isJsonObject } from "../json.ts";

const ESCAPED: Readonly<Record<string, string>> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};
const SMALLEST_PLAIN_NUMBER = 1e-4;

/** One line without spaces; members that are undefined are left out. */
export function wireJson(value: unknown): string {
  if (typeof value === "string") return wireText(value);
  if (typeof value === "number") return wireNumber(value);
  if (Array.isArray(value)) return `[${value.map(wireJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value ?? null);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${wireText(key)}:${wireJson(member)}`).join(",")}}`;
}

function wireText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/gu,
    (character) => ESCAPED[character] ?? "",
  );
}

function wireNumber(value: number): string {
  if (value === 0 || Math.abs(value) >= SMALLEST_PLAIN_NUMBER || !Number.isFinite(value))
    return JSON.stringify(value);
  return value.toExponential().replace(/e-(?<digit>\d)$/u, "e-0$<digit>");
}
