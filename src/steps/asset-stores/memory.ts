/** Assets in memory: for tests, and for jobs that need not outlive the process. */
import { Clock, Effect, Exit, Layer, Option, Stream } from "effect";
import type { Asset } from "../asset.ts";
import {
  AssetStore,
  type AssetPage,
  headBytes,
  type OpenedAsset,
  type Removal,
  type Removed,
  type StoredBytes,
  type StreamedBytes,
} from "../asset-store.ts";
import { sha256Hex } from "../canonical-json.ts";

interface Kept extends StoredBytes {
  readonly asset: Asset;
  readonly putAt: number;
}

/** An empty store; it keeps copies, so that a caller's buffer may change. Its URLs are `memory:<sha256>`. */
const make = (): AssetStore["Service"] => {
  const kept = new Map<string, Kept>();
  /** Set aside while somebody asks whether they are free. */
  const aside = new Map<string, Kept>();
  const find = (sha256: string): Kept | undefined => kept.get(sha256) ?? aside.get(sha256);
  const put = ({ bytes, contentType }: StoredBytes) =>
    Effect.map(Clock.currentTimeMillis, (putAt) => {
      const sha256 = sha256Hex(bytes);
      const known = find(sha256)?.asset;
      const asset = known ?? {
        sha256,
        url: `memory:${sha256}`,
        contentType,
        sizeBytes: bytes.length,
      };
      const own = kept.get(sha256)?.bytes ?? Uint8Array.from(bytes);
      kept.set(sha256, { bytes: own, contentType: asset.contentType, asset, putAt });
      return asset;
    });
  return AssetStore.of({
    put,
    putStream: (streamed) => Effect.flatMap(whole(streamed), put),
    open: (sha256) => Effect.sync(() => Option.map(Option.fromUndefinedOr(find(sha256)), openedOf)),
    get: (sha256) =>
      Effect.sync(() =>
        Option.map(Option.fromUndefinedOr(find(sha256)), ({ bytes, contentType }) => ({
          bytes: Uint8Array.from(bytes),
          contentType,
        })),
      ),
    touch: (sha256) =>
      Effect.map(Clock.currentTimeMillis, (putAt) => {
        const found = find(sha256);
        if (found !== undefined) kept.set(sha256, { ...found, putAt });
        return found !== undefined;
      }),
    list: (page) => Effect.sync(() => pageOf([...kept.values()], page)),
    remove: (removal) => remove(kept, aside, removal),
  });
};

const whole = Effect.fnUntraced(function* <E>({ stream, contentTypeOf }: StreamedBytes<E>) {
  const bytes = new Uint8Array(Buffer.concat(yield* Stream.runCollect(stream)));
  return { bytes, contentType: yield* contentTypeOf(bytes.subarray(0, headBytes)) };
});

const openedOf = ({ asset, bytes }: Kept): OpenedAsset => ({
  asset,
  read: ({ start, end }) => Stream.make(bytes.slice(start, end + 1)),
});

const pageOf = (kept: ReadonlyArray<Kept>, { after, limit }: AssetPage) =>
  kept
    .map(({ asset: { sha256, sizeBytes }, putAt }) => ({ sha256, sizeBytes, putAt }))
    .filter(({ sha256 }) => after === null || sha256 > after)
    .toSorted((left, right) => (left.sha256 < right.sha256 ? -1 : 1))
    .slice(0, limit);

const remove = <E>(
  kept: Map<string, Kept>,
  aside: Map<string, Kept>,
  { sha256, before, isFree }: Removal<E>,
): Effect.Effect<Removed, E> =>
  Effect.suspend((): Effect.Effect<Removed, E> => {
    const found = kept.get(sha256);
    if (found === undefined) return Effect.succeed(aside.has(sha256) ? "kept" : "absent");
    if (found.putAt >= before) return Effect.succeed("kept");
    kept.delete(sha256);
    aside.set(sha256, found);
    return isFree.pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          aside.delete(sha256);
          const isGone = Exit.isSuccess(exit) && exit.value;
          if (!isGone && !kept.has(sha256)) kept.set(sha256, found);
        }),
      ),
      // Put or touched again meanwhile, it is here after all.
      Effect.map((isGone) => (isGone && !kept.has(sha256) ? found.asset.sizeBytes : "kept")),
    );
  });

export const MemoryAssets = {
  make,
  /** One empty store for each time the layer is built. */
  layer: Layer.sync(AssetStore, make),
} as const;
