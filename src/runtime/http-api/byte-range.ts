/** One range of bytes (RFC 9110, section 14): where a reader goes on with what it has a part of. */
import type { ByteRange } from "../../steps/asset-store.ts";

/** The range of a header; null for the whole, which also answers what is not understood. */
export const rangeOf = (
  header: string | undefined,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | null => {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return null;
  if (from === "") {
    const length = Math.min(Number(to), sizeBytes);
    return length === 0 ? "unsatisfiable" : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(from);
  const end = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (start >= sizeBytes) return "unsatisfiable";
  return end < start ? null : { start, end };
};
