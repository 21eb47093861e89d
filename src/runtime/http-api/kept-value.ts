/** Values as they can be shown: one that was erased, by age or by request, is absent. */
import { Effect, type Schema } from "effect";
import type { Value } from "../../machines/entry.ts";
import type { AssetStore, AssetStoreFailure } from "../../steps/asset-store.ts";
import { loadValue } from "../job-values.ts";

/** The JSON; undefined where it is kept no more. Fails with: AssetStoreFailure. */
export const keptValue = (
  { assets }: { readonly assets: AssetStore["Service"] },
  value: Value | null,
): Effect.Effect<Schema.Json | undefined, AssetStoreFailure> =>
  value === null
    ? Effect.succeed(undefined)
    : Effect.catchTag(loadValue(assets, value), "ValueErased", () => Effect.succeed(undefined));
