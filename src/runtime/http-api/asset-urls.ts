/** Where callers fetch assets: our own address, which names the job through which they may. */
import type { Schema } from "effect";

/** The places our own stores name their files by: a path on this machine is nobody's business outside. */
const storedAt =
  /memory:([0-9a-f]{64})|file:\/\/\/[^\s"'()<>]*?\/([0-9a-f]{2})\/([0-9a-f]{62})\.[a-z0-9~+-]+/g;

/** The SHA-256 of every asset whose place stands in the text. */
export const placesIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(storedAt)].map(([, whole, shelf = "", rest = ""]) => whole ?? shelf + rest);

/** The JSON with every place of a stored file turned into the address that serves it through this job. */
export const withServedUrls = (json: Schema.Json, base: string, jobId: string): Schema.Json => {
  if (typeof json === "string")
    return json.replaceAll(storedAt, (place) => servedAt(base, placesIn(place)[0] ?? "", jobId));
  if (typeof json !== "object" || json === null) return json;
  if (isList(json)) return json.map((item) => withServedUrls(item, base, jobId));
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, withServedUrls(value, base, jobId)]),
  );
};

const servedAt = (base: string, sha256: string, jobId: string): string =>
  `${base}/assets/${sha256}?job_id=${jobId}`;

const isList = (json: Schema.JsonArray | Schema.JsonObject): json is Schema.JsonArray =>
  Array.isArray(json);
