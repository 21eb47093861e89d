/**
 * Transitions that XState has made before, so that it is asked once for each way and not once for each
 * entry: a fraction of the cost. What follows an entry is decided by three things only: the shape of the
 * snapshot (states, history, children), the entry's type, and what the guards say. So each shape keeps,
 * by entry type, the questions XState asked and, at the end of each row of answers, what came of it.
 */
import type { SnapshotFrom } from "xstate";
import type { JobMachine, ServiceSource } from "./compiler.ts";
import type { JobContext } from "./context.ts";
import type { Entry } from "./entry.ts";

export type JobSnapshot = SnapshotFrom<JobMachine>;

/** What of a transition depends on the way it takes and not on the entry itself. */
export interface Way {
  /** A snapshot after it; only its context is another's. */
  readonly after: JobSnapshot;
  readonly start: ReadonlyArray<{ readonly id: string; readonly source: ServiceSource }>;
  readonly stop: ReadonlyArray<string>;
  readonly isAccepted: boolean;
  /** Whether the entry enters the context. */
  readonly isRecorded: boolean;
}

type Asked = { readonly context: JobContext; readonly event: Entry };
export type Guard = (asked: Asked, params: never) => boolean;

/** One question of a transition, and what it was answered. */
export interface Answer {
  readonly guard: Guard;
  readonly params: unknown;
  readonly isTrue: boolean;
}

export interface Taken {
  readonly way: Way;
  /** In the order in which they were asked. */
  readonly answers: ReadonlyArray<Answer>;
}

/** The next question of a way, or its end. */
type Branch =
  | { readonly end: Way }
  | {
      readonly guard: Guard;
      readonly params: unknown;
      readonly yes: Branch | undefined;
      readonly no: Branch | undefined;
    };

/** The states, children and history that a snapshot shares with every other of its shape. */
class Shape {
  readonly ways = new Map<Entry["type"], Branch>();
}

/** Carried over wherever a snapshot is copied with another context. */
const shapeKey = Symbol("shape");

const shapeOf = (snapshot: JobSnapshot): Shape | undefined => {
  const shape: unknown = shapeKey in snapshot ? snapshot[shapeKey] : undefined;
  return shape instanceof Shape ? shape : undefined;
};

export class TransitionMemory {
  readonly #shaped = new Map<string, JobSnapshot>();

  /** The snapshot as the first of its shape was, with this one's context. */
  shaped(snapshot: JobSnapshot): JobSnapshot {
    const key = keyOf(snapshot);
    const known = this.#shaped.get(key);
    if (known !== undefined) return withContext(known, snapshot.context);
    const shaped = Object.assign({ ...snapshot }, { [shapeKey]: new Shape() });
    this.#shaped.set(key, shaped);
    return shaped;
  }

  /** The way an entry takes from here; undefined where it was never taken. */
  recall(snapshot: JobSnapshot, entry: Entry): Way | undefined {
    let branch = shapeOf(snapshot)?.ways.get(entry.type);
    if (branch === undefined) return undefined;
    const asked = { context: snapshot.context, event: entry };
    while (branch !== undefined && !("end" in branch)) {
      // Its own parameters, as XState gave them to it.
      branch = branch.guard(asked, branch.params as never) ? branch.yes : branch.no;
    }
    return branch?.end;
  }

  /** Keeps a way that was just taken, under the questions that led to it. */
  keep(snapshot: JobSnapshot, entry: Entry, { answers, way }: Taken): void {
    const ways = shapeOf(snapshot)?.ways;
    ways?.set(entry.type, grown(ways.get(entry.type), answers, way));
  }
}

/** A snapshot of the same shape that remembers something else. */
export const withContext = (snapshot: JobSnapshot, context: JobContext): JobSnapshot => ({
  ...snapshot,
  context,
});

/** The tree with one more way in it. */
const grown = (branch: Branch | undefined, answers: ReadonlyArray<Answer>, way: Way): Branch => {
  const [first, ...rest] = answers;
  if (first === undefined) return { end: way };
  const { guard, params, isTrue } = first;
  const question =
    branch === undefined || "end" in branch
      ? { guard, params, yes: undefined, no: undefined }
      : branch;
  return isTrue
    ? { ...question, yes: grown(question.yes, rest, way) }
    : { ...question, no: grown(question.no, rest, way) };
};

/** Equal for snapshots from which every entry, with equal answers, leads to the same. */
const keyOf = (snapshot: JobSnapshot): string =>
  JSON.stringify([
    snapshot.status,
    snapshot.value,
    Object.keys(snapshot.children).toSorted(),
    Object.entries(snapshot.historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]),
  ]);
