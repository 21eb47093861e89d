/**
 * Static checks of a compiled machine: every state is reached and left, every job can come to rest, fail
 * as what it failed of, and be cancelled. They hold for every pipeline as long as the compiler is right.
 */
import type { RestKind } from "../steps/failure.ts";
import type { Finding } from "./finding.ts";
import {
  type MachineGraph,
  type MachineState,
  type MachineTransition,
  withAncestors,
} from "./machine-graph.ts";

/** Every error of the machine, by rule. */
export const checkMachine = (graph: MachineGraph): ReadonlyArray<Finding> => {
  const map = mapOf(graph);
  return [unreachable, stuck, unserved, unfailing, uncancellable, shadowed].flatMap((rule) =>
    rule(map),
  );
};

/** The graph with what leads where already looked up: pipelines may be long. */
interface StateMap {
  readonly graph: MachineGraph;
  readonly leaves: ReadonlyArray<MachineState>;
  /** The states that are active together with a leaf, from the inside out. */
  readonly around: ReadonlyMap<MachineState, ReadonlyArray<MachineState>>;
  /** The leaves that may follow a leaf, by its own transitions and those around it. */
  readonly following: ReadonlyMap<MachineState, ReadonlySet<MachineState>>;
  /** The leaves that are active once the machine has been entered. */
  readonly first: ReadonlyArray<MachineState>;
}

type Rule = (map: StateMap) => ReadonlyArray<Finding>;

const error = (rule: string, { path }: MachineState, message: string): Finding => ({
  rule,
  where: path,
  message,
  severity: "error",
});

const isLeaf = ({ kind }: MachineState): boolean => kind === "atomic" || kind === "final";
const isWithin = (path: string, ancestor: string): boolean =>
  path === ancestor || path.startsWith(`${ancestor}.`);

// --- where things lead

const mapOf = (graph: MachineGraph): StateMap => {
  const byPath = new Map(graph.map((state) => [state.path, state]));
  const entered = enteredLeaves(graph, byPath);
  const leaves = graph.filter(isLeaf);
  const around = new Map(leaves.map((leaf) => [leaf, withAncestors(byPath, leaf)]));
  // The transitions of a state around many leaves lead to the same ones for all of them.
  const led = new Map(graph.map((state) => [state, targetsOf(state).flatMap(entered)]));
  const following = new Map(
    [...around].map(([leaf, states]) => [
      leaf,
      new Set(states.flatMap((state) => led.get(state) ?? [])),
    ]),
  );
  const root = graph.find(({ parent }) => parent === null);
  return { graph, leaves, around, following, first: root === undefined ? [] : entered(root.path) };
};

const targetsOf = ({ transitions }: MachineState): ReadonlyArray<string> => [
  ...new Set(transitions.flatMap(({ targets }) => targets)),
];

/** The leaves that are active once a state has been entered; history counts as the beginning. */
const enteredLeaves = (graph: MachineGraph, byPath: ReadonlyMap<string, MachineState>) => {
  const entered = (path: string): ReadonlyArray<MachineState> => {
    const state = byPath.get(path);
    if (state === undefined) return [];
    if (isLeaf(state)) return [state];
    if (state.kind === "history") return state.parent === null ? [] : entered(state.parent);
    if (state.kind === "compound") return state.initial === null ? [] : entered(state.initial);
    return graph.filter(({ parent }) => parent === path).flatMap((child) => entered(child.path));
  };
  return entered;
};

/** All leaves that some way leads to. */
const closure = (
  from: ReadonlyArray<MachineState>,
  next: ReadonlyMap<MachineState, Iterable<MachineState>>,
): ReadonlySet<MachineState> => {
  const seen = new Set(from);
  // A set that grows while it is gone through is gone through to its end.
  for (const leaf of seen) for (const other of next.get(leaf) ?? []) seen.add(other);
  return seen;
};

const reversed = (
  following: StateMap["following"],
): ReadonlyMap<MachineState, ReadonlyArray<MachineState>> => {
  const before = new Map<MachineState, Array<MachineState>>();
  for (const [leaf, others] of following) {
    for (const other of others) {
      const leading = before.get(other);
      if (leading === undefined) before.set(other, [leaf]);
      else leading.push(leaf);
    }
  }
  return before;
};

// --- the rules

const unreachable: Rule = ({ leaves, first, following }) => {
  const reached = closure(first, following);
  return leaves
    .filter((leaf) => !reached.has(leaf))
    .map((state) => error("unreachable-state", state, "no transition leads here"));
};

/** Where a job may stand still: its end, or a failure that somebody may take up again. */
const isRest = ({ kind, path }: MachineState): boolean =>
  kind === "final" || isWithin(path, "failed");

const stuck: Rule = ({ leaves, following }) => {
  const resting = closure(leaves.filter(isRest), reversed(following));
  return leaves
    .filter((leaf) => !resting.has(leaf))
    .map((state) =>
      following.get(state)?.size === 0
        ? error("dead-end", state, "it is not final and has no way out")
        : error("no-rest", state, "no way leads from here to a final or resting state"),
    );
};

/** Somebody has to work in every step, else the job waits for nobody. */
const unserved: Rule = ({ graph }) =>
  graph
    .filter(({ parent, kind }) => parent === "running" && kind !== "history")
    .filter(({ services }) => services.length === 0)
    .map((state) => error("no-service", state, "nothing runs in this step"));

const restKinds: ReadonlyArray<RestKind> = [
  "validation",
  "timeout",
  "provider",
  "policy",
  "defect",
];

/** The candidates for an event, innermost state first. */
const candidates = (
  { around }: StateMap,
  leaf: MachineState,
  event: string,
): ReadonlyArray<MachineTransition> =>
  (around.get(leaf) ?? []).flatMap(({ transitions }) =>
    transitions.filter((transition) => transition.event === event),
  );

const unfailing: Rule = (map) =>
  map.leaves
    .filter(({ path }) => isWithin(path, "running"))
    .flatMap((state) => {
      const failing = candidates(map, state, "StepFailed");
      return restKinds.flatMap((kind) => {
        const taken = failing.find(
          ({ guard }) => guard === null || guard === `isKind(kind: ${kind})`,
        );
        if (taken?.targets.includes(`failed.${kind}`) === true) return [];
        const where = taken === undefined ? "nowhere" : taken.targets.join(", ");
        const message = `a failure of kind ${kind} leads to ${where}`;
        return [error("unclassified-failure", state, message)];
      });
    });

/** A job that is being cancelled needs no second word; everywhere else some candidate takes it without asking. */
const uncancellable: Rule = (map) =>
  map.leaves
    .filter(({ kind, path }) => kind === "atomic" && path !== "cancelling")
    .filter((leaf) => !candidates(map, leaf, "CancelRequested").some(({ guard }) => guard === null))
    .map((state) => error("uncancellable-state", state, "CancelRequested may be ignored here"));

/** Of the candidates of one state for one event, those after one that takes everything it does. */
const shadowed: Rule = ({ graph }) =>
  graph.flatMap((state) =>
    state.transitions.flatMap((transition, index) => {
      const shadow = state.transitions
        .slice(0, index)
        .find(
          ({ event, guard }) =>
            event === transition.event && (guard === null || guard === transition.guard),
        );
      if (shadow === undefined) return [];
      const to = transition.targets.join(", ") || "nowhere";
      const message = `${transition.event} to ${to} is never taken: an earlier transition takes it first`;
      return [error("shadowed-transition", state, message)];
    }),
  );
