/**
 * Where the files of assets lie: `<root>/ab/cdef….png`, with one more ending while a file is set aside to
 * be removed. Names are told here, and what each kind of absence means.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { temporaryEnding } from "../../durable-file.ts";
import { contentTypeOf, extensionOf } from "../../media-type.ts";

/** Set aside: still found by who reads, no longer by who writes. */
export const asideEnding = ".leaving";

const nameDigits = 62;

export interface Found {
  readonly path: string;
  readonly contentType: string;
}

export const shelfOf = (root: string, sha256: string): string => join(root, sha256.slice(0, 2));

export const placeOf = (root: string, sha256: string, contentType: string): Found => {
  const extension = extensionOf(contentType);
  const path = join(shelfOf(root, sha256), `${sha256.slice(2)}.${extension}`);
  return { path, contentType: contentTypeOf(extension) };
};

/** The shelves that are there, in order. */
export const shelvesIn = async (root: string): Promise<ReadonlyArray<string>> =>
  (await readdir(root)).filter((name) => /^[0-9a-f]{2}$/.test(name)).toSorted();

/** The SHA-256 of the asset in this file; null for a file that is none. */
export const sha256Of = (shelf: string, file: string): string | null => {
  const digits = file.slice(0, nameDigits);
  const isAsset = /^[0-9a-f]{62}$/.test(digits) && file[nameDigits] === ".";
  return isAsset && !file.endsWith(temporaryEnding) ? shelf + digits : null;
};

/** The file of these bytes under whatever type it was first stored; null where there is none. */
export const find = (root: string, sha256: string): Promise<Found | null> =>
  findNamed(root, sha256, (file) => !file.endsWith(asideEnding));

/** As `find`, among what is set aside. */
export const findAside = (root: string, sha256: string): Promise<Found | null> =>
  findNamed(root, sha256, (file) => file.endsWith(asideEnding));

const findNamed = async (
  root: string,
  sha256: string,
  isWanted: (file: string) => boolean,
): Promise<Found | null> => {
  const shelf = shelfOf(root, sha256);
  const names = await filesOn(shelf);
  const prefix = `${sha256.slice(2)}.`;
  const name = names
    .filter((each) => each.startsWith(prefix) && !each.endsWith(temporaryEnding) && isWanted(each))
    .toSorted()[0];
  if (name === undefined) return null;
  const extension = placeFor(name).slice(prefix.length);
  return { path: join(shelf, name), contentType: contentTypeOf(extension) };
};

/** The path that a file set aside came from. */
export const placeFor = (path: string): string =>
  path.endsWith(asideEnding) ? path.slice(0, -asideEnding.length) : path;

/** The files of a shelf; none where there is no such shelf. */
export const filesOn = (shelf: string): Promise<ReadonlyArray<string>> =>
  unlessAbsent(readdir(shelf), []);

/** What the promise gives, or this where the file or folder is not there (any more). */
export const unlessAbsent = <A, B>(promise: Promise<A>, otherwise: B): Promise<A | B> =>
  promise.catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return otherwise;
    throw error;
  });
