/** What of a file is sent to a reader who has it already, or a part of it (RFC 9110, sections 13 and 14). */
import type { HttpServerRequest } from "effect/http";
import type { ByteRange } from "../../steps/asset-store.ts";

type Request = HttpServerRequest.HttpServerRequest;

/** Whether the reader has the bytes of this mark. Who passes on another coding of them calls the mark weak. */
export const hasAlready = ({ headers }: Request, etag: string): boolean =>
  (headers["if-none-match"] ?? "")
    .split(",")
    .map((mark) => mark.trim().replace(/^W\//, ""))
    .some((mark) => mark === etag || mark === "*");

/** The range that counts: of GET alone, and not where the reader's part is of other bytes. */
export const askedRange = ({ method, headers }: Request, etag: string): string | undefined =>
  method === "GET" && (headers["if-range"] ?? etag) === etag ? headers["range"] : undefined;

/** The range of a header; null for the whole, which also answers what is not understood. */
export const rangeOf = (
  header: string | undefined,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | null => {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header ?? "") ?? [];
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
