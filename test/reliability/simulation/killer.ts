/** A job that takes down whatever process comes to a certain place with it. */
import type { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";

/** In its function, while its answer is read, while its file is copied. */
export const killings = ["step", "parse", "download"] as const;
type Killing = (typeof killings)[number];

export const killersOrder = "order-0";

export class Killer {
  kills = 0;
  readonly #journals: MemoryJournals;
  readonly #killing: Killing | null;

  constructor(journals: MemoryJournals, killing: Killing | null) {
    this.#journals = journals;
    this.#killing = killing;
  }

  /** Whether the process is to die there; counted. */
  strikes(
    place: Killing,
    {
      jobId,
      predictionId,
    }: { readonly jobId?: string | undefined; readonly predictionId?: string },
  ): boolean {
    if (place !== this.#killing) return false;
    const job = jobId ?? this.jobOf(predictionId ?? "");
    const isKiller = this.#journals.files.get(job ?? "")?.job.idempotencyKey === killersOrder;
    if (isKiller) this.kills += 1;
    return isKiller;
  }

  /** Whose prediction it is. */
  jobOf(predictionId: string): string | undefined {
    const key = this.#journals.keyOfPrediction("sim", predictionId);
    return key === undefined ? undefined : this.#journals.predictions.get(key)?.jobId;
  }
}
