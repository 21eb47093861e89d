/**
 * Where a batch is committed: here and now, which is quickest for the one who waits, or in a thread of its own, which
 * leaves the event loop to the host and the jobs.
 */
import { Effect, type Scope } from "effect";
import type { StoreFailure, Write, WriteResult } from "../../journal-store.ts";
import { Checkpoints } from "./checkpoints.ts";
import { CommitThread } from "./commit-thread.ts";
import type { ThreadOptions } from "./commit-messages.ts";
import { type BusyWait, waitingWhileBusy } from "./failure.ts";

/** A batch of this many writes takes longer than the way to the thread and back. */
const largeBatch = 8;
/** So many large batches are no chance: the thread, which takes a tenth of a second to start, will be worth it. */
const manyBatches = 20;

/** All writes in one transaction. Fails with: StoreFailure. */
export type CommitAll = (writes: ReadonlyArray<Write>) => Results;

type Results = Effect.Effect<ReadonlyArray<WriteResult>, StoreFailure>;

/** `auto`: as described above. `always`: every batch in the thread. `never`: every batch here and now. */
export type CommitIn = "auto" | "always" | "never";

export interface CommitsOptions {
  readonly database: ThreadOptions;
  readonly thread: CommitIn;
  readonly wait: BusyWait;
  readonly here: CommitAll;
}

/** Lives as long as the scope, which ends after the last batch. */
export const makeCommits = Effect.fnUntraced(function* (
  options: CommitsOptions,
): Effect.fn.Return<CommitAll, never, Scope.Scope> {
  const commit = options.thread === "never" ? options.here : yield* commitsBeside(options);
  if (options.database.synchronous === "FULL") return commit;
  const checkpoints = new Checkpoints(options.database);
  yield* Effect.addFinalizer(() => checkpoints.close);
  return (writes) =>
    Effect.map(commit(writes), (results) => {
      checkpoints.note(writes.length);
      return results;
    });
});

const commitsBeside = Effect.fnUntraced(function* (
  options: CommitsOptions,
): Effect.fn.Return<CommitAll, never, Scope.Scope> {
  const commits = new Commits(options);
  yield* Effect.addFinalizer(() => commits.close);
  if (options.thread === "always") yield* commits.thread.started;
  return (writes) => commits.commit(writes);
});

class Commits {
  readonly #options: CommitsOptions;
  #large = 0;
  #thread: CommitThread | undefined;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  get thread(): CommitThread {
    this.#thread ??= new CommitThread(this.#options.database);
    return this.#thread;
  }

  commit(writes: ReadonlyArray<Write>): Results {
    const { thread, wait, here } = this.#options;
    if (thread === "auto" && !this.#isWorthIt(writes)) return here(writes);
    // One that has ended by itself is not started again: this process commits as well as it did.
    return this.thread.isReady ? waitingWhileBusy(wait, this.thread.commit(writes)) : here(writes);
  }

  #isWorthIt(writes: ReadonlyArray<Write>): boolean {
    if (writes.length < largeBatch) return false;
    this.#large += 1;
    return this.#large >= manyBatches;
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    this.#thread === undefined || this.#thread.hasEnded ? Effect.void : this.#thread.close,
  );
}
