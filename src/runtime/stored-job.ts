/** One job's row as its store has it, or the sentence that there is none. */
import { Effect, Option } from "effect";
import type { JournalStore, StoredJob, StoreFailure } from "./journal-store.ts";
import { JobUnavailable } from "./outcome.ts";

/** Fails with: StoreFailure, JobUnavailable. */
export const storedJob = (
  store: JournalStore["Service"],
  jobId: string,
): Effect.Effect<StoredJob, StoreFailure | JobUnavailable> =>
  Effect.flatMap(
    store.job(jobId),
    Option.match({
      onNone: () => Effect.fail(new JobUnavailable(jobId, "this store has no such job")),
      onSome: Effect.succeed,
    }),
  );
