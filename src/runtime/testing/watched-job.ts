/** The job of a path as its journal and its provider show it, and the passing of time until it gets somewhere. */
import type { Entry } from "../../machines/entry.ts";
import { foldJournal, type Point, pointOf } from "../../machines/paths/point.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import type { StateRecord } from "../journal-store.ts";
import type { MemoryJournals } from "../journal-stores/memory.ts";
import type { ScriptedProvider } from "./scripted-provider.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Every path has one job. */
export const jobId = "job-1";
/** This many jumps of time without getting there: the job hangs. */
const maxJumps = 300;

export interface JobSight {
  readonly plan: PipelinePlan;
  readonly time: VirtualTime;
  readonly journals: MemoryJournals;
  readonly provider: ScriptedProvider;
}

export class WatchedJob {
  readonly #sight: JobSight;

  constructor(sight: JobSight) {
    this.#sight = sight;
  }

  #file() {
    return this.#sight.journals.files.get(jobId);
  }

  entries(): ReadonlyArray<Entry> {
    return this.#file()?.entries ?? [];
  }

  record(): StateRecord | undefined {
    return this.#file()?.job.record;
  }

  hasReadAll(): boolean {
    return this.#file()?.inbox.size === 0;
  }

  isAtRest(): boolean {
    const status = this.record()?.status;
    return status === "complete" || status === "cancelled" || status === "failed";
  }

  isPaused(): boolean {
    return foldJournal(this.entries()).context.isPaused;
  }

  point(): Point {
    const { plan, provider } = this.#sight;
    return pointOf({ plan, ...foldJournal(this.entries()), isSending: provider.isSending });
  }

  /** The key of the open call; empty where there is none. */
  openKey(): string {
    return Object.keys(foldJournal(this.entries()).context.open)[0] ?? "";
  }

  /** The step of the open call. */
  openPath(): string {
    return Object.values(foldJournal(this.entries()).context.open)[0]?.path ?? "";
  }

  /** How long (ms) the waiting step still waits. */
  timerLeftMs(): number {
    const { context } = foldJournal(this.entries());
    const [timer] = Object.values(context.steps).flatMap((step) => step.timer ?? []);
    return Math.max((timer?.wakeAt ?? 0) - this.#sight.time.now(), 0);
  }

  /** Lets time pass until the claim holds; false where it does not come to that. */
  async until(claim: () => boolean): Promise<boolean> {
    const { time } = this.#sight;
    for (let jumps = 0; jumps < maxJumps; jumps += 1) {
      await time.idle();
      if (claim()) return true;
      if (!time.jump()) return false;
    }
    return false;
  }

  /** The journal as lines to read. */
  shownJournal(): ReadonlyArray<string> {
    return this.entries().map((entry) => `${entry.seq} ${showEntry(entry)}`);
  }
}

const showEntry = (entry: Entry): string => {
  const path = "path" in entry ? ` ${entry.path}` : "";
  const attempt = "attempt" in entry ? `/${entry.attempt}` : "";
  const key = "key" in entry ? ` ${entry.key}` : "";
  const failure =
    "failure" in entry && entry.failure !== undefined ? ` ${JSON.stringify(entry.failure)}` : "";
  return `${entry.type}${path}${attempt}${key}${failure}`;
};
