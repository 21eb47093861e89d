/**
 * Commits in a thread of its own, so that neither SQLite's work nor the disk's flush holds up the event loop of the
 * host. What is sent is answered in its order. A thread that ends has answered nobody: whoever waits is told that the
 * store failed, and looks before it tries again.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { Effect, Latch } from "effect";
import { StoreFailure, type Write, type WriteResult } from "../../journal-store.ts";
import type { CommitAnswer, CommitRequest, ThreadOptions } from "./commit-messages.ts";

type Verdict = Exclude<CommitAnswer, { readonly type: "ready" }>;
type Results = Effect.Effect<ReadonlyArray<WriteResult>, StoreFailure>;

/** The source in development, what it compiles to in the package. */
const file = new URL(`commit-worker${extname(import.meta.url)}`, import.meta.url);

export class CommitThread {
  readonly #worker: Worker;
  readonly #waiting: Array<(answer: Verdict) => void> = [];
  #state: "starting" | "ready" | "ended" = "starting";
  readonly #ended: Promise<void>;
  readonly #started = Latch.makeUnsafe(false);

  constructor(options: ThreadOptions) {
    this.#worker = new Worker(file, { workerData: options, name: "catena-commit" });
    // Only a commit that is under way keeps the host's process.
    this.#worker.unref();
    this.#worker.on("message", (answer: CommitAnswer) => {
      this.#onAnswer(answer);
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once("error", (cause) => {
        this.#end(cause);
      });
      this.#worker.once("exit", () => {
        this.#end(ended.message);
        resolve();
      });
    });
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  /** Returns once the thread takes batches, or has ended. */
  readonly started: Effect.Effect<void> = this.#started.await;

  /** All writes in one transaction. Fails with: StoreFailure. A commit that is sent is waited for, come what may. */
  commit(writes: ReadonlyArray<Write>): Results {
    return Effect.uninterruptible(
      Effect.flatten(
        Effect.callback<Results>((resume) => {
          if (this.#state === "ended") {
            resume(Effect.succeed(resultsOf(ended, writes)));
            return;
          }
          // What cannot be copied throws here: nobody waits for its answer.
          this.#worker.postMessage({ writes } satisfies CommitRequest);
          this.#worker.ref();
          this.#waiting.push((answer) => {
            resume(Effect.succeed(resultsOf(answer, writes)));
          });
        }),
      ),
    );
  }

  /** Ends the thread after what was sent. */
  readonly close: Effect.Effect<void> = Effect.promise(() => {
    this.#worker.ref();
    this.#worker.postMessage("close" satisfies CommitRequest);
    return this.#ended;
  });

  #onAnswer(answer: CommitAnswer): void {
    if (answer.type === "ready") {
      if (this.#state === "starting") this.#state = "ready";
      this.#started.openUnsafe();
      return;
    }
    const waiter = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker.unref();
    waiter?.(answer);
  }

  #end(cause: unknown): void {
    this.#state = "ended";
    this.#started.openUnsafe();
    const message = cause instanceof Error ? cause.message : String(cause);
    for (const waiter of this.#waiting.splice(0)) waiter({ type: "failed", reason: "Io", message });
  }
}

const ended = {
  type: "failed",
  reason: "Io",
  message: "the thread that commits has ended",
} as const;

const committed: WriteResult = { type: "Committed" };

const resultsOf = (answer: Verdict, writes: ReadonlyArray<Write>): Results => {
  if (answer.type === "committed") return Effect.succeed(writes.map(() => committed));
  if (answer.type === "done") return Effect.succeed(answer.results);
  if (answer.type === "bug") return Effect.die(answer.cause);
  const { reason, message } = answer;
  return Effect.fail(new StoreFailure({ operation: "commit", reason, cause: new Error(message) }));
};
