/**
 * Jobs in memory that are held before a provider, by a limit, a 429 or a 402: they take no place from jobs that
 * could go on, as long as there are not too many of them for the memory.
 */
import type { JobSnapshot } from "../../machines/advance.ts";
import type { StateRecord } from "../journal-store.ts";
import { positionOf } from "./state-record.ts";

/** At about 24 KiB each. */
const maxWithoutPlace = 1_000;

export class HeldJobs {
  readonly #held = new Set<string>();

  /** How many jobs in memory take no place. */
  get withoutPlace(): number {
    return Math.min(this.#held.size, maxWithoutPlace);
  }

  /** Where the job stands now; true where it has given up its place by that. */
  note({ jobId, detail }: StateRecord, snapshot: JobSnapshot): boolean {
    const isHeld = detail === "backingOff" && positionOf(snapshot).step?.phase === "held";
    if (!isHeld) this.forget(jobId);
    else if (!this.#held.has(jobId)) return this.#held.add(jobId).size <= maxWithoutPlace;
    return false;
  }

  /** It left memory. */
  forget(jobId: string): void {
    if (this.#held.size > 0) this.#held.delete(jobId);
  }
}
