/** Outputs with the files themselves in place of their addresses, as data URIs: in sync answers and in streams. */
import type { FileStore } from "../storage/file-store.ts";

/** The output with every stored file as a data URI; what is no file stays as it is. */
export function inlineFiles(output: unknown, files: FileStore): unknown {
  if (Array.isArray(output)) return output.map((item) => inlineFiles(item, files));
  const stored = files.ofOutput(output);
  return stored === undefined
    ? output
    : `data:${stored.contentType};base64,${files.read(stored).toString("base64")}`;
}
