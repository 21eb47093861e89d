/** One promise of an AssetStore, for any test runner. */
import { Effect } from "effect";
import type { AssetStore } from "./asset-store.ts";

export interface AssetStoreCase {
  readonly name: string;
  /** Dies with an AssertionError where the promise is broken. Takes a fresh, empty store. */
  readonly run: (store: AssetStore["Service"]) => Effect.Effect<void, unknown>;
}

export const check = (assertion: () => void): Effect.Effect<void> => Effect.sync(assertion);
