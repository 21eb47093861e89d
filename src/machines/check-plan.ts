/**
 * Static checks of a pipeline, made when it is deployed: of its plan, and of the machine compiled from it.
 * Nothing runs; what is found is data.
 */
import { Schema } from "effect";
import { checkMachine } from "./check-machine.ts";
import { backoffMs } from "../steps/retry.ts";
import { compile } from "./compiler.ts";
import { graphOf } from "./machine-graph.ts";
import type { Finding } from "./finding.ts";
import type { PipelinePlan, StepNode } from "./plan.ts";

/** A pipeline that must not be deployed. Thrown before any job of it is taken. */
export class PipelineUnsound extends Schema.TaggedError<PipelineUnsound>()("PipelineUnsound", {
  pipeline: Schema.String,
  findings: Schema.Array(
    Schema.Struct({
      rule: Schema.String,
      where: Schema.String,
      message: Schema.String,
      severity: Schema.Literals(["error", "warning"]),
    }),
  ),
}) {
  override get message(): string {
    const said = this.findings.map(({ where, message }) => `${where}: ${message}`);
    return `Pipeline ${JSON.stringify(this.pipeline)} cannot run: ${said.join("; ")}`;
  }
}

/** Everything there is to say about the pipeline, errors and warnings, in the order of its steps. */
export const checkPlan = (plan: PipelinePlan): ReadonlyArray<Finding> => [
  ...plan.nodes.flatMap((node, index) => [
    ...duplicate(plan, index),
    ...stepRules.flatMap((rule) => rule(node)),
  ]),
  ...checkMachine(graphOf(compile(plan))),
];

/** Throws PipelineUnsound where some finding is an error. */
export const refuseUnsound = (plan: PipelinePlan): void => {
  const findings = checkPlan(plan).filter(({ severity }) => severity === "error");
  if (findings.length > 0)
    throw new PipelineUnsound({ pipeline: `${plan.name}@${plan.version}`, findings });
};

const duplicate = ({ nodes }: PipelinePlan, index: number): ReadonlyArray<Finding> => {
  const path = nodes[index]?.path ?? "";
  if (nodes.findIndex((node) => node.path === path) === index) return [];
  const message = 'two steps have this name: use the second as .as("another-name")';
  return [{ rule: "duplicate-step", where: path, message, severity: "error" }];
};

type StepRule = (node: StepNode) => ReadonlyArray<Finding>;

const warning = (rule: string, { path }: StepNode, message: string): ReadonlyArray<Finding> => [
  { rule, where: path, message, severity: "warning" },
];

/** Every plain object has this member already, so that a record by step name would seem to hold the step. */
const unusableNames: ReadonlySet<string> = new Set(["constructor"]);

const stateNames: ReadonlySet<string> = new Set([
  "pending",
  "running",
  "cancelling",
  "failed",
  "complete",
  "cancelled",
]);

const reservedName: StepRule = (node) => {
  const { path } = node;
  if (unusableNames.has(path)) {
    const message = "the name belongs to the language: give the step another one";
    return [{ rule: "reserved-name", where: path, message, severity: "error" }];
  }
  if (!stateNames.has(path)) return [];
  return warning(
    "reserved-name",
    node,
    `a job's state is called ${path} as well: people will mix them up`,
  );
};

/** Only a provider's failure and a timeout are ever tried again; what a function throws is a defect. */
const idleRetry: StepRule = (node) => {
  const { retry, fails } = node.step;
  if (retry.attempts === 1 || fails.includes("provider")) return [];
  const message = retry.timeouts
    ? `of its ${retry.attempts} attempts only those that time out lead to another: declare "provider" in fails, and map what may pass to a ProviderFailure`
    : `its ${retry.attempts} attempts are never used, as no failure it declares is tried again: declare "provider" in fails, or leave retry out`;
  return warning("idle-retry", node, message);
};

/** A pause that does not fit in what is left of the step's time ends the step: the shortest decides. */
const hurriedRetry: StepRule = (node) => {
  const { retry, timeout } = node.step;
  const pauseMs = backoffMs(retry, 1, 0);
  if (retry.attempts === 1 || timeout.stepMs === undefined || pauseMs < timeout.stepMs) return [];
  const message = `its ${retry.attempts} attempts are never used, as the pause before the second (${pauseMs} ms) does not fit in the step's time (${timeout.stepMs} ms): pause for less, or give the step longer`;
  return warning("idle-retry", node, message);
};

const unrepeatableRetry: StepRule = (node) => {
  const { retry, isRepeatable } = node.step;
  if (isRepeatable || retry.attempts === 1) return [];
  const message = `it may not run again, and so only a ProviderFailure leads to one of its ${retry.attempts} attempts`;
  return warning("unrepeatable-retry", node, message);
};

/** After this long providers end a prediction by themselves. Source: Replicate's documentation of predictions. */
const providerLimitMs = 30 * 60_000;

const lateTimeout: StepRule = (node) => {
  const { attemptMs } = node.step.timeout;
  if (node.step.program.kind !== "model" || attemptMs < providerLimitMs) return [];
  const message = `its timeout of ${attemptMs} ms is never reached, as the provider gives up after ${providerLimitMs} ms: set a lower one`;
  return warning("late-timeout", node, message);
};

const idleBound: StepRule = (node) => {
  const { attemptMs, bootMs, stepMs } = node.step.timeout;
  const isBootIdle = bootMs !== undefined && bootMs >= attemptMs;
  const isAttemptIdle = stepMs !== undefined && stepMs < attemptMs;
  return [
    ...(isBootIdle
      ? warning("idle-timeout", node, `boot (${bootMs} ms) is not under attempt (${attemptMs} ms)`)
      : []),
    ...(isAttemptIdle
      ? warning("idle-timeout", node, `attempt (${attemptMs} ms) is over step (${stepMs} ms)`)
      : []),
  ];
};

const stepRules: ReadonlyArray<StepRule> = [
  reservedName,
  idleRetry,
  hurriedRetry,
  unrepeatableRetry,
  lateTimeout,
  idleBound,
];
