/**
 * A greedy cover: from where a path stands, the nearest thing that no path has done yet; a new path
 * begins where none is in reach or the path is long enough to be read. What lets the job go on comes
 * before what ends it, so that few paths do much.
 */
import {
  endsStory,
  type Move,
  playMove,
  pointIn,
  type Provocables,
  raceMoves,
  singleMoves,
} from "./moves.ts";
import type { World } from "./world.ts";

/** One step of a walk: where it was, what happened, and the world after it. */
export interface Stride {
  readonly before: World;
  readonly move: Move;
  readonly after: World;
}

export type Walk = ReadonlyArray<Stride>;

interface Option {
  readonly move: Move;
  /** What this does that may be new: the move itself, and the machine's transitions. */
  readonly covers: ReadonlyArray<string>;
  /** The job runs on afterwards. */
  readonly goesOn: boolean;
}

export interface Searched {
  readonly starts: ReadonlyArray<World>;
  readonly can: Provocables;
  /** Transitions that some job can take. */
  readonly transitions: ReadonlySet<string>;
}

/** More than this in one path would be hard to follow when it fails. */
const maxNews = 8;

/** The walks that together do everything within reach. */
export const cover = (searched: Searched): ReadonlyArray<Walk> => {
  const { starts, transitions } = searched;
  const graph = new Graph(searched);
  const covered = new Set<string>();
  const isNews = ({ covers }: Option): boolean => covers.some((one) => !covered.has(one));
  const nearest: Nearest = (from, wanted) => {
    const way = graph.wayTo(from, isNews, wanted);
    return way === undefined ? undefined : replayed(from, way);
  };
  const mark = (walk: Walk): void => {
    for (const stride of walk) for (const one of coversOf(stride, transitions)) covered.add(one);
  };
  const walks: Array<Walk> = [];
  while (true) {
    const walk = oneWalk(starts, nearest, mark);
    if (walk.length === 0) return walks;
    walks.push(walk);
  }
};

/** The shortest way from the world to a wanted option, that option included. */
type Nearest = (from: World, wanted: Wanted) => Walk | undefined;

type Claim = (option: Option) => boolean;

/** Which news is looked for: any, or such as the job runs on after. */
type Wanted = "goingOn" | "any";

const isOf: { readonly [Name in Wanted]: Claim } = {
  goingOn: ({ goesOn }) => goesOn,
  any: () => true,
};

/** Worlds by key, each with what may happen in it; grown as far as somebody looks. */
class Graph {
  readonly #searched: Searched;
  readonly #nodes = new Map<string, GraphNode>();

  constructor(searched: Searched) {
    this.#searched = searched;
  }

  #node(world: World): GraphNode {
    const key = keyOf(world);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const { can, transitions } = this.#searched;
    const strides = singleMoves(world, can).map(
      (move): Stride => ({ before: world, move, after: playMove(world, move) }),
    );
    const singles = strides.map((stride): Option => {
      const { standing } = stride.after;
      const goesOn = standing === "running" || standing === "queued";
      return { move: stride.move, covers: coversOf(stride, transitions), goesOn };
    });
    // Races are played when they are chosen: they lead nowhere that single moves do not.
    const races = raceMoves(world).map(
      (move): Option => ({ move, covers: [move.name], goesOn: !endsStory(move) }),
    );
    const node = { strides, options: [...singles, ...races], next: [], isBarren: noneBarren() };
    this.#nodes.set(key, node);
    return node;
  }

  /** The nodes that single moves lead to, in their order. */
  #next(node: GraphNode): ReadonlyArray<GraphNode> {
    if (node.next.length === 0) node.next = node.strides.map(({ after }) => this.#node(after));
    return node.next;
  }

  /**
   * What is no news any more never is again: it is forgotten on the way. So are places from which nothing wanted is
   * in reach: without that, most of the time would go into looking for what is not there.
   */
  wayTo(from: World, isNews: Claim, wanted: Wanted): ReadonlyArray<Move> | undefined {
    const start = this.#node(from);
    if (start.isBarren[wanted]) return undefined;
    const cameBy = new Map<GraphNode, Step | null>([[start, null]]);
    // Grows while it is walked: breadth first.
    for (const node of cameBy.keys()) {
      node.options = node.options.filter(isNews);
      const found = node.options.find(isOf[wanted]);
      if (found !== undefined) return [...movesTo(node, cameBy), found.move];
      for (const [index, next] of this.#next(node).entries()) {
        const stride = node.strides[index];
        if (stride !== undefined && !next.isBarren[wanted] && !cameBy.has(next))
          cameBy.set(next, { from: node, move: stride.move });
      }
    }
    for (const node of cameBy.keys()) node.isBarren[wanted] = true;
    return undefined;
  }
}

