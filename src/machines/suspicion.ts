/**
 * Whether something of a job may have been running in the process that died: its functions, or what is done
 * for it with what a model answered. A job that only waits did not take the process down. Read off the
 * journal, because a service writes down what it begins before it begins it, with two exceptions that are
 * told here; what the ledger knows of calls comes from outside.
 */
import { type JobContext, progressOf, type StepProgress } from "./context.ts";
import type { StepNode } from "./plan.ts";

export interface LastSeen {
  /** As the dead process left it. */
  readonly context: JobContext;
  /** The step the job stands at; undefined where only its output is to be shaped. */
  readonly node: StepNode | undefined;
  /** The time of the step's timer has come. */
  readonly isTimerOver: boolean;
  /** By the ledger, a call of the job was being sent, run or copied by that very process. */
  readonly isCallInHand: boolean;
}

export const mayHaveRun = (seen: LastSeen): boolean => {
  const { context, node, isCallInHand } = seen;
  // What users see is shaped in a pause as well.
  if (isCallInHand || node === undefined) return true;
  return mayRunIn(seen, node, progressOf(context, node.path));
};

const mayRunIn = (
  { context, isTimerOver }: LastSeen,
  node: StepNode,
  step: StepProgress,
): boolean => {
  const { isPaused, takenOverSeq } = context;
  const isRun = node.step.program.kind === "run";
  switch (step.phase) {
    case "idle":
    case "repairing":
      return !isPaused;
    // A function that runs already runs on in a pause.
    case "started":
      return isRun || !isPaused;
    case "settled":
    case "signalled":
      return true;
    // The first time, a start may share the commit of its result; after a takeover it is written down before.
    case "backingOff":
      return isRun && isTimerOver && !isPaused && takenOverSeq === null;
    // A late answer is judged at once.
    case "held":
      return (step.answerSeq ?? 0) > Math.max(step.inputSeq ?? 0, step.repairSeq ?? 0);
    case "calling":
    case "rejected":
    case "absent":
    case "unconfirmed":
    case "awaiting":
      return false;
  }
};
