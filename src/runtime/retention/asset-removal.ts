/**
 * Taking away assets that no job names. The journal is asked once more when the asset is set aside, after
 * which whoever puts the same bytes writes them anew: an asset that a job names is never taken away.
 */
import { Clock, Effect } from "effect";
import { AssetStoreFailure, type ListedAsset, type Removed } from "../../steps/asset-store.ts";
import { assetNamesIn } from "../../steps/asset-names.ts";
import type { Leftover } from "../journal-retention.ts";
import type { StoreFailure } from "../journal-store.ts";
import type { RetentionHost } from "./retention-host.ts";

/** How many there were, and their bytes together. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

export const nothing: Amount = { count: 0, bytes: 0 };

export const plus = (left: Amount, right: Amount): Amount => ({
  count: left.count + right.count,
  bytes: left.bytes + right.bytes,
});

type Trouble = StoreFailure | AssetStoreFailure;

const pageSize = 100;

/** What has gone so far. A file that cannot be removed keeps no other from going: that is said at the end. */
class Removing {
  #removed = nothing;
  #failure: AssetStoreFailure | null = null;
  readonly #host: RetentionHost;

  constructor(host: RetentionHost) {
    this.#host = host;
  }

  /** Takes away what is named by nobody and was put before the instant (ms). Whether it was `named` is told apart from other reasons to keep it. */
  removeIfFree(sha256: string, before: number): Effect.Effect<Removed | "named", StoreFailure> {
    const { store, assets } = this.#host;
    let isNamed = false;
    const isFree = Effect.map(store.freeAssets({ sha256s: [sha256], asIf: null }), (free) => {
      isNamed = !free.has(sha256);
      return !isNamed;
    });
    return Effect.matchEffect(assets.remove({ sha256, before, isFree }), {
      onSuccess: (removed) => {
        if (typeof removed === "number")
          this.#removed = plus(this.#removed, { count: 1, bytes: removed });
        return Effect.succeed(removed === "kept" && isNamed ? "named" : removed);
      },
      onFailure: (failure) => {
        if (!(failure instanceof AssetStoreFailure)) return Effect.fail(failure);
        this.#failure ??= failure;
        return Effect.succeed("kept");
      },
    });
  }

  /** Fails with the first failure there was. */
  readonly end: Effect.Effect<Amount, AssetStoreFailure> = Effect.suspend(() =>
    this.#failure === null ? Effect.succeed(this.#removed) : Effect.fail(this.#failure),
  );
}

const isGone = (outcome: Removed | "named"): boolean =>
  typeof outcome === "number" || outcome === "absent";

/** Who put the bytes anew since the look at these assets began holds them still. */
const forgetHolders = (
  { commit }: RetentionHost,
  sha256s: ReadonlyArray<string>,
  before: number,
): Effect.Effect<void, StoreFailure> =>
  sha256s.length === 0
    ? Effect.void
    : Effect.asVoid(commit({ type: "ForgetHolders", sha256s, before }));

/**
 * Takes away what erased jobs left behind, at once: all but what somebody put again after the job had come
 * to rest, which waits until it is older than the grace. A death in between leaves the rest for the next.
 */
export const removeLeftovers = Effect.fnUntraced(function* (
  host: RetentionHost,
): Effect.fn.Return<Amount, Trouble> {
  const removing = new Removing(host);
  let after = "";
  while (true) {
    const page: ReadonlyArray<Leftover> = yield* host.store.leftovers(after, pageSize);
    const last = page.at(-1);
    if (last === undefined) return yield* removing.end;
    after = last.sha256;
    const now = yield* Clock.currentTimeMillis;
    const gone: Array<string> = [];
    const taken: Array<string> = [];
    for (const { sha256, restedAt } of page) {
      const before = Math.max(restedAt + 1, now - host.policy.assetGraceMs);
      const outcome = yield* removing.removeIfFree(sha256, before);
      if (outcome !== "kept") gone.push(sha256);
      if (isGone(outcome)) taken.push(sha256);
    }
    const earlyBefore = now - host.policy.assetGraceMs;
    yield* host.commit({ type: "TidyAssets", gone, earlyBefore });
    yield* forgetHolders(host, taken, now);
    yield* host.pause;
  }
});

/** Every asset that is there, page by page. */
export const eachPage = Effect.fnUntraced(function* <E>(
  { assets, pause }: Pick<RetentionHost, "assets" | "pause">,
  use: (page: ReadonlyArray<ListedAsset>) => Effect.Effect<void, E>,
): Effect.fn.Return<void, AssetStoreFailure | E> {
  let after: string | null = null;
  do {
    const page: ReadonlyArray<ListedAsset> = yield* assets.list({ after, limit: pageSize });
    yield* use(page);
    after = page.at(-1)?.sha256 ?? null;
    yield* pause;
  } while (after !== null);
});

/** Takes away whatever nobody names and was put before the instant (ms). */
export const removeUnnamed = Effect.fnUntraced(function* (
  host: RetentionHost,
  before: number,
): Effect.fn.Return<Amount, Trouble> {
  const removing = new Removing(host);
  yield* eachPage(host, (page) =>
    Effect.gen(function* () {
      const sha256s = page.filter(({ putAt }) => putAt < before).map(({ sha256 }) => sha256);
      if (sha256s.length === 0) return;
      const now = yield* Clock.currentTimeMillis;
      const taken: Array<string> = [];
      for (const sha256 of yield* host.store.freeAssets({ sha256s, asIf: null })) {
        if (isGone(yield* removing.removeIfFree(sha256, before))) taken.push(sha256);
      }
      yield* forgetHolders(host, taken, now);
    }),
  );
  return yield* removing.end;
});

/** Reads payloads from before names were kept, whose own names the journal does not know yet. */
export const readOldPayloads = Effect.fnUntraced(function* ({
  store,
  assets,
  commit,
  pause,
}: RetentionHost): Effect.fn.Return<void, Trouble> {
  while (true) {
    const unread = yield* store.unreadPayloads(pageSize);
    if (unread.length === 0) return;
    for (const { jobId, sha256, isRaw } of unread) {
      const stored = yield* assets.get(sha256);
      const text = stored._tag === "Some" ? new TextDecoder().decode(stored.value.bytes) : "";
      const within = assetNamesIn(text).map((name) => ({ sha256: name, isRaw, isPayload: false }));
      const names = [{ sha256, isRaw, isPayload: true }, ...within];
      const at = yield* Clock.currentTimeMillis;
      yield* commit({ type: "NameAssets", jobId, names, at });
    }
    yield* pause;
  }
});
