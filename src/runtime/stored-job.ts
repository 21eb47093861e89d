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
      onNone: () => Effect.fail(new JobUnavailable(jobId, noSuchJob(jobId))),
      onSome: Effect.succeed,
    }),
  );

/** Logs show the end of an id, and people type its beginning. */
const noSuchJob = (jobId: string): string =>
  /^[0-9a-f-]{4,35}$/u.test(jobId)
    ? 'this store has no such job; an id is said whole, as "catena jobs" shows it'
    : "this store has no such job";
