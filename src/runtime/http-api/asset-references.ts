/**
 * Files in an input: a reference as `POST /assets` gave it, wherever a field takes a file. What it says of
 * the bytes is not believed: it is replaced by what the store itself says of them.
 */
import { Effect, Option, type Schema } from "effect";
import type { Asset } from "../../steps/asset.ts";
import type { AssetStore, AssetStoreFailure } from "../../steps/asset-store.ts";
import type { Issue } from "../../steps/failure.ts";
import { Problem } from "./problem.ts";

/** Each is looked up, to make sure that it is there. */
const maxReferences = 100;

const fields = ["contentType", "sha256", "sizeBytes", "url"].join();

/** The body with every reference made true. Fails with: Problem (422: no such asset), AssetStoreFailure. */
export const withOwnReferences = Effect.fnUntraced(function* (
  assets: AssetStore["Service"],
  body: unknown,
): Effect.fn.Return<unknown, Problem | AssetStoreFailure> {
  const found = [...referencesIn(body, "")];
  if (found.length === 0) return body;
  if (found.length > maxReferences) {
    const detail = `Expected ${maxReferences} files at most, got ${found.length}`;
    return yield* new Problem({ status: 422, detail });
  }
  const known = new Map<string, Asset>();
  const errors: Array<Issue> = [];
  for (const { sha256, path } of found) {
    const asset = known.get(sha256) ?? (yield* assetOf(assets, sha256));
    if (asset === null)
      errors.push({ path, message: "Expected a file that was uploaded to /assets" });
    else known.set(sha256, asset);
  }
  if (errors.length > 0)
    return yield* new Problem({ status: 422, detail: "A file is not here", errors });
  return replaced(body, known);
});

/** Young again before it is looked at, so that nobody takes it away before a job names it. */
const assetOf = Effect.fnUntraced(function* (assets: AssetStore["Service"], sha256: string) {
  if (!(yield* assets.touch(sha256))) return null;
  return Option.getOrNull(Option.map(yield* assets.open(sha256), ({ asset }) => asset));
});

interface Place {
  readonly sha256: string;
  /** Dotted, as in a problem's errors. */
  readonly path: string;
}

const shaOf = (value: object): string | null => {
  if (Object.keys(value).toSorted().join() !== fields) return null;
  const sha256: unknown = Reflect.get(value, "sha256");
  return typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : null;
};

function* referencesIn(value: unknown, path: string): Generator<Place> {
  if (typeof value !== "object" || value === null) return;
  const sha256 = shaOf(value);
  if (sha256 !== null) {
    yield { sha256, path };
    return;
  }
  for (const [key, child] of Object.entries(value))
    yield* referencesIn(child, path === "" ? key : `${path}.${key}`);
}

const replaced = (value: unknown, known: ReadonlyMap<string, Asset>): unknown => {
  if (typeof value !== "object" || value === null) return value;
  const sha256 = shaOf(value);
  if (sha256 !== null) return known.get(sha256) ?? value;
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, known));
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, replaced(child, known)]),
  );
};

/** The SHA-256 of every file that the JSON refers to. */
export const filesIn = (json: Schema.Json): ReadonlyArray<string> =>
  [...referencesIn(json, "")].map(({ sha256 }) => sha256);
