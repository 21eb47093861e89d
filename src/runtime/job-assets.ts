/**
 * The asset store as one job uses it. What a job is about to put is named in the journal before it is
 * there, so that nobody who takes away what no job names can take it in between, in whichever process.
 */
import { Clock, Effect, Option } from "effect";
import type { Asset } from "../steps/asset.ts";
import { assetNamesIn } from "../steps/asset-names.ts";
import type { AssetStore, AssetStoreFailure, StoredBytes } from "../steps/asset-store.ts";
import { sha256Hex } from "../steps/canonical-json.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { NameAssets } from "./journal-retention.ts";
import type { JournalStore, StoreFailure } from "./journal-store.ts";
import { usableFiles } from "./usable-files.ts";

export interface JobAssets<E = never> {
  /** Keeps a file. Fails with: AssetStoreFailure. */
  put(stored: StoredBytes): Effect.Effect<Asset, AssetStoreFailure | E>;
  /** Keeps a value that is too large for its entry; assets that it names are the job's as well. */
  putPayload(text: string, bytes: Uint8Array): Effect.Effect<Asset, AssetStoreFailure | E>;
}

export interface Naming<E> {
  readonly assets: AssetStore["Service"];
  readonly jobId: string;
  /** What is put is part of a raw answer. */
  readonly isRaw: boolean;
  /** Writes it down; returns once it is durable. */
  readonly name: (write: NameAssets) => Effect.Effect<unknown, E>;
}

const payloadType = "application/json";

/** The asset store for a job, where names are written down in a way of one's own. */
export const assetsFor = <E>({ assets, jobId, name, isRaw }: Naming<E>): JobAssets<E> => {
  const named = (names: NameAssets["names"]) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => name({ type: "NameAssets", jobId, names, at }));
  return {
    put: (stored) =>
      Effect.andThen(
        named([{ sha256: sha256Hex(stored.bytes), isRaw, isPayload: false, isOwn: true }]),
        assets.put(stored),
      ),
    putPayload: (text, bytes) => {
      const within = assetNamesIn(text).map((sha256) => ({ sha256, isRaw, isPayload: false }));
      const own = { sha256: sha256Hex(bytes), isRaw, isPayload: true };
      return Effect.andThen(
        named([own, ...within]),
        assets.put({ bytes, contentType: payloadType }),
      );
    },
  };
};

interface Stores {
  readonly assets: AssetStore["Service"];
  readonly committer: Pick<GroupCommit, "commit" | "tryCommit">;
}

/** The asset store for what the steps of a job make, through any trouble of the journal store. */
export const assetsOfJob = (
  { assets, committer }: Stores,
  jobId: string,
  isRaw = false,
): JobAssets => assetsFor({ assets, jobId, isRaw, name: (write) => committer.commit(write) });

interface StepStores extends Stores {
  readonly store: JournalStore["Service"];
}

/**
 * The asset store as a step of the job sees it: what it puts is the job's, and its tenant's; what others hold is
 * not there. The name of what comes in pieces is known once it is there.
 */
export const assetsOfStep = (stores: StepStores, jobId: string): AssetStore["Service"] => ({
  ...stores.assets,
  ...ownFiles(stores, jobId),
  put: (stored) => assetsOfJob(stores, jobId).put(stored),
  putStream: (streamed) =>
    Effect.tap(stores.assets.putStream(streamed), ({ sha256 }) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) =>
        stores.committer.commit({
          type: "NameAssets",
          jobId,
          names: [{ sha256, isRaw: false, isPayload: false, isOwn: true }],
          at,
        }),
      ),
    ),
});

/** Whatever takes the name of a file: a step may have made it of a text that anybody wrote. */
const ownFiles = (
  { assets, store }: StepStores,
  jobId: string,
): Pick<AssetStore["Service"], "get" | "open" | "touch" | "remove"> => {
  const ifUsable = <A, E>(
    sha256: string,
    use: Effect.Effect<A, E>,
    otherwise: NoInfer<A>,
  ): Effect.Effect<A, E> =>
    Effect.flatMap(usableFiles({ store, jobId }, [sha256]), (usable) =>
      usable.has(sha256) ? use : Effect.succeed(otherwise),
    );
  return {
    get: (sha256) => ifUsable(sha256, assets.get(sha256), Option.none()),
    open: (sha256) => ifUsable(sha256, assets.open(sha256), Option.none()),
    touch: (sha256) => ifUsable(sha256, assets.touch(sha256), false),
    remove: (removal) => ifUsable(removal.sha256, assets.remove(removal), "absent"),
  };
};

/** The asset store for what a job is submitted with; refused while the journal store is in trouble. */
export const assetsOfNew = (
  { assets, committer }: Stores,
  jobId: string,
): JobAssets<StoreFailure> =>
  assetsFor({
    assets,
    jobId,
    isRaw: false,
    name: (write) => committer.tryCommit(write, () => undefined),
  });
