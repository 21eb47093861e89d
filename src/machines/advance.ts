/**
 * The driver's pure half: `advance(snapshot, entry)` says what follows and which services start and
 * stop. Live run, recovery and time travel are this one function; it runs no service and keeps nothing.
 */
import { createActor } from "xstate";
import { compile, type JobMachine, type ServiceSource } from "./compiler.ts";
import type { Entry } from "./entry.ts";
import { cancellingService, outputPath, type PipelinePlan } from "./plan.ts";
import { record } from "./record.ts";
import {
  type Answer,
  type Guard,
  type JobSnapshot,
  TransitionMemory,
  withContext,
} from "./transition-memory.ts";

export type { JobSnapshot } from "./transition-memory.ts";

/** A service that a state invokes, by its id: a step's path, `(output)` or `(cancelling)`. */
export interface Service {
  readonly id: string;
  readonly source: ServiceSource;
}

export interface Advanced {
  readonly snapshot: JobSnapshot;
  readonly start: ReadonlyArray<Service>;
  readonly stop: ReadonlyArray<string>;
  /** False where the machine has no use for the entry in this state: it must not be appended. */
  readonly isAccepted: boolean;
}

export interface JobDriver {
  readonly machine: JobMachine;
  readonly initial: JobSnapshot;
  advance(snapshot: JobSnapshot, entry: Entry): Advanced;
  /** The snapshot after all entries. Throws JournalMismatch where one does not fit. */
  fold(entries: ReadonlyArray<Entry>): JobSnapshot;
  /** The services that the snapshot's states invoke: what a resumed job starts. */
  services(snapshot: JobSnapshot): ReadonlyArray<Service>;
}

/** A stored entry that the machine does not accept where it stands: another pipeline, or a damaged journal. */
export class JournalMismatch extends Error {
  override readonly name = "JournalMismatch";
  readonly seq: number;
  readonly entryType: string;
  constructor(entry: Entry, state: string) {
    super(
      `Entry ${entry.seq} (${entry.type}) does not fit the state ${state} of this pipeline's machine`,
    );
    this.seq = entry.seq;
    this.entryType = entry.type;
  }
}

const sourceOf = (id: string): ServiceSource => {
  if (id === outputPath) return "output";
  return id === cancellingService ? "cancelling" : "step";
};

interface Action {
  readonly type: string;
  readonly params?: unknown;
}

const idIn = (params: unknown): string | undefined => {
  if (typeof params !== "object" || params === null || !("id" in params)) return undefined;
  return typeof params.id === "string" ? params.id : undefined;
};

const idsOf = (actions: ReadonlyArray<Action>, type: string): ReadonlyArray<string> =>
  actions.filter((action) => action.type === type).flatMap((action) => idIn(action.params) ?? []);

/** A driver for the plan's machine. One is enough for all jobs of a pipeline. */
export const makeDriver = (plan: PipelinePlan, compiled: JobMachine = compile(plan)): JobDriver => {
  const answers: Array<Answer> = [];
  const machine = observed(compiled, (answer) => answers.push(answer));
  const memory = new TransitionMemory();
  const actions: Array<Action> = [];
  const scope = scopeOf(machine, actions);
  const initial = memory.shaped(machine.getInitialSnapshot(scope));

  /** Asks XState. What it answers is true of every snapshot of this shape that answers its guards alike. */
  const make = (snapshot: JobSnapshot, entry: Entry): Advanced => {
    actions.length = 0;
    answers.length = 0;
    const next = machine.transition(snapshot, entry, scope);
    const isAccepted = next !== snapshot;
    const after = isAccepted ? memory.shaped(next) : snapshot;
    const way = {
      after,
      start: idsOf(actions, "xstate.spawnChild").map(serviceOf),
      // XState names the child to stop by its reference, which has the id as well.
      stop: idsOf(actions, "xstate.stopChild"),
      isAccepted,
      isRecorded: next.context !== snapshot.context,
    };
    memory.keep(snapshot, entry, { answers, way });
    return { ...way, snapshot: after };
  };
  const advance = (snapshot: JobSnapshot, entry: Entry): Advanced => {
    const way = memory.recall(snapshot, entry);
    if (way === undefined) return make(snapshot, entry);
    const { after, start, stop, isAccepted, isRecorded } = way;
    if (!isAccepted) return { snapshot, start, stop, isAccepted };
    const context = isRecorded ? record(snapshot.context, entry) : snapshot.context;
    return { snapshot: withContext(after, context), start, stop, isAccepted };
  };
  const fold = (entries: ReadonlyArray<Entry>): JobSnapshot => {
    let snapshot = initial;
    for (const entry of entries) {
      const advanced = advance(snapshot, entry);
      if (!advanced.isAccepted) throw new JournalMismatch(entry, JSON.stringify(snapshot.value));
      snapshot = advanced.snapshot;
    }
    return snapshot;
  };
  return { machine, initial, advance, fold, services };
};

/** The same machine, whose guards tell what they were asked and what they answered. */
const observed = (machine: JobMachine, tell: (answer: Answer) => void): JobMachine => {
  const guards = Object.entries(machine.implementations.guards).map(([name, implementation]) => {
    // The compiler gives functions only, each with the parameters of its own name.
    const guard = implementation as Guard;
    const telling = (asked: Parameters<Guard>[0], params: never): boolean => {
      const isTrue = guard(asked, params);
      tell({ guard, params, isTrue });
      return isTrue;
    };
    return [name, telling];
  });
  // The same names and the same functions: the type is that of the machine they came from.
  return machine.provide({ guards: Object.fromEntries(guards) as never });
};

/** One scope for all transitions: making an actor for each costs several times the transition itself. */
const scopeOf = (machine: JobMachine, actions: Array<Action>) => {
  // Never started: it only lends its identity to the transitions.
  const self = createActor(machine);
  return {
    self,
    system: self.system,
    id: "job",
    sessionId: "job",
    logger: () => undefined,
    defer: () => undefined,
    stopChild: () => undefined,
    emit: () => undefined,
    actionExecutor: (action: Action) => {
      actions.push(action);
    },
  };
};

const serviceOf = (id: string): Service => ({ id, source: sourceOf(id) });

const services = (snapshot: JobSnapshot): ReadonlyArray<Service> =>
  Object.keys(snapshot.children).map(serviceOf);
