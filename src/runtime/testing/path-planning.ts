/**
 * The paths of a pipeline, planned once for all its suites: planning takes longer than running most of
 * the paths, and what is planned hangs on nothing but the pipeline and on which answers are known.
 */
import { type JobDriver, makeDriver } from "../../machines/advance.ts";
import { type PathPlan, planPaths } from "../../machines/paths.ts";
import type { Provocable } from "../../machines/paths/act.ts";
import type { PipelinePlan, StepNode } from "../../machines/plan.ts";
import type { StepAnswers } from "./generated.ts";

export interface Planning {
  /** The pipeline as paths run it: tried less often, and without bounds over many attempts. */
  readonly plan: PipelinePlan;
  /** Its compiled machine's. */
  readonly driver: JobDriver;
  readonly planned: PathPlan;
}

const plannings = new WeakMap<PipelinePlan, Map<string, Planning>>();

/** Plans the paths, or answers what was planned before for these steps with answers of these kinds. */
export const planningOf = (
  whole: PipelinePlan,
  answers: ReadonlyMap<string, StepAnswers>,
): Planning => {
  const can = (path: string): Provocable => provocable(answers.get(path));
  const key = JSON.stringify(whole.nodes.map(({ path }) => can(path)));
  const known = plannings.get(whole) ?? new Map<string, Planning>();
  plannings.set(whole, known);
  const planning = known.get(key) ?? planAnew(whole, can);
  known.set(key, planning);
  return planning;
};

const planAnew = (whole: PipelinePlan, can: (path: string) => Provocable): Planning => {
  const plan = bounded(whole);
  const driver = makeDriver(plan);
  return { plan, driver, planned: planPaths(plan, driver, can) };
};

/** A step is tried three times at most: two retries show all that more would. */
const maxAttempts = 3;

/** How long a signal is waited for (ms) makes no difference to a path but how long it takes. */
const maxSignalMs = 60_000;

/** Bounds over many attempts are left out: paths take whatever time they take. */
const bounded = (plan: PipelinePlan): PipelinePlan => ({
  ...plan,
  nodes: plan.nodes.map((node): StepNode => {
    const { retry, timeout, program } = node.step;
    const { stepMs: _, ...bounds } = timeout;
    const attempts = Math.min(retry.attempts, maxAttempts);
    const step = { ...node.step, retry: { ...retry, attempts }, timeout: bounds };
    return { ...node, step: { ...step, program: shortened(program) } };
  }),
});

const shortened = (program: StepNode["step"]["program"]): StepNode["step"]["program"] =>
  program.kind === "signal" && program.timeoutMs !== null
    ? { ...program, timeoutMs: Math.min(program.timeoutMs, maxSignalMs) }
    : program;

const provocable = (answers: StepAnswers | undefined): Provocable => ({
  invalid: answers?.invalid !== undefined,
  refused: answers?.refused !== undefined,
});
