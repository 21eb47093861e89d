/**
 * Assets as files: `<folder>/ab/cdef….png`, named by the SHA-256 of their bytes, with an ending that tells
 * the type and lets a person open them.
 *
 * A crash can leave a temporary file, never a half-written asset: bytes are written beside their place,
 * flushed, renamed, and the folder flushed. Damage is reported, never repaired in silence. A file's time
 * of change is when its bytes were last put, by the clock of who put them.
 */
import { readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Clock, Effect, Layer, Option, Schema } from "effect";
import { type Asset, Sha256 } from "../asset.ts";
import {
  AssetStore,
  AssetStoreFailure,
  type OpenedAsset,
  type StoredBytes,
  type StreamedBytes,
} from "../asset-store.ts";
import { sha256Hex } from "../canonical-json.ts";
import { flushFolder, makeFolder, temporaryEnding, writeWhole } from "../durable-file.ts";
import { incomingFolder, receive, type Received } from "./file-system/incoming.ts";
import { IntactFiles, refuseDamage } from "./file-system/intact-files.ts";
import { readParts } from "./file-system/parts.ts";
import { listFiles, removeFile } from "./file-system/removal.ts";
import {
  find,
  findAside,
  type Found,
  placeFor,
  placeOf,
  shelfOf,
  shelvesIn,
  unlessAbsent,
} from "./file-system/shelves.ts";

/** A writer that is still alive finishes well within this. */
const staleAfterMs = 3_600_000;

/**
 * Opens the folder, made where it is missing, and removes temporary files older than an hour.
 * Fails with: AssetStoreFailure.
 */
const make = Effect.fnUntraced(function* (folder: string) {
  const root = resolve(folder);
  yield* storing("open", (now) => prepare(root, now));
  const files = new IntactFiles();
  return AssetStore.of({
    put: (stored) => storing("put", (now) => put({ root, now, files }, stored)),
    putStream: (streamed) => putStream({ root, files }, streamed),
    open: (sha256) => storing("get", () => opened({ root, files }, sha256)),
    get: (sha256) => storing("get", () => get(root, sha256)),
    touch: (sha256) => storing("touch", (now) => touch(root, now, sha256)),
    list: (page) => storing("list", () => listFiles(root, page)),
    remove: (removal) =>
      isSha256(removal.sha256) ? removeFile(root, removal) : Effect.succeed("absent"),
  });
});

const storing = <A>(
  operation: AssetStoreFailure["operation"],
  run: (now: number) => Promise<A>,
): Effect.Effect<A, AssetStoreFailure> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.tryPromise({
      try: () => run(now),
      catch: (cause) => new AssetStoreFailure({ operation, cause }),
    }),
  ).pipe(
    // A write that was begun is brought to its end; nobody waits long for it.
    Effect.uninterruptible,
  );

const prepare = async (root: string, now: number): Promise<void> => {
  await makeFolder(root);
  for (const folder of [...(await shelvesIn(root)), incomingFolder]) {
    const names = await unlessAbsent(readdir(join(root, folder)), []);
    const leftovers = names.filter((name) => name.endsWith(temporaryEnding));
    await Promise.all(leftovers.map((name) => removeStale(join(root, folder, name), now)));
  }
};

/** Its writer may have placed it since it was listed: then it is no longer there. */
const removeStale = async (path: string, now: number): Promise<void> => {
  const found = await unlessAbsent(stat(path), null);
  if (found !== null && now - found.mtimeMs > staleAfterMs) await rm(path, { force: true });
};

interface Store {
  readonly root: string;
  readonly files: IntactFiles;
}

interface Place extends Store {
  /** ms; what is put is as old as this. */
  readonly now: number;
}

const put = async (place: Place, { bytes, contentType }: StoredBytes): Promise<Asset> => {
  const sha256 = sha256Hex(bytes);
  const write = (path: string) => writeWhole(path, bytes, place.now);
  return stored(place, { sha256, sizeBytes: bytes.length, contentType }, write);
};

