/** Jobs whose journal cannot be read, or fits no machine of this process: said once, left as they are. */
import { Cause, Effect } from "effect";
import { JournalMismatch } from "../../machines/advance.ts";
import { type StoredJob, StoreFailure } from "../journal-store.ts";

export class UnreadableJournals {
  readonly #said = new Set<string>();

  readonly has = (jobId: string): boolean => this.#said.has(jobId);
  readonly count = (): number => this.#said.size;

  /** One job's broken journal must not keep the others from being taken up. */
  passOver(
    { record: { jobId } }: StoredJob,
    effect: Effect.Effect<void, StoreFailure>,
  ): Effect.Effect<void, StoreFailure> {
    return Effect.catchCause(effect, (cause) => {
      const thrown = Cause.squash(cause);
      if (!isBroken(thrown)) return Effect.failCause(cause);
      if (this.#said.has(jobId)) return Effect.void;
      this.#said.add(jobId);
      return Effect.logError(`job ${jobId} cannot be taken up: ${thrown.message}`);
    });
  }
}

const isBroken = (thrown: unknown): thrown is JournalMismatch | StoreFailure =>
  thrown instanceof JournalMismatch ||
  (thrown instanceof StoreFailure && thrown.reason === "Broken");