interface GraphNode {
  readonly strides: ReadonlyArray<Stride>;
  options: ReadonlyArray<Option>;
  next: ReadonlyArray<GraphNode>;
  /** No such news is in reach from here, and none ever will be. */
  readonly isBarren: { [Name in Wanted]: boolean };
}

const noneBarren = (): GraphNode["isBarren"] => ({ goingOn: false, any: false });

interface Step {
  readonly from: GraphNode;
  readonly move: Move;
}

const movesTo = (
  node: GraphNode,
  cameBy: ReadonlyMap<GraphNode, Step | null>,
): ReadonlyArray<Move> => {
  const moves: Array<Move> = [];
  let step = cameBy.get(node);
  while (step !== undefined && step !== null) {
    moves.unshift(step.move);
    step = cameBy.get(step.from);
  }
  return moves;
};

const oneWalk = (
  starts: ReadonlyArray<World>,
  nearest: Nearest,
  mark: (walk: Walk) => void,
): Walk => {
  const walk: Array<Stride> = [];
  for (let news = 0; news < maxNews; news += 1) {
    const froms = walk.length === 0 ? starts : walk.slice(-1).map(({ after }) => after);
    const way =
      firstOf(froms, (from) => nearest(from, "goingOn")) ??
      firstOf(froms, (from) => nearest(from, "any"));
    if (way === undefined) return walk;
    walk.push(...way);
    mark(way);
    if (way.some(({ move }) => endsStory(move))) return walk;
  }
  return walk;
};

/** Worlds of one key differ in their past: the way is walked again from where it truly begins. */
const replayed = (from: World, way: ReadonlyArray<Move>): Walk => {
  let before = from;
  return way.map((move) => {
    const stride = { before, move, after: playMove(before, move) };
    before = stride.after;
    return stride;
  });
};

const firstOf = <A, B>(all: ReadonlyArray<A>, find: (one: A) => B | undefined): B | undefined => {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** A move counts once for each step it can happen to, a cancelled job's anywhere: its step is over. */
const coversOf = (
  { move, before, after }: Stride,
  transitions: ReadonlySet<string>,
): ReadonlyArray<string> => {
  const { place } = pointIn(before);
  const taken = move.isRace ? [] : after.taken.filter((id) => transitions.has(id));
  return place === "failed" || place === "queued" || place.startsWith("cancelling")
    ? [`${place}: ${move.acts.map(({ do: what }) => what).join()} ${move.name}`, ...taken]
    : [move.name, ...taken];
};

/** Worlds in which the same may happen with the same consequences. */
const keyOf = (world: World): string => {
  const { standing, context, remote } = world;
  const open = Object.values(remote).join();
  const point = pointIn(world);
  if (standing === "cancelling") return `${point.place} ${open} ${context.claims}`;
  if (standing === "cancelled" || standing === "complete") return standing;
  const path = point.path ?? "";
  const { phase, round, attemptsInRound, repairs, call } = context.steps[path] ?? {};
  const { kind } = context.failure ?? {};
  return JSON.stringify([
    standing,
    path,
    kind,
    [phase, round, attemptsInRound, repairs, call?.state, open],
    context.claims,
    Object.keys(context.signals),
  ]);
};
