/**
 * A pipeline's machine as a Mermaid state diagram, drawn from the compiled machine itself. Steps stand in
 * `running` in their order; what only records an entry and moves nothing is not drawn.
 */
import { compile } from "./compiler.ts";
import { graphOf, type MachineGraph, type MachineState } from "./machine-graph.ts";
import { type PipelinePlan, signalNodes } from "./plan.ts";

export interface MermaidOptions {
  /** Also draws what happens within each step that asks a model or waits for a signal. Default: false. */
  readonly isDetailed?: boolean;
}

/** The text of a `stateDiagram-v2`; the same pipeline gives the same text. */
export const toMermaid = (
  { plan }: { readonly plan: PipelinePlan },
  { isDetailed = false }: MermaidOptions = {},
): string => {
  const graph = graphOf(compile(plan));
  const open = plan.nodes.filter(({ step }) => step.program.kind !== "run");
  const opened = new Set(isDetailed ? open.map(({ path }) => `running.${path}`) : []);
  const signals = new Set(signalNodes(plan.nodes).map(({ path }) => `running.${path}`));
  const drawing: Drawing = {
    graph,
    nameOf: (path) => (signals.has(path) ? `${nameOf(path)} (signal)` : nameOf(path)),
    isOpen: (path) => ["", "running", "failed"].includes(path) || opened.has(path),
  };
  return ["stateDiagram-v2", ...inside(drawing, "").map((line) => `  ${line}`), ""].join("\n");
};

interface Drawing {
  readonly graph: MachineGraph;
  /** Whether the state's own states are drawn. */
  readonly isOpen: (path: string) => boolean;
  /** What a reader is shown. */
  readonly nameOf: (path: string) => string;
}

/** Everything within one state: its beginning, its states, and what leads from one to another. */
const inside = (drawing: Drawing, path: string): ReadonlyArray<string> => {
  const { graph } = drawing;
  const children = graph.filter((state) => state.parent === path && state.kind !== "history");
  const initial = graph.find((state) => state.path === path)?.initial;
  // A job rests in one of the kinds; none of them comes first.
  const begins = initial == null || path === "failed" ? [] : [`[*] --> ${idOf(initial)}`];
  return [
    ...children.flatMap((child) => declared(drawing, child)),
    ...begins,
    ...arrows(drawing, path),
    ...children
      .filter(({ kind }) => kind === "final")
      .map((state) => `${idOf(state.path)} --> [*]`),
  ];
};

const declared = (drawing: Drawing, { path }: MachineState): ReadonlyArray<string> => {
  const [id, name] = [idOf(path), drawing.nameOf(path)];
  const alias = id === name ? [] : [`state "${name}" as ${id}`];
  const children = drawing.graph.filter(({ parent }) => parent === path);
  // A kind of failure has no arrow that would name it.
  if (path.startsWith("failed.")) return [id];
  if (children.length === 0 || !drawing.isOpen(path)) return alias;
  const body = inside(drawing, path).map((line) => `  ${line}`);
  return [...alias, `state ${id} {`, ...body, "}"];
};

/** The arrows whose two ends meet in this state: entries that lead the same way share one. */
const arrows = (drawing: Drawing, path: string): ReadonlyArray<string> => {
  const labels = new Map<string, Set<string>>();
  for (const [from, to, event] of moves(drawing)) {
    if (from === to || commonParent(from, to) !== path) continue;
    // A move out of one box into another is drawn between the boxes.
    const arrow = `${idOf(endIn(path, from))} --> ${idOf(endIn(path, to))}`;
    labels.set(arrow, (labels.get(arrow) ?? new Set()).add(event));
  }
  return [...labels].map(([arrow, events]) => {
    const named = [...events].filter((event) => event !== "");
    return named.length === 0 ? arrow : `${arrow} : ${named.join(", ")}`;
  });
};

/** From drawn state to drawn state, with the entry that does it. */
type Move = readonly [from: string, to: string, event: string];

const moves = (drawing: Drawing): ReadonlyArray<Move> =>
  drawing.graph.flatMap((state) =>
    state.transitions.flatMap(({ event, targets }) =>
      targets.flatMap((target) => {
        const [from, to] = [shown(drawing, state.path), shown(drawing, target)];
        return to.startsWith(`${from}.`) ? inward(drawing, from, [to, event]) : [[from, to, event]];
      }),
    ),
  );

/**
 * A box has no arrow to what is in it: Mermaid cannot lay that out. A move to where the box begins comes
 * from everywhere else in it, any other from there.
 */
const inward = (
  { graph }: Drawing,
  box: string,
  [to, event]: readonly [to: string, event: string],
): ReadonlyArray<Move> => {
  const initial = graph.find(({ path }) => path === box)?.initial ?? to;
  if (to !== initial) return [[initial, to, event]];
  const others = graph.filter(({ parent, path }) => parent === box && path !== to);
  return others.map(({ path }) => [path, to, ""]);
};

/** The state, or the closed one around it. A state drawn open can be the end of an arrow too. */
const shown = ({ isOpen }: Drawing, path: string): string => {
  const parts = path.split(".");
  const closed = parts.findIndex((_, index) => !isOpen(parts.slice(0, index + 1).join(".")));
  const visible = closed < 0 ? path : parts.slice(0, closed + 1).join(".");
  // Nobody sees the history: going on where one was is going back into the box.
  return visible === "running.(last)" ? "running" : visible;
};

const commonParent = (left: string, right: string): string => {
  const [a, b] = [left.split("."), right.split(".")];
  const differs = a.findIndex((part, index) => part !== b[index]);
  const shared = differs < 0 ? a.length : differs;
  return a.slice(0, Math.min(shared, a.length, b.length)).join(".");
};

const endIn = (path: string, state: string): string =>
  state
    .split(".")
    .slice(0, path === "" ? 1 : path.split(".").length + 1)
    .join(".");

const nameOf = (path: string): string => path.split(".").at(-1) ?? path;

/** What Mermaid would read as its own word, or as another state of the same diagram. */
const taken: ReadonlySet<string> = new Set(
  [
    "as class classdef click default direction end hide note scale state style",
    "pending running cancelling failed complete cancelled",
    "validation timeout provider policy defect",
  ].flatMap((words) => words.split(" ")),
);

/**
 * One id for each state of the whole diagram. Mermaid's ids know no hyphen; step names know neither
 * underscore nor capital, so that no two states get the same id.
 */
const idOf = (path: string): string => {
  const [top = "", step, substate] = path.split(".");
  if (top !== "running" || step === undefined) return nameOf(path);
  if (step.startsWith("(")) return `${step.slice(1, -1)}_`;
  const id = taken.has(step) ? `Step_${step}` : step.replaceAll("-", "_");
  return substate === undefined
    ? id
    : `${id}_${substate.charAt(0).toUpperCase()}${substate.slice(1)}`;
};
