/** Hears when one of a growing set of files is saved. */
import { type FSWatcher, watch } from "node:fs";
import { dirname, join } from "node:path";
import { Effect, Queue } from "effect";
import type { Scope } from "effect";

export interface SavedFiles {
  /** Waits until some of the files were saved, and it has become quiet. */
  readonly next: Effect.Effect<void>;
  /** Looks at the folders of files that have come to the set. */
  readonly refresh: Effect.Effect<void>;
}

/** Editors write a file in several steps. */
const quietMs = 100;

/** For as long as the scope lives. Folders are watched, as editors put new files in the place of old ones. */
export const watchSaved = Effect.fnUntraced(function* (
  files: ReadonlySet<string>,
): Effect.fn.Return<SavedFiles, never, Scope.Scope> {
  const saved = yield* Queue.sliding<void>(1);
  const watchers = new Map<string, FSWatcher>();
  const refresh = Effect.sync(() => {
    for (const folder of new Set([...files].map((file) => dirname(file)))) {
      if (watchers.has(folder)) continue;
      const watcher = watch(folder, (_event, name) => {
        if (name !== null && files.has(join(folder, name))) Queue.offerUnsafe(saved, undefined);
      });
      // A folder that went is no reason to end: its files cannot be saved any more.
      watcher.on("error", () => undefined);
      watchers.set(folder, watcher);
    }
  });
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const watcher of watchers.values()) watcher.close();
    }),
  );
  const next = Effect.gen(function* () {
    yield* Queue.take(saved);
    yield* Effect.sleep(quietMs);
    yield* Queue.clear(saved);
  });
  return { next, refresh };
});
