/**
 * Bytes on their way in, in a file of their own until all are there: which shelf they belong to is known at
 * their end. Whatever ends this early leaves no file; what a crash leaves is removed at a later start.
 */
import { createHash, randomUUID } from "node:crypto";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { Effect, type Scope, Stream } from "effect";
import { AssetStoreFailure, headBytes, type StreamedBytes } from "../../asset-store.ts";
import { makeFolder, temporaryEnding } from "../../durable-file.ts";

/** No name that a shelf could have. */
export const incomingFolder = "incoming";

export interface Received {
  /** Where the bytes lie, flushed, until the scope closes. */
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly contentType: string;
}

const writing = <A>(run: () => Promise<A>): Effect.Effect<A, AssetStoreFailure> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => new AssetStoreFailure({ operation: "put", cause }),
  });

interface Incoming {
  readonly path: string;
  readonly handle: FileHandle;
}

/** All of the stream. Fails with: AssetStoreFailure, what the stream and its `contentTypeOf` fail with. */
export const receive = Effect.fnUntraced(function* <E>(
  root: string,
  { stream, contentTypeOf }: StreamedBytes<E>,
): Effect.fn.Return<Received, AssetStoreFailure | E, Scope.Scope> {
  const { path, handle } = yield* Effect.acquireRelease(
    writing(() => begin(root)),
    leave,
  );
  const hash = createHash("sha256");
  let head: Buffer = Buffer.alloc(0);
  let contentType: string | null = null;
  let sizeBytes = 0;
  yield* Stream.runForEach(stream, (chunk) =>
    Effect.gen(function* () {
      sizeBytes += chunk.length;
      hash.update(chunk);
      if (head.length < headBytes) head = Buffer.concat([head, chunk]).subarray(0, headBytes);
      // Told as soon as it can be: what is refused need not come whole.
      if (contentType === null && head.length === headBytes)
        contentType = yield* contentTypeOf(head);
      yield* writing(() => handle.writeFile(chunk));
    }),
  );
  contentType ??= yield* contentTypeOf(head);
  yield* writing(() => handle.sync());
  return { path, sha256: hash.digest("hex"), sizeBytes, contentType };
});

const begin = async (root: string): Promise<Incoming> => {
  const folder = join(root, incomingFolder);
  await makeFolder(folder);
  const path = join(folder, `${randomUUID()}${temporaryEnding}`);
  return { path, handle: await open(path, "wx") };
};

/** Renamed meanwhile, the file is no longer there to be removed. */
const leave = ({ path, handle }: Incoming): Effect.Effect<void> =>
  Effect.promise(async () => {
    await handle.close();
    await rm(path, { force: true });
  });
