/**
 * The paths through a pipeline: for every step every way it can end, and at every place every ordered
 * pair of its result, a cancel, a pause and a crash, until every transition of the compiled machine has
 * been taken. Pure: each path says what happens, where the job then stands, and how it must end.
 */
import { type JobDriver } from "./advance.ts";
import type { Fact } from "./entry.ts";
import type { PipelinePlan } from "./plan.ts";
import { cover, type Stride, type Walk } from "./paths/cover.ts";
import {
  endsStory,
  forward,
  type Move,
  playMove,
  pointIn,
  type Provocables,
} from "./paths/moves.ts";
import { play } from "./paths/play.ts";
import type { Point } from "./paths/point.ts";
import { type Transition, transitionsOf, whyImpossible } from "./paths/transitions.ts";
import {
  append,
  emptyWorld,
  type Setting,
  settle,
  type Standing,
  type World,
} from "./paths/world.ts";

export interface PlannedMove {
  readonly move: Move;
  /** Where the job must stand before. */
  readonly from: Point;
  /** Where the job must get to; null where the order of what happened at once decides. */
  readonly to: Point | null;
}

export interface PlannedEnd {
  readonly standing: Standing;
  /** Of what the job failed last, whatever became of it afterwards. */
  readonly failureKind: string | null;
}

export interface PlannedPath {
  readonly name: string;
  /** Its place among all of the pipeline's paths, from 0. */
  readonly index: number;
  /** The job waits as a row until the path starts it. */
  readonly isQueued: boolean;
  readonly moves: ReadonlyArray<PlannedMove>;
  /** How the job may end: more than one only where a cancel met something else. */
  readonly ends: ReadonlyArray<PlannedEnd>;
  /** The journal's facts by type; null where a race or a crash leaves their order open. */
  readonly facts: ReadonlyArray<Fact["type"]> | null;
}

export interface PathPlan {
  readonly paths: ReadonlyArray<PlannedPath>;
  /** The machine's transitions that a job of this pipeline can take. */
  readonly transitions: ReadonlyArray<string>;
  /** Those none can take, and why. */
  readonly impossible: ReadonlyArray<{ readonly id: string; readonly why: string }>;
}

/** Plans the paths. Same pipeline, same paths. */
export const planPaths = (plan: PipelinePlan, driver: JobDriver, can: Provocables): PathPlan => {
  const sorted = sortTransitions(plan, transitionsOf(driver.machine), can);
  const starts = startsOf({ plan, driver });
  const walks = cover({ starts, can, transitions: new Set(sorted.transitions) });
  const names = new Map<string, number>();
  const paths = walks.map((walk, index): PlannedPath => {
    const path = finished(walk);
    const count = (names.get(path.name) ?? 0) + 1;
    names.set(path.name, count);
    return { ...path, index, name: count === 1 ? path.name : `${path.name} (${count})` };
  });
  return { paths, ...sorted };
};

const sortTransitions = (
  plan: PipelinePlan,
  all: ReadonlyArray<Transition>,
  can: Provocables,
): Pick<PathPlan, "transitions" | "impossible"> => {
  const judged = all.map((transition) => {
    const path = transition.source.replace("running.", "");
    const isUnknownRepair = transition.event === "OutputRejected" && !can(path).invalid;
    const why = isUnknownRepair
      ? "no answer is known that does not decode"
      : whyImpossible(plan, transition);
    return { id: transition.id, why };
  });
  return {
    transitions: judged.flatMap(({ id, why }) => (why === undefined ? [id] : [])),
    impossible: judged.flatMap(({ id, why }) => (why === undefined ? [] : [{ id, why }])),
  };
};

/** A job that starts at once, and one that waits for a slot. */
const startsOf = (setting: Setting): ReadonlyArray<World> => {
  const { name, version } = setting.plan;
  const submitted = append(emptyWorld(setting), {
    type: "JobSubmitted",
    pipeline: name,
    version,
    fingerprint: "",
    input: { json: null },
  });
  return [settle(play(submitted, { do: "start" })), submitted];
};

/** The longest way to an end: every step of a long pipeline takes a few moves. */
const maxMoves = 1_000;

/** The walk with the shortest way to the job's end after it. */
const finished = (walk: Walk): Omit<PlannedPath, "index"> => {
  const strides: Array<Stride> = [...walk];
  const last = strides.at(-1);
  const isOpenEnded = last !== undefined && endsStory(last.move);
  let world = last?.after;
  while (world !== undefined && !isOpenEnded && strides.length < maxMoves) {
    const act = forward(world);
    if (act === undefined) break;
    const move = { name: "", step: "", place: "", what: "", acts: [act], isRace: false };
    const after = playMove(world, move);
    strides.push({ before: world, move, after });
    world = after;
  }
  return pathOf(walk, strides);
};

const pathOf = (walk: Walk, strides: Walk): Omit<PlannedPath, "index"> => {
  const last = strides.at(-1);
  const isCertain = strides.every(({ move }) => !move.isRace && !move.acts.some(isCrash));
  return {
    name: nameOf(walk.filter(isNoteworthy).map(({ move }) => move)),
    isQueued: strides[0]?.before.standing === "queued",
    moves: strides.map(({ before, move, after }) => ({
      move,
      from: pointIn(before),
      to: endsStory(move) ? null : pointIn(after),
    })),
    ends: last === undefined ? [] : endsOf(last),
    facts: isCertain ? (last?.after.facts ?? null) : null,
  };
};

/** What happens, one after the other; a step is named where it is another than before. */
const nameOf = (moves: ReadonlyArray<Move>): string =>
  moves
    .map(({ step, place, what }, index) => {
      const before = moves[index - 1];
      if (before?.step !== step) return `${step}${place === "" ? "" : ` ${place}`}: ${what}`;
      return place === "" || place === before.place ? what : `${place}: ${what}`;
    })
    .join("; ") || "every step succeeds";

const isCrash = (act: Move["acts"][number]): boolean => act.do === "crash";

/** All but what just brings a job forward. */
const isNoteworthy = ({ before, move }: Stride): boolean => {
  const act = forward(before);
  return move.isRace || JSON.stringify(move.acts) !== JSON.stringify([act]);
};

/** Both orders of what happened at once are right, and each has its own end. */
const endsOf = ({ before, move, after }: Stride): ReadonlyArray<PlannedEnd> => {
  if (!endsStory(move)) return [endOf(after)];
  const orders = [move.acts, move.acts.toReversed()];
  return orders.map((acts) => endOf(drained(acts.reduce(play, before))));
};

const endOf = ({ standing, context }: World): PlannedEnd => ({
  standing,
  failureKind: context.failure?.kind ?? null,
});

const drained = (world: World): World => {
  const act = forward(world);
  return act === undefined || world.standing === "running" ? world : drained(play(world, act));
};
