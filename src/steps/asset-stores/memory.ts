/** Assets in memory: for tests, and for jobs that need not outlive the process. */
import { Effect, Layer, Option } from "effect";
import type { Asset } from "../asset.ts";
import { AssetStore, type StoredBytes } from "../asset-store.ts";
import { sha256Hex } from "../canonical-json.ts";

interface Kept extends StoredBytes {
  readonly asset: Asset;
}

/** An empty store; it keeps copies, so that a caller's buffer may change. Its URLs are `memory:<sha256>`. */
const make = (): AssetStore["Service"] => {
  const kept = new Map<string, Kept>();
  return AssetStore.of({
    put: ({ bytes, contentType }) =>
      Effect.sync(() => {
        const sha256 = sha256Hex(bytes);
        const known = kept.get(sha256);
        if (known !== undefined) return known.asset;
        const asset = { sha256, url: `memory:${sha256}`, contentType, sizeBytes: bytes.length };
        kept.set(sha256, { bytes: Uint8Array.from(bytes), contentType, asset });
        return asset;
      }),
    get: (sha256) =>
      Effect.sync(() =>
        Option.map(Option.fromUndefinedOr(kept.get(sha256)), ({ bytes, contentType }) => ({
          bytes: Uint8Array.from(bytes),
          contentType,
        })),
      ),
  });
};

export const MemoryAssets = {
  make,
  /** One empty store for each time the layer is built. */
  layer: Layer.sync(AssetStore, make),
} as const;
