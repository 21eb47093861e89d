/** Where a job stands as seen from outside: what it waits for, and from whom. */
import { type JobContext, progressOf, type StepProgress } from "../context.ts";
import { initialContext } from "../context.ts";
import type { Entry } from "../entry.ts";
import { outputPath, type PipelinePlan, type StepNode } from "../plan.ts";
import { record } from "../record.ts";
import { type Standing, standingAfter } from "./world.ts";

/**
 * `sending`, `waiting` and `unknown` are the three states of an open call; `awaiting` is a signal's; `end` is
 * any final state.
 */
export type Place =
  | "queued"
  | "running"
  | "sending"
  | "waiting"
  | "unknown"
  | "backingOff"
  | "awaiting"
  | "asking"
  | "paused"
  | "shaping"
  | "cancelling sending"
  | "cancelling waiting"
  | "cancelling unknown"
  | "failed"
  | "end";

export interface Point {
  readonly place: Place;
  readonly path: string | null;
  readonly attempt: number;
  readonly call: number;
}

export interface Position {
  readonly plan: PipelinePlan;
  readonly standing: Standing;
  readonly context: JobContext;
  /** Whether the create of this intent is on its way: only the provider's side knows. */
  readonly isSending: (key: string) => boolean;
}

/** The point a job has reached. */
export const pointOf = (position: Position): Point => {
  const { standing, context } = position;
  if (standing === "queued") return outside("queued");
  if (standing === "failed") return { ...outside("failed"), path: context.failure?.path ?? null };
  if (standing === "cancelling") return outside(`cancelling ${openPlace(position)}`);
  if (standing !== "running") return outside("end");
  const node = position.plan.nodes.find(({ path }) => context.outputs[path] === undefined);
  if (node === undefined) return { ...outside("shaping"), path: outputPath };
  const step = progressOf(context, node.path);
  const { attempt, calls } = step;
  return { place: placeOf(position, node, step), path: node.path, attempt, call: calls };
};

const outside = (place: Place): Point => ({ place, path: null, attempt: 0, call: 0 });

const placeOf = (position: Position, node: StepNode, { phase }: StepProgress): Place => {
  if (phase === "calling") return openPlace(position);
  if (phase === "backingOff" || phase === "held") return "backingOff";
  if (phase === "awaiting") return "awaiting";
  const isRun = node.step.program.kind === "run";
  if (isRun && phase === "started") return "running";
  if (position.context.isPaused) return "paused";
  return phase === "absent" ? "asking" : "paused";
};

const openPlace = ({ context, isSending }: Position): "sending" | "waiting" | "unknown" => {
  const key = Object.keys(context.open)[0] ?? "";
  const path = context.open[key]?.path;
  const call = path === undefined ? null : progressOf(context, path).call;
  if (call?.key === key && call.state === "accepted") return "waiting";
  return isSending(key) ? "sending" : "unknown";
};

/** How a journal folds: what its job remembers and how it stands. */
export const foldJournal = (
  entries: ReadonlyArray<Entry>,
): { readonly context: JobContext; readonly standing: Standing } => {
  let context = initialContext;
  let standing: Standing = "queued";
  for (const entry of entries) {
    standing = standingAfter(standing, context, entry);
    context = record(context, entry);
  }
  return { context, standing };
};

/** The detail that the job's state record shows there; undefined where it may be one or the other. */
export const detailAt = (place: Place): string | null | undefined => {
  if (place === "waiting" || place === "backingOff") return place;
  if (place === "awaiting") return "waiting";
  if (place === "sending" || place === "running") return "active";
  if (place === "asking") return "unknown";
  if (place.startsWith("cancelling")) return "cancelling";
  return place === "queued" || place === "failed" || place === "end" ? null : undefined;
};

export const isSamePoint = (left: Point, right: Point): boolean =>
  left.place === right.place &&
  left.path === right.path &&
  left.attempt === right.attempt &&
  left.call === right.call;

/** The point in words. */
export const showPoint = ({ place, path, attempt, call }: Point): string => {
  if (path === null) return place;
  return `${path} ${place}${attempt === 0 ? "" : ` (attempt ${attempt}, call ${call})`}`;
};
