/**
 * The bytes behind an image input: a data URI, an uploaded file, an output of this emulator, or http to loopback.
 * Nothing else is fetched: the emulator has no business on the network.
 */
import type { Settings } from "../settings.ts";
import { expiresAt } from "../storage/retention.ts";
import type { FileStore } from "../storage/file-store.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const FETCH_TIMEOUT_MS = 5_000;

/** Rejects with the sentence that becomes the prediction's error. */
export async function readImageInput(
  image: unknown,
  { files, settings }: { readonly files: FileStore; readonly settings: Settings },
): Promise<Uint8Array> {
  const url = new URL(String(image));
  if (url.protocol === "data:") return readDataUri(url.href);
  const isOwn = LOOPBACK.includes(url.hostname);
  const stored = isOwn ? files.get(ownFileId(url.pathname) ?? "") : undefined;
  if (stored !== undefined) {
    const isExpired = settings.now() >= expiresAt(stored, settings);
    if (isExpired) throw new Error("could not fetch the input image: the file has expired");
    return files.read(stored);
  }
  if (!isOwn) throw new Error(`emulated: will not fetch from ${url.hostname}, only from loopback`);
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`could not fetch the input image: HTTP ${response.status}`);
  return response.bytes();
}

function ownFileId(path: string): string | undefined {
  return /^\/(?:delivery|v1\/files)\/(?<id>[^/]+)/u.exec(path)?.groups?.["id"];
}

function readDataUri(uri: string): Uint8Array {
  const comma = uri.indexOf(",");
  const data = uri.slice(comma + 1);
  return /;base64$/iu.test(uri.slice(0, comma))
    ? Buffer.from(data, "base64")
    : Buffer.from(decodeURIComponent(data));
}
