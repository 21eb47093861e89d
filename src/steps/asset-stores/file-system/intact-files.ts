/**
 * Which files were seen to hold the bytes that their names promise. Files are read in pieces for that, and
 * one that was checked is not checked again until it changes: parts of a film are asked for many times.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

/** Some hundred bytes each. */
const maxRemembered = 1_000;

export class IntactFiles {
  readonly #checked = new Map<string, string>();

  /** The size of the file. Rejects where it is damaged, or not there. `anew`: whatever is remembered. */
  async check(path: string, sha256: string, way: "anew" | "remembered" = "remembered") {
    const { size, mtimeMs, ino } = await stat(path);
    const state = [size, mtimeMs, ino].join();
    if (way === "remembered" && this.#checked.get(path) === state) return size;
    refuseDamage(path, sha256, await hashOf(path));
    this.#remember(path, state);
    return size;
  }

  #remember(path: string, state: string): void {
    this.#checked.delete(path);
    this.#checked.set(path, state);
    const oldest = this.#checked.keys().next();
    if (this.#checked.size > maxRemembered && oldest.done !== true)
      this.#checked.delete(oldest.value);
  }
}

/** Throws where a file has other bytes than its name promises. */
export const refuseDamage = (path: string, sha256: string, found: string): void => {
  if (found !== sha256) throw new Error(`${path} is damaged: its bytes have the SHA-256 ${found}`);
};

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash("sha256");
  // Without an encoding it gives bytes.
  const pieces: AsyncIterable<Uint8Array> = createReadStream(path);
  for await (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
};
