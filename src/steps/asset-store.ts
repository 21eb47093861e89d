/**
 * The port to where bytes are kept, named by their SHA-256.
 *
 * Guarantee: when `put` has returned, the bytes survive a crash of the process and, on the file system
 * adapter, of the machine (temporary file, fsync, rename, fsync of the folder). Putting the same bytes
 * again is a no-op. Nothing is ever overwritten or half visible.
 */
import { Context, Schema } from "effect";
import type { Effect, Option } from "effect";
import type { Asset } from "./asset.ts";

/** The store could not read or write. `operation` and `cause` are for the operator. */
export class AssetStoreFailure extends Schema.TaggedError<AssetStoreFailure>()(
  "AssetStoreFailure",
  {
    operation: Schema.Literals(["open", "put", "get"]),
    cause: Schema.Defect(),
  },
) {
  override get message(): string {
    return `The asset store could not ${this.operation}: ${String(this.cause)}`;
  }
}

export interface StoredBytes {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

export class AssetStore extends Context.Service<
  AssetStore,
  {
    /** Keeps the bytes durably and answers their reference. Idempotent. Fails with: AssetStoreFailure. */
    put(stored: StoredBytes): Effect.Effect<Asset, AssetStoreFailure>;
    /** The bytes, or none where this store never had them. Fails with: AssetStoreFailure. */
    get(sha256: string): Effect.Effect<Option.Option<StoredBytes>, AssetStoreFailure>;
  }
>()("catena-ai/steps/AssetStore") {}
