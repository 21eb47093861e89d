/** A part of a file, read in pieces and no faster than they are taken. */
import { createReadStream } from "node:fs";
import { Stream } from "effect";
import { AssetStoreFailure, type ByteRange } from "../../asset-store.ts";

export const readParts = (
  path: string,
  { start, end }: ByteRange,
): Stream.Stream<Uint8Array, AssetStoreFailure> => {
  if (end < start) return Stream.empty;
  return Stream.suspend(() => {
    // Without an encoding it gives bytes.
    const pieces: AsyncIterable<Uint8Array> = createReadStream(path, { start, end });
    return Stream.fromAsyncIterable(
      pieces,
      (cause) => new AssetStoreFailure({ operation: "get", cause }),
    );
  });
};