/** Received beside all shelves first: which one it belongs to is known at its end. */
const putStream = <E>(
  store: Store,
  streamed: StreamedBytes<E>,
): Effect.Effect<Asset, AssetStoreFailure | E> =>
  Effect.scoped(
    Effect.flatMap(receive(store.root, streamed), (received) =>
      storing("put", (now) => {
        const place = async (path: string) => {
          await utimes(received.path, now / 1_000, now / 1_000);
          await rename(received.path, path);
        };
        return stored({ ...store, now }, received, place);
      }),
    ),
  );

/** The asset, where it is already or where `write` puts it. */
const stored = async (
  place: Place,
  { sha256, sizeBytes, contentType }: Omit<Received, "path">,
  write: (path: string) => Promise<void>,
): Promise<Asset> => {
  const { root } = place;
  const found = await foundAgain(place, sha256);
  const kept = found ?? placeOf(root, sha256, contentType);
  if (found === null) {
    // A new shelf is an entry of the root, and must survive like the file on it.
    await makeFolder(dirname(kept.path));
    await write(kept.path);
  }
  // Also where the file was there already: whoever renamed it may have died before this.
  await flushFolder(shelfOf(root, sha256));
  return assetOf(kept, sha256, sizeBytes);
};

const assetOf = ({ path, contentType }: Found, sha256: string, sizeBytes: number): Asset => ({
  sha256,
  url: pathToFileURL(path).href,
  contentType,
  sizeBytes,
});

/** The file that is there already, intact and young again; null where there is none, or no longer. */
const foundAgain = async ({ root, now, files }: Place, sha256: string) => {
  const found = await find(root, sha256);
  if (found === null) return null;
  const isThere = await unlessAbsent(
    files.check(found.path, sha256, "anew").then(() => age(found.path, now)),
    null,
  );
  return isThere === null ? null : found;
};

const age = async (path: string, now: number): Promise<true> => {
  await utimes(path, now / 1_000, now / 1_000);
  return true;
};

/** The bytes of a file, which must be those its name promises. */
const intact = async (path: string, sha256: string): Promise<Uint8Array> => {
  const bytes = await readFile(path);
  refuseDamage(path, sha256, sha256Hex(bytes));
  return new Uint8Array(bytes);
};

const isSha256 = Schema.is(Sha256);

/** A file that is being set aside, or put back, is missed by a look in that very moment. */
const looks = 3;

const get = (root: string, sha256: string): Promise<Option.Option<StoredBytes>> =>
  looked(root, sha256, async ({ path, contentType }) => ({
    bytes: await intact(path, sha256),
    contentType,
  }));

const opened = ({ root, files }: Store, sha256: string): Promise<Option.Option<OpenedAsset>> =>
  looked(root, sha256, async (found) => {
    const sizeBytes = await files.check(found.path, sha256);
    return {
      asset: assetOf(found, sha256, sizeBytes),
      read: (range) => readParts(found.path, range),
    };
  });

/** What the use makes of the file, wherever it lies by now. */
const looked = async <A>(
  root: string,
  sha256: string,
  use: (found: Found) => Promise<A>,
): Promise<Option.Option<A>> => {
  // Anything else could name a file outside of the folder.
  if (!isSha256(sha256)) return Option.none();
  for (let look = 0; look < looks; look += 1) {
    const found = (await find(root, sha256)) ?? (await findAside(root, sha256));
    if (found === null) continue;
    const used = await unlessAbsent(use(found), null);
    if (used !== null) return Option.some(used);
  }
  return Option.none();
};

const touch = async (root: string, now: number, sha256: string): Promise<boolean> => {
  if (!isSha256(sha256)) return false;
  for (let look = 0; look < looks; look += 1) {
    const found = await find(root, sha256);
    if (found !== null && (await unlessAbsent(age(found.path, now), false))) return true;
    const aside = await findAside(root, sha256);
    // Whoever has set it aside finds nothing to take away any more.
    if (aside !== null) await unlessAbsent(rename(aside.path, placeFor(aside.path)), undefined);
  }
  return false;
};

export const FileSystemAssets = {
  make,
  /** A store over the folder. */
  layer: (folder: string): Layer.Layer<AssetStore, AssetStoreFailure> =>
    Layer.effect(AssetStore, make(folder)),
} as const;
