/** What one job may cost: receipts as they are, open calls by their estimate, reserved with the intent. */
import { Effect, Schedule } from "effect";
import { PolicyFailure } from "../../steps/failure.ts";
import type { PredictionRow } from "../journal-store.ts";
import type { ModelRun } from "./model-run.ts";

/** Millionths of a US dollar that the job has spent, or may still owe for calls whose end nobody has seen. */
const committedMicros = (rows: ReadonlyArray<PredictionRow>): number =>
  rows.reduce((sum, row) => sum + owed(row), 0);

const owed = ({ receipt, state, estimateMicros }: PredictionRow): number => {
  if (receipt !== null) return receipt.costMicros;
  return state === "rejected" || state === "absent" ? 0 : estimateMicros;
};

/** The failure of a call that would take the job over its budget; undefined where it may be made. */
export const overBudget = Effect.fnUntraced(function* (
  run: ModelRun,
): Effect.fn.Return<PolicyFailure | undefined> {
  const { host, jobId } = run.job;
  const { budgetMicros } = host.settings;
  if (budgetMicros === undefined) return undefined;
  // A store that cannot be read is waited for: what is spent has to be known.
  const rows = yield* Effect.orDie(
    Effect.retry(host.store.predictions(jobId), Schedule.spaced("500 millis")),
  );
  const committed = committedMicros(rows);
  const estimate = host.estimateMicros(run.model);
  if (committed + estimate <= budgetMicros) return undefined;
  const scores = { budgetMicros, committedMicros: committed, estimateMicros: estimate };
  return new PolicyFailure({ rule: "budget", scores });
});
