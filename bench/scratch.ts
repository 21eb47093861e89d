/** Folders for databases, gone again after use. */
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "./figure.ts";

/** Calls the work with the path of a database that does not exist yet, in a folder of its own. */
export const withDatabase = async <A>(
  { directory }: Settings,
  work: (path: string) => Promise<A>,
): Promise<A> => {
  const folder = await mkdtemp(join(directory, "catena-bench-"));
  try {
    return await work(join(folder, "catena.db"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
