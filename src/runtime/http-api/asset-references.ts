/**
 * Files in an input: a reference as `POST /assets` gave it, wherever a field takes a file. What it says of
 * the bytes is not believed: it is replaced by what the store itself says of them. A tenant may refer to
 * what it holds; what others hold is answered as what nobody has.
 */
import { Effect, Option } from "effect";
import type { Asset } from "../../steps/asset.ts";
import type { AssetStore, AssetStoreFailure } from "../../steps/asset-store.ts";
import type { Issue } from "../../steps/failure.ts";
import type { Engine } from "../engine.ts";
import { referencesIn, referredIn } from "../file-references.ts";
import type { StoreFailure } from "../journal-store.ts";
import { Problem } from "./problem.ts";

/** Each is looked up, to make sure that it is there. */
const maxReferences = 100;

type Stores = Pick<Engine, "store" | "assets">;

interface Said {
  readonly body: unknown;
  /** Who says it; null may refer to every file. */
  readonly tenant: string | null;
}

/**
 * The body with every reference made true. Fails with: Problem (422: no such asset, or none of this
 * tenant's), StoreFailure, AssetStoreFailure.
 */
export const withOwnReferences = Effect.fnUntraced(function* (
  { store, assets }: Stores,
  { body, tenant }: Said,
): Effect.fn.Return<unknown, Problem | StoreFailure | AssetStoreFailure> {
  const found = referencesIn(body);
  if (found.length === 0) return body;
  if (found.length > maxReferences) {
    const detail = `Expected ${maxReferences} files at most, got ${found.length}`;
    return yield* new Problem({ status: 422, detail });
  }
  const sha256s = [...new Set(found.map(({ sha256 }) => sha256))];
  const own =
    tenant === null
      ? new Set(sha256s)
      : yield* store.heldAssets({ tenant, sha256s, isUpload: false });
  const known = new Map<string, Asset>();
  for (const sha256 of own) {
    const asset = yield* assetOf(assets, sha256);
    if (asset !== null) known.set(sha256, asset);
  }
  const errors: ReadonlyArray<Issue> = found
    .filter(({ sha256 }) => !known.has(sha256))
    .map(({ path }) => ({ path, message: "Expected a file that was uploaded to /assets" }));
  if (errors.length > 0)
    return yield* new Problem({ status: 422, detail: "A file is not here", errors });
  return replaced(body, known);
});

/** Young again before it is looked at, so that nobody takes it away before a job names it. */
const assetOf = Effect.fnUntraced(function* (assets: AssetStore["Service"], sha256: string) {
  if (!(yield* assets.touch(sha256))) return null;
  return Option.getOrNull(Option.map(yield* assets.open(sha256), ({ asset }) => asset));
});

const replaced = (value: unknown, known: ReadonlyMap<string, Asset>): unknown => {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, known));
  const sha256 = referredIn(value);
  const children = Object.entries(value).map(([key, child]) => [key, replaced(child, known)]);
  return {
    ...Object.fromEntries(children),
    ...(sha256 === null ? {} : known.get(sha256)),
  };
};
