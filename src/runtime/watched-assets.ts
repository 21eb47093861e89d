/** The asset store as the runtime uses it: whether its last writes failed is part of readiness. */
import { type Cause, Clock, Effect, Exit } from "effect";
import type { Asset } from "../steps/asset.ts";
import { type AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";

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
  const watched = <E>(
    write: Effect.Effect<Asset, AssetStoreFailure | E>,
  ): Effect.Effect<Asset, AssetStoreFailure | E> =>
    Effect.onExit(write, (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) last = null;
        else {
          const failure = exit.cause.reasons.find(isStoreFailure)?.error;
          if (failure !== undefined) last = { failure, at: clock.currentTimeMillisUnsafe() };
        }
      }),
    );
  return {
    trouble: () =>
      last !== null && clock.currentTimeMillisUnsafe() - last.at < memoryMs ? last.failure : null,
    assets: {
      ...assets,
      put: (stored) => watched(assets.put(stored)),
      putStream: (streamed) => watched(assets.putStream(streamed)),
    },
  };
});

/** Of a streamed write that fails, the source may be the reason. */
const isStoreFailure = (reason: Cause.Reason<unknown>): reason is Cause.Fail<AssetStoreFailure> =>
  reason._tag === "Fail" && reason.error instanceof AssetStoreFailure;
