/** What may happen next in a world: one thing, or two at the same tick. */
import { maxDeaths } from "../count-deaths.ts";
import { signalNodes, type StepNode } from "../plan.ts";
import {
  type Act,
  endingsOf,
  nameOf,
  type Provocable,
  replies,
  runEndingsOf,
  signalEndingsOf,
} from "./act.ts";
import { play } from "./play.ts";
import { type Place, type Point, pointOf } from "./point.ts";
import { currentNode, type World } from "./world.ts";

export interface Move {
  /** Such as `image: times out` or `check waiting: succeeds + cancel`: the three below in one. */
  readonly name: string;
  /** The step's path, or where the job stands where that is at no step. */
  readonly step: string;
  /** Where the step stands; empty where what happens can happen there only. */
  readonly place: string;
  readonly what: string;
  /** In order; all of them happen before the job gets to act on the first. */
  readonly acts: ReadonlyArray<Act>;
  /** More than one thing happens at once: the order in which the job learns of them is not fixed. */
  readonly isRace: boolean;
}

export type Provocables = (path: string) => Provocable;

/** The world's point; the provider's side is part of the world. */
export const pointIn = (world: World): Point =>
  pointOf({
    plan: world.setting.plan,
    standing: world.standing,
    context: world.context,
    isSending: (key) => world.remote[key] === "sending",
  });

/** The world after the move. */
export const playMove = (world: World, move: Move): World =>
  inOrder(world, move).reduce(play, { ...world, taken: [] });

/**
 * A result right before a crash is not committed yet: whoever takes over comes to it once more. Nor is a pause read
 * by then, and where the crash is the end of a step that may not run again, the job is told of that first.
 */
const inOrder = (world: World, { acts }: Move): ReadonlyArray<Act> => {
  const [first, second, ...later] = acts;
  if (first === undefined || second?.do !== "crash") return acts;
  const isOverBefore = first.do === "pause" && play(world, second).standing !== "running";
  return isOutcome(first) || isOverBefore ? [second, first, ...later] : acts;
};

/** What comes from the provider, the user's function, who was asked, or the clock, and not from an operator. */
export const isOutcome = (act: Act): boolean =>
  act.do === "reply" ||
  act.do === "end" ||
  act.do === "finish" ||
  act.do === "signal" ||
  act.do === "wait";

type Where = Pick<Move, "step" | "place">;

const single = (where: Where, acts: ReadonlyArray<Act>): Move =>
  named(where, acts.map(nameOf).join(", "), { acts, isRace: false });

const race = (where: Where, acts: ReadonlyArray<Act>): Move =>
  named(where, acts.map(nameOf).join(" + "), { acts, isRace: true });

const named = (
  { step, place }: Where,
  what: string,
  rest: Pick<Move, "acts" | "isRace">,
): Move => ({
  name: `${step}${place === "" ? "" : ` ${place}`}: ${what}`,
  step,
  place,
  what,
  ...rest,
});

const cancel: Act = { do: "cancel" };
const pause: Act = { do: "pause" };
const resume: Act = { do: "resume" };
const crash: Act = { do: "crash", isCreated: true };

/** The last round in which a path asks for a RETRY. */
const maxRound = 2;

/** Everything that may happen one at a time. */
export const singleMoves = (world: World, can: Provocables): ReadonlyArray<Move> => {
  const point = pointIn(world);
  const node = currentNode(world);
  return [
    ...outcomesAt(point, node, can).map((act) => single({ ...whereIs(point), place: "" }, [act])),
    ...wordsAt(world, point).map((acts) => single(whereIs(point), acts)),
    ...signalsAt(world, point).map((act) => single(whereIs(point), [act])),
  ];
};

const whereIs = ({ path, place }: Point): Where =>
  path === null ? { step: place, place: "" } : { step: path, place };

