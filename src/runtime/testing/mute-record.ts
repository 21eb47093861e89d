/** Whoever looks at a job that is not over is told what it waits for, and since when: of every record. */
import type { StateRecord } from "../journal-store.ts";

/** Whether the record leaves out what its job waits for, since when, or what happens next. */
export const isMute = ({ status, waiting }: StateRecord): boolean => {
  if (status !== "pending" && status !== "processing") return false;
  if (waiting === null) return true;
  const { waitingFor, next, since } = waiting;
  return waitingFor === "" || next === "" || !Number.isFinite(since);
};

export const muteProblem = ({ status, detail, currentStep }: StateRecord): string =>
  `the record does not say what the job waits for: ${status} ${detail ?? ""} at ${currentStep ?? "no step"}`;
