/**
 * Assets as files: `<folder>/ab/cdef….png`, named by the SHA-256 of their bytes, with an ending that tells
 * the type and lets a person open them.
 *
 * A crash can leave a temporary file, never a half-written asset: bytes are written beside their place,
 * flushed, renamed, and the folder flushed. Damage is reported, never repaired in silence.
 */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Clock, Effect, Layer, Option, Schema } from "effect";
import { type Asset, Sha256 } from "../asset.ts";
import { AssetStore, AssetStoreFailure, type StoredBytes } from "../asset-store.ts";
import { sha256Hex } from "../canonical-json.ts";
import { flushFolder, makeFolder, temporaryEnding, writeWhole } from "../durable-file.ts";
import { contentTypeOf, extensionOf } from "../media-type.ts";

/** A writer that is still alive finishes well within this. */
const staleAfterMs = 3_600_000;

/**
 * Opens the folder, made where it is missing, and removes temporary files older than an hour.
 * Fails with: AssetStoreFailure.
 */
const make = Effect.fnUntraced(function* (folder: string) {
  const root = resolve(folder);
  const now = yield* Clock.currentTimeMillis;
  yield* storing("open", () => prepare(root, now));
  return AssetStore.of({
    put: (stored) => storing("put", () => put(root, stored)),
    get: (sha256) => storing("get", () => get(root, sha256)),
  });
});

const storing = <A>(
  operation: AssetStoreFailure["operation"],
  run: () => Promise<A>,
): Effect.Effect<A, AssetStoreFailure> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new AssetStoreFailure({ operation, cause }),
  }).pipe(
    // A write that was begun is brought to its end; nobody waits long for it.
    Effect.uninterruptible,
  );

const prepare = async (root: string, now: number): Promise<void> => {
  await makeFolder(root);
  for (const shelf of await readdir(root)) {
    if (!/^[0-9a-f]{2}$/.test(shelf)) continue;
    const names = await readdir(join(root, shelf));
    const leftovers = names.filter((name) => name.endsWith(temporaryEnding));
    await Promise.all(leftovers.map((name) => removeStale(join(root, shelf, name), now)));
  }
};

const removeStale = async (path: string, now: number): Promise<void> => {
  const { mtimeMs } = await stat(path);
  if (now - mtimeMs > staleAfterMs) await rm(path, { force: true });
};

interface Found {
  readonly path: string;
  readonly contentType: string;
}

const shelfOf = (root: string, sha256: string): string => join(root, sha256.slice(0, 2));

/** The file of these bytes under whatever type it was first stored; none where there is none. */
const find = async (root: string, sha256: string): Promise<Found | null> => {
  const shelf = shelfOf(root, sha256);
  const names = await readdir(shelf).catch(absentFolder);
  const prefix = `${sha256.slice(2)}.`;
  const name = names
    .filter((each) => each.startsWith(prefix) && !each.endsWith(temporaryEnding))
    .toSorted()[0];
  return name === undefined
    ? null
    : { path: join(shelf, name), contentType: contentTypeOf(name.slice(prefix.length)) };
};

const absentFolder = (error: unknown): ReadonlyArray<string> => {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
};

const put = async (root: string, { bytes, contentType }: StoredBytes): Promise<Asset> => {
  const sha256 = sha256Hex(bytes);
  const found = await find(root, sha256);
  if (found === null) await write(root, sha256, { bytes, contentType });
  else await intact(found.path, sha256);
  // Also where the file was there already: whoever renamed it may have died before this.
  await flushFolder(shelfOf(root, sha256));
  const kept = found ?? placeOf(root, sha256, contentType);
  return {
    sha256,
    url: pathToFileURL(kept.path).href,
    contentType: kept.contentType,
    sizeBytes: bytes.length,
  };
};

const placeOf = (root: string, sha256: string, contentType: string): Found => {
  const extension = extensionOf(contentType);
  const path = join(shelfOf(root, sha256), `${sha256.slice(2)}.${extension}`);
  return { path, contentType: contentTypeOf(extension) };
};

const write = async (
  root: string,
  sha256: string,
  { bytes, contentType }: StoredBytes,
): Promise<void> => {
  const { path } = placeOf(root, sha256, contentType);
  // A new shelf is an entry of the root, and must survive like the file on it.
  await makeFolder(dirname(path));
  await writeWhole(path, bytes);
};

/** The bytes of a file, which must be those its name promises. */
const intact = async (path: string, sha256: string): Promise<Uint8Array> => {
  const bytes = await readFile(path);
  const found = sha256Hex(bytes);
  if (found !== sha256) throw new Error(`${path} is damaged: its bytes have the SHA-256 ${found}`);
  return new Uint8Array(bytes);
};

const isSha256 = Schema.is(Sha256);

const get = async (root: string, sha256: string): Promise<Option.Option<StoredBytes>> => {
  // Anything else could name a file outside of the folder.
  if (!isSha256(sha256)) return Option.none();
  const found = await find(root, sha256);
  if (found === null) return Option.none();
  return Option.some({ bytes: await intact(found.path, sha256), contentType: found.contentType });
};

export const FileSystemAssets = {
  make,
  /** A store over the folder. */
  layer: (folder: string): Layer.Layer<AssetStore, AssetStoreFailure> =>
    Layer.effect(AssetStore, make(folder)),
} as const;
