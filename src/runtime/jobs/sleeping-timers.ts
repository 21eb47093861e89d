/**
 * When jobs that are only rows are due. A timer is due at its instant, and at the latest when its whole
 * delay has passed since it was first seen here: a clock that is set back makes nobody wait again.
 */
import type { JobTimer } from "../journal-store.ts";

type SleepingTimer = JobTimer & { readonly jobId: string };

interface Moment {
  /** The clock on the wall (ms), which may jump. */
  readonly now: number;
  /** A clock that only runs (ms). */
  readonly running: number;
}

interface Look {
  /** Ids of the jobs to wake. */
  readonly due: ReadonlyArray<string>;
  /** How long (ms) until the next look; null where there is nothing to wait for. */
  readonly nextMs: number | null;
}

/** A clock that was set forward is noticed this soon. */
const maxLookMs = 60_000;

export class SleepingTimers {
  readonly #maxLookMs: number;
  /** What is asleep, by its running instant: the sum of waits that were seen. */
  #dueAt = new Map<string, number>();

  /** Who looks around less often than that may notice it as late. */
  constructor(lookEveryMs = 0) {
    this.#maxLookMs = Math.max(maxLookMs, lookEveryMs);
  }

  look(timers: ReadonlyArray<SleepingTimer>, { now, running }: Moment): Look {
    const dueAt = new Map<string, number>();
    const due: Array<string> = [];
    let nextMs: number | null = null;
    for (const { jobId, path, wakeAt, delayMs } of timers) {
      const key = JSON.stringify([jobId, path, wakeAt]);
      const leftMs = Math.min(Math.max(wakeAt - now, 0), delayMs);
      const endsAt = Math.min(this.#dueAt.get(key) ?? Number.POSITIVE_INFINITY, running + leftMs);
      dueAt.set(key, endsAt);
      if (endsAt <= running) due.push(jobId);
      else nextMs = Math.min(nextMs ?? this.#maxLookMs, endsAt - running);
    }
    this.#dueAt = dueAt;
    return { due, nextMs };
  }
}
