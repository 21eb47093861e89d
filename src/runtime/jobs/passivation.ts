/** Which jobs may leave memory: those that only wait, for a timer or for somebody else's word. */
import type { StepProgress } from "../../machines/context.ts";
import { nodeAt } from "../services/hand-over.ts";
import type { JobOwner } from "./job-owner.ts";
import { positionOf } from "./state-record.ts";

interface Patience {
  readonly now: number;
  readonly passivateAfterMs: number;
}

/** Unloads those that may leave. */
export const unloadSleepers = (owners: Iterable<JobOwner>, patience: Patience): void => {
  for (const owner of owners) if (mayLeaveMemory(owner, patience)) owner.passivate();
};

/** A paused job does, between attempts and between steps; where a function runs or a model, it is still at work. */
const waitsForAWord = (
  { plan }: JobOwner,
  path: string,
  step: StepProgress | undefined,
): boolean => {
  const program = nodeAt(plan, path)?.step.program;
  if (program === undefined || step?.phase === "calling") return false;
  return step?.phase !== "started" || program.kind === "model";
};

/** A job that has waited that long and will go on waiting about as long. */
const mayLeaveMemory = (owner: JobOwner, { now, passivateAfterMs }: Patience): boolean => {
  const record = owner.record();
  const waitedMs = now - record.updatedAt;
  // Less than nothing, by a clock that was set back: how long it was, nobody knows.
  if (waitedMs >= 0 && waitedMs < passivateAfterMs) return false;
  const { path, detail, step } = positionOf(owner.snapshot());
  if (path === null) return false;
  if (detail === "paused") return waitsForAWord(owner, path, step);
  if (step === undefined) return false;
  if (step.timer !== null) {
    const { wakeAt, delayMs } = step.timer;
    // Further off than it was set for, by a clock that was set back: only who waits in memory knows how long.
    return wakeAt - now > passivateAfterMs && wakeAt - now <= delayMs;
  }
  if (detail !== "waiting" && detail !== "unknown") return false;
  // Somebody in memory has to watch these bounds: they have no row.
  const isBounded = nodeAt(owner.plan, path)?.step.timeout.bootMs !== undefined;
  return step.call?.timedOut == null && !isBounded;
};
