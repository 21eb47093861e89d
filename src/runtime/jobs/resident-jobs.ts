/** The jobs in memory: the owner of each, and how many of them take a place from others. */
import type { JobSnapshot } from "../../machines/advance.ts";
import type { StateRecord } from "../journal-store.ts";
import { HeldJobs } from "./held-jobs.ts";
import type { JobOwner, LoadedJob, OwnerEnd } from "./job-owner.ts";

export class ResidentJobs {
  readonly #owners = new Map<string, JobOwner>();
  readonly #held = new HeldJobs();
  #running = 0;

  get(jobId: string): JobOwner | undefined {
    return this.#owners.get(jobId);
  }

  has(jobId: string): boolean {
    return this.#owners.has(jobId);
  }

  get size(): number {
    return this.#owners.size;
  }

  get owners(): Iterable<JobOwner> {
    return this.#owners.values();
  }

  /** How many places are taken. */
  get inPlace(): number {
    return this.#running - this.#held.withoutPlace;
  }

  /** Whether a job that was loaded needs an owner. One from before it was another's needs one: nobody may have told its own. */
  wants({ jobId, epoch }: LoadedJob): boolean {
    const before = this.#owners.get(jobId);
    return before === undefined || before.epoch < epoch;
  }

  /** Answers the owner from before, to be let go. */
  add({ jobId, record, snapshot }: LoadedJob, owner: JobOwner): JobOwner | undefined {
    const before = this.#owners.get(jobId);
    if (before === undefined || before.hasEnded()) this.#running += 1;
    this.#owners.set(jobId, owner);
    this.#held.note(record, snapshot);
    return before;
  }

  /** Where the job stands now; true where it has given up its place by that. */
  note(record: StateRecord, snapshot: JobSnapshot): boolean {
    return this.#held.note(record, snapshot);
  }

  /** One that a bug has ended would only meet it again: it keeps the job from being woken, but no place. */
  remove(jobId: string, owner: JobOwner, end: OwnerEnd): void {
    this.#running -= 1;
    if (this.#owners.get(jobId) !== owner) return;
    this.#held.forget(jobId);
    if (end !== "lost") this.#owners.delete(jobId);
  }
}
