/**
 * The port to where bytes are kept, named by their SHA-256.
 *
 * Guarantee: when `put` has returned, the bytes survive a crash of the process and, on the file system
 * adapter, of the machine (temporary file, fsync, rename, fsync of the folder). Putting the same bytes
 * again only makes them young again. Nothing is ever half visible.
 *
 * `remove` and `put` of the same bytes may meet, also in two processes: whoever puts after the removal has
 * begun to ask whether the asset is free finds it gone and writes it anew, so that a `put` that has
 * returned is never undone by a removal that asked before it.
 */
import { Context, Schema } from "effect";
import type { Effect, Option, Stream } from "effect";
import type { Asset } from "./asset.ts";

/** The store could not read or write. `operation` and `cause` are for the operator. */
export class AssetStoreFailure extends Schema.TaggedError<AssetStoreFailure>()(
  "AssetStoreFailure",
  {
    operation: Schema.Literals(["open", "put", "get", "touch", "list", "remove"]),
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

/** How many of the first bytes are enough to tell the type of all. */
export const headBytes = 4_096;

/** Bytes as they come, from a source that may fail, such as a request's body. */
export interface StreamedBytes<E> {
  readonly stream: Stream.Stream<Uint8Array, E>;
  /** Says the type by the first `headBytes`, or all where there are fewer; where it fails, nothing is kept. */
  readonly contentTypeOf: (head: Uint8Array) => Effect.Effect<string, E>;
}

/** A stored file whose bytes are read in pieces. */
export interface OpenedAsset {
  readonly asset: Asset;
  /** The bytes from `start` to `end`, both of them included. Fails with: AssetStoreFailure. */
  readonly read: (range: ByteRange) => Stream.Stream<Uint8Array, AssetStoreFailure>;
}

export interface ByteRange {
  readonly start: number;
  /** The last byte's place. */
  readonly end: number;
}

/** An asset as a listing shows it; `putAt` is when its bytes were last put or touched (ms). */
export interface ListedAsset {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly putAt: number;
}

export interface AssetPage {
  /** The SHA-256 after which the page begins; null for the first one. */
  readonly after: string | null;
  readonly limit: number;
}

/** Its size in bytes where it is gone; `kept` where it was too young or not free, `absent` where it is not here. */
export type Removed = number | "kept" | "absent";

export interface Removal<E> {
  readonly sha256: string;
  /** What was put or touched at this instant (ms) or later stays. */
  readonly before: number;
  /** Asked once the asset is set aside: whether really nobody needs it. Until then `get` still finds it. */
  readonly isFree: Effect.Effect<boolean, E>;
}

export class AssetStore extends Context.Service<
  AssetStore,
  {
    /** Keeps the bytes durably and answers their reference. Idempotent. Fails with: AssetStoreFailure. */
    put(stored: StoredBytes): Effect.Effect<Asset, AssetStoreFailure>;
    /**
     * As `put`, of any size: no more than some pieces are in memory at once, where the store is not memory itself.
     * Where the stream ends too soon, or nobody waits any more, nothing of it stays.
     * Fails with: AssetStoreFailure, what the stream and `contentTypeOf` fail with.
     */
    putStream<E>(streamed: StreamedBytes<E>): Effect.Effect<Asset, AssetStoreFailure | E>;
    /** The file, to be read in pieces; none where this store never had it. Fails with: AssetStoreFailure. */
    open(sha256: string): Effect.Effect<Option.Option<OpenedAsset>, AssetStoreFailure>;
    /** The bytes, or none where this store never had them. Fails with: AssetStoreFailure. */
    get(sha256: string): Effect.Effect<Option.Option<StoredBytes>, AssetStoreFailure>;
    /** As if the bytes were put again; false where they are not here. Fails with: AssetStoreFailure. */
    touch(sha256: string): Effect.Effect<boolean, AssetStoreFailure>;
    /** What is here, in order of its SHA-256. Fails with: AssetStoreFailure. */
    list(page: AssetPage): Effect.Effect<ReadonlyArray<ListedAsset>, AssetStoreFailure>;
    /**
     * Takes an asset away for good, if it is old enough and free. One that could not be asked about stays.
     * Fails with: AssetStoreFailure, what `isFree` fails with.
     */
    remove<E>(removal: Removal<E>): Effect.Effect<Removed, AssetStoreFailure | E>;
  }
>()("catena-ai/steps/AssetStore") {}
