/** The transitions of a compiled machine by readable ids, which an entry takes, and which none ever can. */
import type { JobMachine } from "../compiler.ts";
import type { JobSnapshot } from "../advance.ts";
import type { Entry } from "../entry.ts";
import type { PipelinePlan, StepNode } from "../plan.ts";

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
  if (node !== undefined) return whyNotAt(node, event);
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
