/** The transitions of a compiled machine by readable ids, which an entry takes, and which none ever can. */
import type { JobMachine } from "../compiler.ts";
import type { JobSnapshot } from "../advance.ts";
import type { Entry } from "../entry.ts";
import { type PipelinePlan, type SignalNode, signalNodes, type StepNode } from "../plan.ts";

/** One arrow of the machine. `source` is the state's id without the machine's own. */
export interface Transition {
  /** Such as `running.image --PredictionUnknown--> unknown`. */
  readonly id: string;
  readonly source: string;
  readonly event: string;
}

interface Node {
  readonly id: string;
  readonly states: Readonly<Record<string, Node>>;
  readonly transitions: ReadonlyMap<string, ReadonlyArray<Arrow>>;
}

interface Arrow {
  readonly eventType: string;
  readonly guard?: unknown;
  readonly source: Node;
  readonly target?: ReadonlyArray<{ readonly id: string }> | undefined;
}

const ids = new WeakMap<object, Transition>();

const within = (id: string): string => id.replace(/^job\.?/, "") || "job";

const guardOf = (guard: unknown): string => {
  if (typeof guard === "string") return guard;
  if (typeof guard !== "object" || guard === null || !("type" in guard)) return "otherwise";
  const params: unknown = "params" in guard ? guard.params : {};
  const values: ReadonlyArray<unknown> = Object.values(
    typeof params === "object" && params !== null ? params : {},
  );
  return [guard.type, ...values].join(" ");
};

const describe = (arrow: Arrow): Transition => {
  const known = ids.get(arrow);
  if (known !== undefined) return known;
  const { source, eventType, target } = arrow;
  const isOneOfSeveral = (source.transitions.get(eventType)?.length ?? 0) > 1;
  const guard = isOneOfSeveral ? ` [${guardOf(arrow.guard)}]` : "";
  const to = (target ?? []).map(({ id }) =>
    id.startsWith(`${source.id}.`) ? id.slice(source.id.length + 1) : within(id),
  );
  const end = to.length === 0 ? "(stays)" : to.join(", ");
  const transition = {
    id: `${within(source.id)} --${eventType}${guard}--> ${end}`,
    source: within(source.id),
    event: eventType,
  };
  ids.set(arrow, transition);
  return transition;
};

const arrowsBelow = (node: Node): ReadonlyArray<Arrow> => [
  ...[...node.transitions.values()].flat(),
  ...Object.values(node.states).flatMap(arrowsBelow),
];

/** Every transition of the machine, in the order of its states. */
export const transitionsOf = (machine: JobMachine): ReadonlyArray<Transition> =>
  arrowsBelow(machine.root).map(describe);

/** The ids of the transitions that the entry takes there; none where the machine has no use for it. */
export const takenBy = (
  machine: JobMachine,
  snapshot: JobSnapshot,
  entry: Entry,
): ReadonlyArray<string> =>
  machine.getTransitionData(snapshot, entry).map((arrow) => describe(arrow).id);

/** Facts of paid calls. */
const isOfCall = (event: string): boolean =>
  event.startsWith("Prediction") ||
  event === "AttemptTimedOut" ||
  event === "OutputRejected" ||
  event === "AttemptHeld";

/** Why no job of this pipeline can take the transition; undefined where one can. */
export const whyImpossible = (
  plan: PipelinePlan,
  { source, event, id }: Transition,
): string | undefined => {
  const node = plan.nodes.find(({ path }) => source === `running.${path}`);
  if (event === "SignalReceived" || event === "SignalAwaited")
    return whyNoSignal(plan, { source, event, id });
  if (node !== undefined) return whyNotAt(node, event);
  if (isWaitingOnly(plan) && (source === "failed" || id.includes("isKind"))) {
    const why = whyUnfailing(plan, id);
    if (why !== undefined) return why;
  }
  const hasCalls = plan.nodes.some(({ step }) => step.program.kind === "model");
  if (
    !hasCalls &&
    (isOfCall(event) || id.includes("hasOpenPredictions") || source === "cancelling")
  )
    return "no step makes a paid call";
  const kind = /isKind (\w+)/.exec(id)?.[1];
  if (kind !== "provider" && kind !== "policy") return undefined;
  const canFail = plan.nodes.some(
    ({ step }) => step.fails.includes(kind) || (kind === "provider" && !step.isRepeatable),
  );
  return canFail ? undefined : `no step declares a ${kind} failure`;
};

/** Whether nothing of the pipeline ever runs: its steps only wait. */
const isWaitingOnly = ({ nodes }: PipelinePlan): boolean =>
  signalNodes(nodes).length === nodes.length;

/** What a signal's step can fail of by itself. */
const kindsOf = ({ program }: SignalNode): ReadonlyArray<string> => [
  ...(program.timeoutMs === null ? [] : ["timeout"]),
  ...(program.refuse === undefined ? [] : ["policy"]),
];

const whyUnfailing = ({ nodes }: PipelinePlan, id: string): string | undefined => {
  const kinds = signalNodes(nodes).flatMap(kindsOf);
  const kind = /isKind (\w+)/.exec(id)?.[1];
  if (kind === undefined ? kinds.length > 0 : kinds.includes(kind)) return undefined;
  return "every step waits for a signal, which is checked before it is taken";
};

/** Signals come early, late or in time; not all of that can happen to each. */
const whyNoSignal = (
  { nodes }: PipelinePlan,
  { source, event, id }: Transition,
): string | undefined => {
  if (source === "pending") return "a signal is read once the job has started";
  const named = signalNodes(nodes).find(({ path }) => id.includes(`isNewSignal ${path}]`));
  if (source === "failed") {
    const last = named ?? signalNodes(nodes)[0];
    const before = nodes.slice(0, nodes.findIndex(({ path }) => path === last?.path) + 1);
    const mayFail =
      signalNodes(before).length < before.length || signalNodes(before).some(isFailing(last));
    return mayFail ? undefined : "no job fails before this signal has come";
  }
  const first = signalNodes(nodes.slice(0, 1))[0];
  const isEarly = event === "SignalAwaited" && id.includes("[isSignalled");
  return isEarly && source === `running.${first?.path}` && first?.program.timeoutMs === null
    ? "nothing comes before this step, and no wait for it ends"
    : undefined;
};

/** A step that refuses has had its signal by then. */
const isFailing =
  (last: SignalNode | undefined) =>
  (node: SignalNode): boolean =>
    kindsOf(node).some((kind) => kind === "timeout" || node.path !== last?.path);

const whyNotAt = ({ step }: StepNode, event: string): string | undefined => {
  if (event === "AttemptFailed") {
    const isRetried =
      step.retry.attempts > 1 && (step.retry.timeouts || step.fails.includes("provider"));
    return isRetried ? undefined : "the step is tried once";
  }
  if (event === "PredictionReused")
    return "the job of a path is the first of its store: there is no earlier answer";
  if (step.program.kind === "run")
    return isOfCall(event) ? "a run step makes no paid call" : undefined;
  if (step.program.kind === "signal") return undefined;
  return event === "OutputRejected" && step.program.repair === 0
    ? "the step asks for no repair"
    : undefined;
};
