/**
 * Under which number a job's row lies, which is how the other tables and the row itself are found without a search by
 * the text of its id. A committed row keeps its number for ever; those of a transaction that came to nothing are
 * forgotten with everything else that is known.
 */
import type { StatementSync } from "node:sqlite";

/** Far more jobs than run at once in one process. */
const mostKnown = 10_000;

export class JobOrdinals {
  readonly #prepare: (sql: string) => StatementSync;
  readonly #known = new Map<string, number>();

  constructor(prepare: (sql: string) => StatementSync) {
    this.#prepare = prepare;
  }

  /** Undefined where there is no such job. */
  of(jobId: string): number | undefined {
    const known = this.#known.get(jobId);
    if (known !== undefined) return known;
    const row = this.#prepare("SELECT ordinal FROM jobs WHERE job_id = ?").get(jobId);
    if (row === undefined) return undefined;
    const ordinal = Number(row["ordinal"]);
    this.learn(jobId, ordinal);
    return ordinal;
  }

  learn(jobId: string, ordinal: number): void {
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(jobId, ordinal);
  }

  forgetAll(): void {
    this.#known.clear();
  }
}
