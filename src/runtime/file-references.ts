/** References to files in JSON, as `POST /assets` gives them and outputs hold them: whatever reads as an `Asset`. */
import type { Schema } from "effect";

interface Place {
  readonly sha256: string;
  /** Dotted, as in a problem's errors. */
  readonly path: string;
}

const fields = ["contentType", "sha256", "sizeBytes", "url"];

/** The SHA-256 that the object refers to; null where it is no reference. More fields make it no less one: a step would open it. */
export const referredIn = (value: object): string | null => {
  if (!fields.every((field) => Object.hasOwn(value, field))) return null;
  const sha256: unknown = Reflect.get(value, "sha256");
  return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : null;
};

/** Every reference, the outer ones first. Costs one walk, and nothing else where there is none. */
export const referencesIn = (value: unknown): ReadonlyArray<Place> => {
  if (typeof value !== "object" || value === null) return none;
  const found: Array<Place> = [];
  collect(value, "", found);
  return found;
};

const none: ReadonlyArray<Place> = [];

const collect = (value: object, path: string, found: Array<Place>): void => {
  const sha256 = referredIn(value);
  if (sha256 !== null) found.push({ sha256, path });
  const children: ReadonlyArray<readonly [string, unknown]> = Object.entries(value);
  for (const [key, child] of children)
    if (typeof child === "object" && child !== null)
      collect(child, path === "" ? key : `${path}.${key}`, found);
};

/** The SHA-256 of every file that the JSON refers to. */
export const filesIn = (json: Schema.Json): ReadonlyArray<string> =>
  referencesIn(json).map(({ sha256 }) => sha256);
