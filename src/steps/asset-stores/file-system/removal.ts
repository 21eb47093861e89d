/**
 * Taking files away, and telling what is there. A file is set aside by a rename first: who puts the same
 * bytes from then on writes them anew, who reads still finds them. A process that dies in between leaves a
 * file set aside, which is listed as any other and decided upon again.
 */
import { rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Effect, Exit } from "effect";
import {
  AssetStoreFailure,
  type AssetPage,
  type ListedAsset,
  type Removal,
  type Removed,
} from "../../asset-store.ts";
import { flushFolder } from "../../durable-file.ts";
import {
  asideEnding,
  filesOn,
  find,
  findAside,
  placeFor,
  sha256Of,
  shelvesIn,
  unlessAbsent,
} from "./shelves.ts";

/** The page's assets, each once. */
export const listFiles = async (
  root: string,
  { after, limit }: AssetPage,
): Promise<ReadonlyArray<ListedAsset>> => {
  const listed: Array<ListedAsset> = [];
  for (const shelf of await shelvesIn(root)) {
    if (after !== null && shelf < after.slice(0, 2)) continue;
    if (listed.length >= limit) break;
    const folder = join(root, shelf);
    const bySha256 = new Map<string, string>();
    for (const file of await filesOn(folder)) {
      const sha256 = sha256Of(shelf, file);
      if (sha256 !== null && (after === null || sha256 > after)) bySha256.set(sha256, file);
    }
    const wanted = [...bySha256].toSorted(([left], [right]) => (left < right ? -1 : 1));
    for (const [sha256, file] of wanted.slice(0, limit - listed.length)) {
      const found = await unlessAbsent(stat(join(folder, file)), null);
      // Gone since the folder was read.
      if (found !== null) listed.push({ sha256, sizeBytes: found.size, putAt: putAtOf(found) });
    }
  }
  return listed;
};

interface Aside {
  readonly path: string;
  readonly sizeBytes: number;
}

/** As the port says it of `remove`. */
export const removeFile = <E>(
  root: string,
  { sha256, before, isFree }: Removal<E>,
): Effect.Effect<Removed, AssetStoreFailure | E> =>
  Effect.flatMap(
    removing(() => setAside(root, sha256, before)),
    (aside) => (typeof aside === "string" ? Effect.succeed(aside) : decide(root, aside, isFree)),
  );

const removing = <A>(run: () => Promise<A>): Effect.Effect<A, AssetStoreFailure> =>
  Effect.uninterruptible(
    Effect.tryPromise({
      try: run,
      catch: (cause) => new AssetStoreFailure({ operation: "remove", cause }),
    }),
  );

/** The file, set aside; or why there is nothing to be decided. */
const setAside = async (
  root: string,
  sha256: string,
  before: number,
): Promise<Aside | "kept" | "absent"> => {
  const found = await find(root, sha256);
  if (found !== null && (await isOld(found.path, before)))
    await unlessAbsent(rename(found.path, found.path + asideEnding), undefined);
  const aside = await findAside(root, sha256);
  if (aside === null) return found === null ? "absent" : "kept";
  const stats = await unlessAbsent(stat(aside.path), null);
  if (stats === null) return "kept";
  // Put again between the look and the rename.
  const isYoung = putAtOf(stats) >= before;
  if (isYoung) await putBack(aside.path);
  return isYoung ? "kept" : { path: aside.path, sizeBytes: stats.size };
};

/** Set in whole milliseconds, kept as a fraction of seconds. */
const putAtOf = ({ mtimeMs }: { readonly mtimeMs: number }): number => Math.round(mtimeMs);

const isOld = async (path: string, before: number): Promise<boolean> => {
  const stats = await unlessAbsent(stat(path), null);
  return stats !== null && putAtOf(stats) < before;
};

const decide = <E>(
  root: string,
  { path, sizeBytes }: Aside,
  isFree: Removal<E>["isFree"],
): Effect.Effect<Removed, AssetStoreFailure | E> =>
  isFree.pipe(
    Effect.onExit((exit) =>
      Exit.isSuccess(exit) && exit.value ? Effect.void : removing(() => putBack(path)),
    ),
    Effect.flatMap((isGone) =>
      isGone ? removing(() => takeAway(root, path, sizeBytes)) : Effect.succeed("kept"),
    ),
  );

/** Another process that decides upon the same file may have been faster. */
const putBack = async (path: string): Promise<void> => {
  await unlessAbsent(rename(path, placeFor(path)), undefined);
};

const takeAway = async (root: string, path: string, sizeBytes: number): Promise<Removed> => {
  const isGone = await unlessAbsent(
    unlink(path).then(() => true),
    false,
  );
  if (isGone) await flushFolder(dirname(path));
  const shelf = dirname(path).slice(-2);
  const sha256 = sha256Of(shelf, placeFor(path).slice(dirname(path).length + 1));
  // Put again meanwhile, it is here after all.
  const isHere = sha256 !== null && (await find(root, sha256)) !== null;
  return isGone && !isHere ? sizeBytes : "kept";
};
