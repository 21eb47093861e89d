/**
 * A file that must be there: for connections beside the one that opened it. Of a file that was moved away meanwhile
 * SQLite would make an empty one in its place, which the next process would take for the jobs.
 */
import { pathToFileURL } from "node:url";

/** What SQLite opens only where it is there. */
export const existingFile = (path: string): URL => {
  const url = pathToFileURL(path);
  url.searchParams.set("mode", "rw");
  return url;
};
