/** Where finished pictures hang: a folder of files, each under the key of the step that put it there. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Context, Effect, Layer, Option } from "effect";
import { type Asset, AssetStore } from "../../src/index.ts";

export class Gallery extends Context.Service<
  Gallery,
  {
    /** Answers the picture's URL. The same key hangs the same picture once, however often it is asked. */
    hang(picture: Asset, key: string): Effect.Effect<string, never, AssetStore>;
  }
>()("examples/campaign/Gallery") {
  static readonly layer = (folder: string): Layer.Layer<Gallery> =>
    Layer.succeed(Gallery, {
      hang: Effect.fn("Gallery.hang")(function* (picture, key) {
        const assets = yield* AssetStore;
        const stored = yield* Effect.orDie(assets.get(picture.sha256));
        if (Option.isNone(stored))
          return yield* Effect.die(new Error(`no bytes for ${picture.sha256}`));
        const name = createHash("sha256").update(key).digest("hex").slice(0, 16);
        const extension = stored.value.contentType.replace("image/", "");
        const path = join(folder, `${name}.${extension}`);
        yield* Effect.promise(() => writeDurably(folder, path, stored.value.bytes));
        return pathToFileURL(path).href;
      }),
    });
}

/** Half a picture is never seen under the final name. */
const writeDurably = async (folder: string, path: string, bytes: Uint8Array): Promise<void> => {
  await mkdir(folder, { recursive: true });
  // A name of its own: an attempt that timed out may still be writing when the next one begins.
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, "w");
  await file.writeFile(bytes);
  await file.sync();
  await file.close();
  await rename(temporary, path);
};
