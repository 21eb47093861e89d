/**
 * What a correct runtime does, as a pure function of the journal's fold and of what the provider knows:
 * the oracle that paths are judged by. It follows the plan and the fold, never the compiled machine, so
 * that a wrong transition cannot make itself right; the machine is only asked which transitions it took.
 */
import type { Failure } from "../../steps/failure.ts";
import { encodeFailure, kindOf, type RestKind } from "../../steps/failure.ts";
import { type JobDriver, type JobSnapshot } from "../advance.ts";
import { initialContext, type JobContext, progressOf, type StepProgress } from "../context.ts";
import type { Entry, Fact } from "../entry.ts";
import { outputPath, type PipelinePlan, type StepNode } from "../plan.ts";
import { record } from "../record.ts";
import type { Said } from "./act.ts";
import { takenBy } from "./transitions.ts";

export type Standing = "queued" | "running" | "failed" | "cancelling" | "cancelled" | "complete";

/** What the provider knows of an intent: the create is on its way, its answer was lost, or it runs. */
export type Remote = "sending" | "lostCreated" | "lostAbsent" | "running";

/** What stays the same on all paths of a pipeline. */
export interface Setting {
  readonly plan: PipelinePlan;
  readonly driver: JobDriver;
}

export interface World {
  readonly setting: Setting;
  readonly standing: Standing;
  readonly context: JobContext;
  readonly remote: Readonly<Record<string, Remote>>;
  /** What was said by the signal of each step. */
  readonly said: Readonly<Record<string, Said>>;
  readonly seq: number;
  readonly keys: number;
  /** The types of all facts so far. */
  readonly facts: ReadonlyArray<Fact["type"]>;
  readonly snapshot: JobSnapshot;
  /** The machine's transitions that the facts since the last move took. */
  readonly taken: ReadonlyArray<string>;
}

const empty = { json: null };
const at = 0;

/** The world before anything happened. */
export const emptyWorld = (setting: Setting): World => ({
  setting,
  standing: "queued",
  context: initialContext,
  remote: {},
  said: {},
  seq: 0,
  keys: 0,
  facts: [],
  snapshot: setting.driver.initial,
  taken: [],
});

/** The world after the fact. */
export const append = (world: World, fact: Fact): World => {
  const { driver } = world.setting;
  const entry: Entry = { ...fact, seq: world.seq + 1, at };
  const advanced = driver.advance(world.snapshot, entry);
  return {
    ...world,
    seq: entry.seq,
    ...(fact.type === "PredictionIntended"
      ? { keys: world.keys + 1, remote: { ...world.remote, [fact.key]: "sending" } }
      : {}),
    context: record(world.context, entry),
    standing: standingAfter(world.standing, world.context, fact),
    facts: [...world.facts, fact.type],
    snapshot: advanced.isAccepted ? advanced.snapshot : world.snapshot,
    taken: [...world.taken, ...takenBy(driver.machine, world.snapshot, entry)],
  };
};

export const standingAfter = (standing: Standing, before: JobContext, fact: Fact): Standing => {
  switch (fact.type) {
    case "JobStarted":
    case "RetryRequested":
      return "running";
    case "StepFailed":
      return "failed";
    case "JobCompleted":
      return "complete";
    case "JobCancelled":
      return "cancelled";
    case "CancelRequested":
      return Object.keys(before.open).length === 0 ? "cancelled" : "cancelling";
    default:
      return standing;
  }
};

/** The step the job stands at: the first without an output. Undefined: only the output is to be shaped. */
export const currentNode = ({ setting, context }: World): StepNode | undefined =>
  setting.plan.nodes.find(({ path }) => context.outputs[path] === undefined);

export const currentStep = (world: World): StepProgress =>
  progressOf(world.context, currentNode(world)?.path ?? outputPath);

/** Everything that follows by itself, until somebody outside has to do something. */
export const settle = (world: World): World => {
  const fact = automatic(world);
  if (fact === undefined) return world;
  return settle(append(world, fact));
};

const automatic = (world: World): Fact | undefined => {
  const { context, standing } = world;
  if (standing === "cancelling" && Object.keys(context.open).length === 0)
    return { type: "JobCancelled" };
  if (standing !== "running") return undefined;
  const node = currentNode(world);
  const step = progressOf(context, node?.path ?? outputPath);
  // What has come is journaled and judged in a pause as well.
  if (node !== undefined && step.phase === "signalled") return judged(world, node, step);
  if (context.isPaused) return undefined;
  if (node === undefined) return { type: "JobCompleted", output: empty };
  if (step.phase === "idle")
    return node.step.program.kind === "signal" ? awaited(node, step) : started(node, step);
  return node.step.program.kind === "model" ? afterPhase(world, node, step) : undefined;
};

const judged = ({ said }: World, node: StepNode, step: StepProgress): Fact =>
  said[node.path] === "refused"
    ? failed(node, step, { _tag: "PolicyFailure", rule: "" })
    : { type: "StepSucceeded", path: node.path, attempt: step.attempt, output: empty };

const awaited = (node: StepNode, { round }: StepProgress): Fact => ({
  type: "SignalAwaited",
  path: node.path,
  round,
  input: empty,
  timeout: null,
});

const afterPhase = (world: World, node: StepNode, step: StepProgress): Fact | undefined => {
  if (step.phase === "started" || step.phase === "repairing") return intended(world, node, step);
  if (step.phase !== "absent" || node.step.program.kind !== "model") return undefined;
  const { onUnknown } = node.step.program;
  if (onUnknown === "recreate") return intended(world, node, step);
  if (onUnknown === "ask") return undefined;
  return failed(node, step, {
    _tag: "ProviderFailure",
    reason: "OutcomeUnknown",
    provider: "",
    detail: "",
  });
};

export const started = ({ path }: StepNode, { attempt, round }: StepProgress): Fact => ({
  type: "StepStarted",
  path,
  attempt: attempt + 1,
  round,
  input: empty,
});

export const intended = (world: World, { path }: StepNode, step: StepProgress): Fact => ({
  type: "PredictionIntended",
  path,
  attempt: step.attempt,
  call: step.calls + 1,
  repair: step.repairs,
  key: `key-${world.keys + 1}`,
  provider: "",
  model: "",
  inputHash: "",
  request: empty,
  estimateMicros: 0,
  timeoutMs: 1,
});

type StoredFailure = Extract<Fact, { readonly type: "StepFailed" }>["failure"];

export const failed = (
  { path }: StepNode,
  { attempt }: StepProgress,
  failure: StoredFailure,
): Fact => {
  const kind: RestKind = kindOf(failure);
  return { type: "StepFailed", path, attempt, kind, failure };
};

/** The attempt failed: another follows where the policy and the failure allow it, else the step is over. */
export const attemptFailed = (node: StepNode, step: StepProgress, failure: Failure): Fact => {
  const { retry, isRepeatable } = node.step;
  const mayRetry =
    step.attemptsInRound < retry.attempts &&
    failure.isRetryable &&
    (failure._tag !== "TimeoutFailure" || retry.timeouts) &&
    (isRepeatable || failure._tag === "ProviderFailure");
  const stored = encodeFailure(failure);
  if (!mayRetry) return failed(node, step, stored);
  const { path } = node;
  const { attempt } = step;
  return {
    type: "AttemptFailed",
    path,
    attempt,
    failure: stored,
    retry: { wakeAt: 0, delayMs: 0 },
  };
};
