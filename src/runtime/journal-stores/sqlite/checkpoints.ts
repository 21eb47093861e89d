/**
 * Moves SQLite's log into the file beside the commits, in a thread of its own: done in a commit, as SQLite does by
 * itself, it reads and writes thousands of pages and waits for two flushes of the disk while the event loop stands
 * still. Measured at 5,000 chains a second with NORMAL: an eighth of the time. Not with FULL, where every commit
 * flushes and would stand in line behind the thread's flush: measured, a fifth fewer chains a second.
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { Effect } from "effect";
import type { CheckpointOptions, CheckpointRequest } from "./checkpoint-messages.ts";

/** Pages that a commit writes at least: a leaf and an inner page of two tables. */
const pagesOfCommit = 4;
/** Pages that a write adds to a commit where many go together. */
const pagesOfWrite = 0.5;
/** A log of about so many pages is worth a move. A process that never writes as many has no thread. */
const pagesOfMove = 1000;

/** The source in development, what it compiles to in the package. */
const file = new URL(`checkpoint-worker${extname(import.meta.url)}`, import.meta.url);

export class Checkpoints {
  readonly #options: CheckpointOptions;
  #pages = 0;
  #thread: Worker | undefined;
  #state: "idle" | "moving" | "ended" = "idle";
  #ended: Promise<void> = Promise.resolve();

  constructor({ path, synchronous }: CheckpointOptions) {
    this.#options = { path, synchronous };
  }

  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  /** A batch of that many writes was committed. */
  note(writes: number): void {
    this.#pages += pagesOfCommit + writes * pagesOfWrite;
    if (this.#pages < pagesOfMove || this.#state !== "idle") return;
    this.#pages = 0;
    this.#thread ??= this.#start();
    this.#state = this.#thread === undefined ? "ended" : "moving";
    this.#thread?.postMessage("checkpoint" satisfies CheckpointRequest);
  }

  #start(): Worker | undefined {
    let thread: Worker;
    try {
      thread = new Worker(file, { workerData: this.#options, name: "catena-checkpoint" });
    } catch {
      // A process that may start none (`node --permission`) has committed all the same.
      return undefined;
    }
    // Moving the log keeps nobody's process: it is read by whoever opens the file next.
    thread.unref();
    thread.on("message", () => {
      if (this.#state === "moving") this.#state = "idle";
    });
    // One that ends by itself is not started again: SQLite moves the log in a commit, as it would without.
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#state = "ended";
        resolve();
      };
      thread.once("error", end);
      thread.once("exit", end);
    });
    return thread;
  }

  /** Ends the thread after the move that is under way. */
  readonly close: Effect.Effect<void> = Effect.promise(() => {
    this.#thread?.ref();
    this.#thread?.postMessage("close" satisfies CheckpointRequest);
    return this.#ended;
  });
}
