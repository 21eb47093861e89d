/**
 * Files that survive a crash of the machine once they are there, and that nobody ever sees half of: written
 * beside their place, flushed, renamed, and the folder flushed.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** What a crash can leave behind, beside the file it was to become. */
export const temporaryEnding = ".part";

/**
 * Puts the bytes under the path, in place of what was there. Flushing the folder afterwards is the caller's.
 * `changedAt` (ms) is the time of change that the file shall show; default: the system's.
 */
export const writeWhole = async (
  path: string,
  bytes: Uint8Array | string,
  changedAt?: number,
): Promise<void> => {
  // A name of its own: an attempt that timed out may still be writing when the next one begins.
  const temporary = `${path}.${randomUUID()}${temporaryEnding}`;
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(bytes);
      if (changedAt !== undefined) await handle.utimes(changedAt / 1_000, changedAt / 1_000);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

/** Makes the entries of a folder durable. Windows cannot open one to flush it, and needs no such flush for a rename. */
export const flushFolder = async (path: string): Promise<void> => {
  const handle = await open(path, "r").catch(ignoreUnopenable);
  if (handle === null) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const ignoreUnopenable = (error: unknown): null => {
  const isFolderRefusal =
    error instanceof Error &&
    "code" in error &&
    (error.code === "EPERM" || error.code === "EISDIR");
  if (isFolderRefusal) return null;
  throw error;
};

/** The folder, durably there. */
export const makeFolder = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true });
  await flushFolder(dirname(path));
};
