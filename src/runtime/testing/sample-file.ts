/**
 * The file that generated values name. A hash made up by a schema is the hash of nothing, and a job that is given
 * it fails where it needs the bytes; so every generated reference is to this one, which the kit's stores hold.
 */
import { Effect } from "effect";
import type { AssetStore } from "../../steps/asset-store.ts";
import { MemoryAssets } from "../../steps/asset-stores/memory.ts";
import { sha256Hex } from "../../steps/canonical-json.ts";

const bytes = new TextEncoder().encode("a file of the test kit");
const sha256 = sha256Hex(bytes);

/** What every generated reference says, but for the media type, which its schema may have asked for. */
export const sampleFile = { sha256, url: `memory:${sha256}`, sizeBytes: bytes.length } as const;

/** A store in memory that holds the sample. */
export const assetsWithSample = (): AssetStore["Service"] => {
  const assets = MemoryAssets.make();
  Effect.runSync(assets.put({ bytes, contentType: "application/octet-stream" }));
  return assets;
};
