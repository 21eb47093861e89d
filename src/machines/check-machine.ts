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
export const checkMachine = (graph: MachineGraph): ReadonlyArray<Finding> =>
  [unreachable, stuck, unserved, unfailing, uncancellable, shadowed].flatMap((rule) => rule(graph));

type Rule = (graph: MachineGraph) => ReadonlyArray<Finding>;

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

const stateAt = (graph: MachineGraph, path: string): MachineState | undefined =>
  graph.find((state) => state.path === path);

/** The leaves that are active once the state has been entered; history counts as the beginning. */
const leavesOf = (graph: MachineGraph, path: string): ReadonlyArray<MachineState> => {
  const state = stateAt(graph, path);
  if (state === undefined) return [];
  if (isLeaf(state)) return [state];
  if (state.kind === "history") return state.parent === null ? [] : leavesOf(graph, state.parent);
  if (state.kind === "compound")
    return state.initial === null ? [] : leavesOf(graph, state.initial);
  return graph
    .filter(({ parent }) => parent === path)
    .flatMap((child) => leavesOf(graph, child.path));
};

/** What may follow a leaf, by its own transitions and those around it. */
const following = (graph: MachineGraph, leaf: MachineState): ReadonlyArray<MachineState> =>
  withAncestors(graph, leaf.path)
    .flatMap(({ transitions }) => transitions)
    .flatMap(({ targets }) => targets)
    .flatMap((target) => leavesOf(graph, target));

/** All leaves that some way of steps leads to. */
const closure = (
  from: ReadonlyArray<MachineState>,
  next: (leaf: MachineState) => ReadonlyArray<MachineState>,
): ReadonlySet<string> => {
  const seen = new Set<string>();
  let frontier = from;
  while (frontier.length > 0) {
    const fresh = frontier.filter(({ path }) => !seen.has(path));
    for (const { path } of fresh) seen.add(path);
    frontier = fresh.flatMap(next);
  }
  return seen;
};

// --- the rules

const unreachable: Rule = (graph) => {
  const root = graph.find(({ parent }) => parent === null);
  const reached = closure(leavesOf(graph, root?.path ?? ""), (leaf) => following(graph, leaf));
  return graph
    .filter(isLeaf)
    .filter(({ path }) => !reached.has(path))
    .map((state) => error("unreachable-state", state, "no transition leads here"));
};

/** Where a job may stand still: its end, or a failure that somebody may take up again. */
const isRest = ({ kind, path }: MachineState): boolean =>
  kind === "final" || isWithin(path, "failed");

const stuck: Rule = (graph) => {
  const leaves = graph.filter(isLeaf);
  const before = (leaf: MachineState) =>
    leaves.filter((other) => following(graph, other).includes(leaf));
  const resting = closure(leaves.filter(isRest), before);
  return leaves
    .filter(({ path }) => !resting.has(path))
    .map((state) =>
      following(graph, state).length === 0
        ? error("dead-end", state, "it is not final and has no way out")
        : error("no-rest", state, "no way leads from here to a final or resting state"),
    );
};

/** Somebody has to work in every step, else the job waits for nobody. */
const unserved: Rule = (graph) =>
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
  graph: MachineGraph,
  { path }: MachineState,
  event: string,
): ReadonlyArray<MachineTransition> =>
  withAncestors(graph, path)
    .flatMap(({ transitions }) => transitions)
    .filter((transition) => transition.event === event);

const unfailing: Rule = (graph) =>
  graph
    .filter((state) => isLeaf(state) && isWithin(state.path, "running"))
    .flatMap((state) =>
      restKinds.flatMap((kind) => {
        const taken = candidates(graph, state, "StepFailed").find(
          ({ guard }) => guard === null || guard === `isKind(kind: ${kind})`,
        );
        if (taken?.targets.includes(`failed.${kind}`) === true) return [];
        const where = taken === undefined ? "nowhere" : taken.targets.join(", ");
        return [
          error("unclassified-failure", state, `a failure of kind ${kind} leads to ${where}`),
        ];
      }),
    );

/** A job that is being cancelled needs no second word; everywhere else some candidate takes it without asking. */
const uncancellable: Rule = (graph) =>
  graph
    .filter((state) => state.kind === "atomic" && state.path !== "cancelling")
    .filter(
      (state) => !candidates(graph, state, "CancelRequested").some(({ guard }) => guard === null),
    )
    .map((state) => error("uncancellable-state", state, "CancelRequested may be ignored here"));

/** Of the candidates of one state for one event, those after one that takes everything it does. */
const shadowed: Rule = (graph) =>
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
