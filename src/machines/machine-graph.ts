/**
 * A compiled machine as plain data: its states and what leads where. Pictures and checks read this, so
 * that both say what the machine does and not what somebody meant it to do.
 */
import type { AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { JobMachine } from "./compiler.ts";

export type StateKind = "atomic" | "compound" | "parallel" | "final" | "history";

export interface MachineTransition {
  readonly event: string;
  /** `isOf(path: concept)`; null where nothing is asked. */
  readonly guard: string | null;
  /** Paths of states; empty where the entry is only recorded. */
  readonly targets: ReadonlyArray<string>;
}

export interface MachineState {
  /** Dotted, such as `running.concept.active`; empty for the machine itself. */
  readonly path: string;
  readonly kind: StateKind;
  /** Null for the machine itself. */
  readonly parent: string | null;
  /** The path of the child that is entered first. */
  readonly initial: string | null;
  /** What runs while the state is active. */
  readonly services: ReadonlyArray<string>;
  /** In the order in which their guards are asked. */
  readonly transitions: ReadonlyArray<MachineTransition>;
}

/** Parents before children, children in the order of the pipeline. */
export type MachineGraph = ReadonlyArray<MachineState>;

/** The machine as plain data. */
export const graphOf = (machine: JobMachine): MachineGraph => statesOf(machine.root);

const statesOf = (node: AnyStateNode): MachineGraph => [
  stateOf(node),
  // A compiled machine has string keys only, whatever its type says.
  ...Object.values<AnyStateNode>(node.states).flatMap(statesOf),
];

const pathOf = (node: AnyStateNode): string => node.path.join(".");

const stateOf = (node: AnyStateNode): MachineState => ({
  path: pathOf(node),
  kind: node.type,
  parent: node.parent === undefined ? null : pathOf(node.parent),
  initial: node.type === "compound" ? initialOf(node) : null,
  services: node.invoke.map(({ id }) => id),
  transitions: [...node.transitions.values()].flat().map(transitionOf),
});

const initialOf = (node: AnyStateNode): string | null => {
  const first = node.initial.target?.[0];
  return first === undefined ? null : pathOf(first);
};

const transitionOf = (definition: AnyTransitionDefinition): MachineTransition => ({
  event: String(definition.eventType),
  guard: guardOf(definition.guard),
  targets: (definition.target ?? []).map(pathOf),
});

const guardOf = (guard: unknown): string | null => {
  if (guard === undefined) return null;
  if (typeof guard === "string") return guard;
  if (typeof guard !== "object" || guard === null || !("type" in guard)) return "a function";
  const type = String(guard.type);
  const params = "params" in guard ? guard.params : undefined;
  if (typeof params !== "object" || params === null) return type;
  const shown = Object.entries(params).map(([name, value]) => `${name}: ${String(value)}`);
  return `${type}(${shown.join(", ")})`;
};

/** The state and those around it, from the inside out, the machine itself last. */
export const withAncestors = (
  byPath: ReadonlyMap<string, MachineState>,
  state: MachineState,
): ReadonlyArray<MachineState> => {
  const parent = state.parent === null ? undefined : byPath.get(state.parent);
  return parent === undefined ? [state] : [state, ...withAncestors(byPath, parent)];
};
