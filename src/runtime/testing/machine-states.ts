/**
 * In which of its states the machine of a job must be, said from the fold of its journal alone: what the
 * journal tells and where the machine stands are written down apart, and must agree after every entry.
 */
import type { JobDriver, JobSnapshot } from "../../machines/advance.ts";
import { initialContext, type JobContext, progressOf } from "../../machines/context.ts";
import type { Entry } from "../../machines/entry.ts";
import { type Standing, standingAfter } from "../../machines/paths/world.ts";
import { outputPath, type PipelinePlan, type StepNode } from "../../machines/plan.ts";
import { record } from "../../machines/record.ts";

/** The entries after which the machine stands elsewhere than the fold says, one sentence each. */
export const misplacedIn = (
  plan: PipelinePlan,
  driver: JobDriver,
  entries: ReadonlyArray<Entry>,
): ReadonlyArray<string> => {
  let context = initialContext;
  let standing: Standing = "queued";
  let snapshot = driver.initial;
  return entries.flatMap((entry) => {
    standing = standingAfter(standing, context, entry);
    context = record(context, entry);
    snapshot = driver.advance(snapshot, entry).snapshot;
    const expected = stateFor(plan, standing, context);
    const shown = shownState(snapshot);
    return expected === undefined || expected === shown
      ? []
      : [`after ${entry.seq} ${entry.type} expected the machine in ${expected}, it is in ${shown}`];
  });
};

/** Undefined where a RETRY has just let the step go on from wherever it was. */
const stateFor = (
  plan: PipelinePlan,
  standing: Standing,
  context: JobContext,
): string | undefined => {
  if (standing === "queued") return "pending";
  if (standing === "failed") return `failed.${context.failure?.kind}`;
  if (standing !== "running") return standing;
  const node = plan.nodes.find(({ path }) => context.outputs[path] === undefined);
  if (node === undefined) return `running.${outputPath}`;
  const within = stepStateFor(node, context);
  return within === undefined ? undefined : `running.${node.path}.${within}`;
};

const stepStateFor = ({ path, step }: StepNode, context: JobContext): string | undefined => {
  const { phase, call, round } = progressOf(context, path);
  switch (phase) {
    case "idle":
      return round === 1 ? "active" : undefined;
    case "held":
    case "backingOff":
      return "backingOff";
    case "awaiting":
      return "waiting";
    case "absent":
      return step.program.kind === "model" && step.program.onUnknown === "ask"
        ? "unknown"
        : "active";
    case "calling":
      if (call?.state === "accepted") return "waiting";
      return call?.state === "unknown" ? "unknown" : "active";
    default:
      return "active";
  }
};

const shownState = ({ value }: JobSnapshot): string => shown(value);

const shown = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? Object.entries(value)
        .map(([name, inner]) => `${name}.${shown(inner)}`)
        .join()
    : String(value);
