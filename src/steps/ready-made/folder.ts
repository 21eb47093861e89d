/**
 * A plain folder as the place where a `store` step keeps values: one file a key, whole or not there at all.
 *
 * Guarantee: when it has answered, the file survives a crash of the machine. The same key writes the same
 * file, so that a step that runs again leaves one file and answers the same URL.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Effect, Option, Schema } from "effect";
import { Asset } from "../asset.ts";
import { AssetStore } from "../asset-store.ts";
import { sha256Hex } from "../canonical-json.ts";
import { flushFolder, makeFolder, writeWhole } from "../durable-file.ts";
import { ProviderFailure } from "../failure.ts";
import { extensionOf } from "../media-type.ts";

interface Contents {
  readonly bytes: Uint8Array | string;
  readonly extension: string;
}

/**
 * Keeps values as files of the folder, which is made where it is missing: an asset as its bytes, a text as
 * `.txt`, anything else as `.json`. Answers the file's URL. Fails with: ProviderFailure (Unavailable)
 * where the disk does not take it.
 */
export const folder =
  (path: string) =>
  (key: string, value: unknown): Effect.Effect<string, ProviderFailure, AssetStore> =>
    Effect.flatMap(contentsOf(value), ({ bytes, extension }) => {
      const root = resolve(path);
      const file = join(root, `${nameOf(key)}.${extension}`);
      return Effect.tryPromise({
        try: () => write(root, file, bytes),
        catch: unavailable,
      }).pipe(
        // A write that was begun is brought to its end: a file does not appear after its job was cancelled.
        Effect.uninterruptible,
        Effect.as(pathToFileURL(file).href),
      );
    });

const write = async (root: string, file: string, bytes: Uint8Array | string): Promise<void> => {
  await makeFolder(root);
  await writeWhole(file, bytes);
  await flushFolder(root);
};

const unavailable = (error: unknown): ProviderFailure =>
  new ProviderFailure({
    provider: "folder",
    reason: "Unavailable",
    detail: `could not write the file: ${error instanceof Error ? error.message : String(error)}`,
  });

const isAsset = Schema.is(Asset.Any);
const encodeJson = Schema.decodeUnknownEffect(Schema.Json);

const contentsOf = Effect.fnUntraced(function* (value: unknown) {
  if (typeof value === "string") return textContents(value);
  if (!isAsset(value)) {
    const json = yield* Effect.orDie(encodeJson(value));
    return jsonContents(json);
  }
  const assets = yield* AssetStore;
  const stored = yield* Effect.mapError(assets.get(value.sha256), unavailable);
  if (Option.isNone(stored))
    return yield* Effect.die(new Error(`the asset ${value.sha256} is not in the asset store`));
  const { bytes, contentType } = stored.value;
  return { bytes, extension: extensionOf(contentType) } satisfies Contents;
});

const textContents = (text: string): Contents => ({ bytes: text, extension: "txt" });

const jsonContents = (json: Schema.Json): Contents => ({
  bytes: `${JSON.stringify(json, null, 2)}\n`,
  extension: "json",
});

/** `<job>.<step>` where the key is the usual one; a hash of any other, which could name a file elsewhere. */
const nameOf = (key: string): string => {
  const [, job, step] = /^([\w-]+)\/([\w-]+)$/.exec(key) ?? [];
  return job === undefined || step === undefined ? sha256Hex(key) : `${job}.${step}`;
};
