/** An answer as it stands in the journal: paid for by this job, or used again from an earlier one. */
import { Effect } from "effect";
import type { EntryOf } from "../../machines/entry.ts";
import type { ModelRun } from "./model-run.ts";

export type StoredAnswer = Pick<
  EntryOf<"PredictionSettled">,
  "key" | "status" | "raw" | "files" | "fileFailure"
>;

/** The answer that the entry at `seq` holds. */
export const answerAt = (run: ModelRun, seq: number): Effect.Effect<StoredAnswer> =>
  Effect.map(run.job.entry(seq, "PredictionSettled", "PredictionReused"), (entry) =>
    entry.type === "PredictionSettled"
      ? entry
      : // Only what was a success, files and all, is ever used again.
        { ...entry, status: "succeeded", fileFailure: null },
  );
