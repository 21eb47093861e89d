/** The stores that start options name, opened. */
import { Effect, type Scope } from "effect";
import type { AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";
import { FileSystemAssets } from "../steps/asset-stores/file-system.ts";
import { MemoryAssets } from "../steps/asset-stores/memory.ts";
import type { JournalStore, StoreFailure } from "./journal-store.ts";
import { MemoryJournalStore } from "./journal-stores/memory.ts";
import { SqliteJournalStore } from "./journal-stores/sqlite.ts";
import type { RuntimeOptions } from "./options.ts";

type Places = Pick<RuntimeOptions, "store" | "assets" | "durability">;

/** The journal store, open for as long as the scope lives. */
export const openStore = ({
  store = "memory",
  durability = "full",
}: Places): Effect.Effect<JournalStore["Service"], StoreFailure, Scope.Scope> => {
  if (typeof store !== "string") return Effect.succeed(store);
  if (store === "memory") return Effect.sync(() => MemoryJournalStore.make());
  return SqliteJournalStore.make({
    path: store,
    synchronous: durability === "normal" ? "NORMAL" : "FULL",
  });
};

/** The asset store; a folder is made where it is missing. */
export const openAssets = ({
  store = "memory",
  assets,
}: Places): Effect.Effect<AssetStore["Service"], AssetStoreFailure, Scope.Scope> => {
  if (assets !== undefined && typeof assets !== "string") return Effect.succeed(assets);
  if (typeof assets === "string") return FileSystemAssets.make(assets);
  if (typeof store !== "string" || store === "memory")
    return Effect.sync(() => MemoryAssets.make());
  return FileSystemAssets.make(`${store}-assets`);
};