const outcomesAt = (
  { place }: Point,
  node: StepNode | undefined,
  can: Provocables,
): ReadonlyArray<Act> => {
  switch (place) {
    case "queued":
      return [{ do: "start" }];
    case "sending":
    case "cancelling sending":
      return replies.map((reply) => ({ do: "reply", reply }));
    case "waiting":
      return node === undefined
        ? []
        : endingsOf(node, can(node.path)).map((ending) => ({ do: "end", ending }));
    case "cancelling waiting":
      return (["canceled", "valid", "stubborn"] as const).map((ending) => ({ do: "end", ending }));
    case "running":
      return node === undefined
        ? []
        : runEndingsOf(node, can(node.path)).map((ending) => ({ do: "finish", ending }));
    case "awaiting":
      return node === undefined
        ? []
        : signalNodes([node]).flatMap((signal) => signalEndingsOf(signal, can(node.path)));
    case "unknown":
    case "cancelling unknown":
    case "backingOff":
      return [{ do: "wait" }];
    default:
      return [];
  }
};

/**
 * Signals that nobody waits for there: before their step is reached, a second time, or once the wait for them is
 * over. One early signal at a time: that two have come shows nothing that each alone does not, and every further one
 * would double the places a job can stand at.
 */
const signalsAt = (world: World, { place, path }: Point): ReadonlyArray<Act> => {
  if (!isBusy.has(place) && place !== "failed") return [];
  const { plan } = world.setting;
  const { signals, outputs } = world.context;
  const nodes = signalNodes(plan.nodes);
  const early = nodes.find((node) => node.path in signals && outputs[node.path] === undefined);
  return nodes
    .filter((node) => place === "failed" || node.path !== path || node.path in signals)
    .filter((node) => early === undefined || node === early || node.path in signals)
    .map((node) => ({ do: "signal", path: node.path, said: "valid" }));
};

/** What operators and the death of the process do there. */
const wordsAt = (world: World, { place, path }: Point): ReadonlyArray<ReadonlyArray<Act>> => {
  const round = path === null ? 1 : (world.context.steps[path]?.round ?? 1);
  const retry: ReadonlyArray<ReadonlyArray<Act>> = round < maxRound ? [[{ do: "retry" }]] : [];
  if (place === "failed" || place === "asking") return [...retry, [cancel]];
  if (place === "queued") return [[crash], [cancel]];
  const mayCrash = world.context.claims < maxDeaths;
  if (place.startsWith("cancelling")) return mayCrash ? [[crash]] : [];
  if (!isBusy.has(place)) return [];
  const crashes: ReadonlyArray<ReadonlyArray<Act>> =
    place === "sending" ? [[crash], [{ do: "crash", isCreated: false }]] : [[crash]];
  return [[pause, resume], ...(mayCrash ? crashes : []), [cancel]];
};

/** Where a result, a cancel, a pause and a crash may meet. */
const isBusy: ReadonlySet<Place> = new Set([
  "sending",
  "waiting",
  "unknown",
  "backingOff",
  "awaiting",
  "running",
]);

/** Every ordered pair of the step's result, cancel, pause (resumed afterwards) and crash. */
export const raceMoves = (world: World): ReadonlyArray<Move> => {
  const point = pointIn(world);
  const result = forward(world);
  if (!isBusy.has(point.place) || result === undefined || world.context.claims > 0) return [];
  const pairs: ReadonlyArray<ReadonlyArray<Act>> = [
    [result, pause, resume],
    [pause, result, resume],
    [result, crash],
    [crash, result],
    [pause, crash, resume],
    [crash, pause, resume],
    [result, cancel],
    [cancel, result],
    [pause, cancel],
    [cancel, pause],
    [cancel, crash],
    [crash, cancel],
  ];
  return pairs.map((acts) => race(whereIs(point), acts));
};

/** What brings the job on from there; undefined where it rests. */
export const forward = (world: World): Act | undefined => {
  const { place, path } = pointIn(world);
  switch (place) {
    case "queued":
      return { do: "start" };
    case "awaiting":
      return { do: "signal", path: path ?? "", said: "valid" };
    case "sending":
    case "cancelling sending":
      return { do: "reply", reply: "accepted" };
    case "waiting":
      return { do: "end", ending: "valid" };
    case "cancelling waiting":
      return { do: "end", ending: "canceled" };
    case "running":
      return { do: "finish", ending: "valid" };
    case "unknown":
    case "cancelling unknown":
    case "backingOff":
      return { do: "wait" };
    case "asking":
      return cancel;
    default:
      return undefined;
  }
};

/** Whether nothing more can be told of the job but its end: a cancel was among what happened at once. */
export const endsStory = ({ acts, isRace }: Move): boolean =>
  isRace && acts.some((act) => act.do === "cancel");
