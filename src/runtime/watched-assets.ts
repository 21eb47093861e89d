/** The asset store as the runtime uses it: whether its last writes failed is part of readiness. */
import { Clock, Effect } from "effect";
import type { AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";

export interface WatchedAssets {
  readonly assets: AssetStore["Service"];
  /** Why a write has just failed; null while the store takes writes, or where nobody tries any more. */
  readonly trouble: () => AssetStoreFailure | null;
}

/** Who holds a result tries again within five seconds; without such a one, the next write finds out. */
const memoryMs = 10_000;

export const watchAssets = Effect.fnUntraced(function* (
  assets: AssetStore["Service"],
): Effect.fn.Return<WatchedAssets> {
  const clock = yield* Clock.Clock;
  let last: { readonly failure: AssetStoreFailure; readonly at: number } | null = null;
  return {
    trouble: () =>
      last !== null && clock.currentTimeMillisUnsafe() - last.at < memoryMs ? last.failure : null,
    assets: {
      ...assets,
      put: (stored) =>
        Effect.matchEffect(assets.put(stored), {
          onSuccess: (asset) => {
            last = null;
            return Effect.succeed(asset);
          },
          onFailure: (failure) => {
            last = { failure, at: clock.currentTimeMillisUnsafe() };
            return Effect.fail(failure);
          },
        }),
    },
  };
});
