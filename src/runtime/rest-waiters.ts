/** Who waits for jobs to come to rest. */
import { Effect } from "effect";
import type { StateRecord } from "./journal-store.ts";

/** Failed, complete or cancelled: nothing more happens by itself. */
export const isRest = ({ status }: StateRecord): boolean =>
  status !== "pending" && status !== "processing";

type Waiter = (record: StateRecord | null) => void;

export class RestWaiters {
  readonly #waiting = new Map<string, Set<Waiter>>();

  /** `null`: the job went to another owner, who will not tell. */
  tell(jobId: string, record: StateRecord | null): void {
    const waiters = this.#waiting.get(jobId);
    this.#waiting.delete(jobId);
    for (const resume of waiters ?? []) resume(record);
  }

  /** The record once a job in memory rests; null at once where it is not in memory. */
  wait(jobId: string, resident: () => StateRecord | undefined): Effect.Effect<StateRecord | null> {
    return Effect.callback((resume) => {
      const record = resident();
      if (record === undefined || isRest(record)) {
        resume(Effect.succeed(record ?? null));
        return;
      }
      const waiters = this.#waiting.get(jobId) ?? new Set();
      this.#waiting.set(jobId, waiters);
      const waiter: Waiter = (told) => {
        resume(Effect.succeed(told));
      };
      waiters.add(waiter);
      return Effect.sync(() => {
        waiters.delete(waiter);
        if (waiters.size === 0) this.#waiting.delete(jobId);
      });
    });
  }
}
