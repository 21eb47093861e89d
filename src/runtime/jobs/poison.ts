/**
 * Poison: a job that took its process down three times in a row rests, so that no service dies of it for ever.
 * Which deaths may be a job's own doing is read off its journal and its rows of the ledger.
 */
import { maxDeaths } from "../../machines/count-deaths.ts";
import type { JobSnapshot } from "../../machines/advance.ts";
import type { FactOf } from "../../machines/entry.ts";
import { mayHaveRun } from "../../machines/suspicion.ts";
import type { PredictionRow } from "../journal-store.ts";
import { isOpen } from "../journal-stores/write-rules.ts";
import type { Providers } from "../predictions/providers.ts";
import { nodeAt } from "../services/hand-over.ts";
import type { LoadedJob } from "./job-owner.ts";
import { isAtRest, positionOf } from "./state-record.ts";

export interface Death {
  /** The job as the dead process left it. */
  readonly loaded: LoadedJob;
  /** The process that died. */
  readonly owner: string | null;
  /** The job's rows of the ledger. */
  readonly predictions: ReadonlyArray<PredictionRow>;
  /** In ms. */
  readonly now: number;
  readonly providers: Pick<Providers, "client">;
}

/** Whether something of the job may have been running in the process that died. */
export const isSuspect = (death: Death): boolean => {
  const { loaded, now } = death;
  const { snapshot, deployed } = loaded;
  const { path, step } = positionOf(snapshot);
  const isCallInHand = death.predictions.some((row) => isOpen(row) && isInHand(row, death));
  // Nothing runs of a job that is being cancelled but what is done with its calls.
  if (path === null) return isCallInHand;
  return mayHaveRun({
    context: snapshot.context,
    node: nodeAt(deployed.plan, path),
    isTimerOver: step?.timer != null && step.timer.wakeAt <= now,
    isCallInHand,
  });
};

const isInHand = (row: PredictionRow, { loaded, owner, providers }: Death): boolean => {
  if (owner !== null && row.copying?.by === owner) return true;
  const call = loaded.snapshot.context.steps[row.path]?.call;
  const claimedSeq = loaded.entries.findLast(({ type }) => type === "Claimed")?.seq ?? 0;
  // Whoever intends a call sends it, and nobody else does.
  if (call?.key !== row.key || call.intendedSeq < claimedSeq) return false;
  return row.state === "intended" || providers.client(row.provider)?.runsHere === true;
};

/** The fact by which a poisoned job rests; null where it is none. */
export const poisonIn = (snapshot: JobSnapshot): FactOf<"StepFailed"> | null => {
  const { context } = snapshot;
  const { path } = positionOf(snapshot);
  if (context.claims < maxDeaths || path === null || isAtRest(snapshot)) return null;
  return {
    type: "StepFailed",
    path,
    attempt: context.steps[path]?.attempt ?? 0,
    kind: "defect",
    failure: { _tag: "Defect", message: `the process died ${context.claims} times here` },
  };
};
