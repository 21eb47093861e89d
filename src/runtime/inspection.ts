/**
 * Feeds Stately's inspector with jobs, live or past. A job is no running actor, so that its registration,
 * its entries (as events) and its snapshots are sent by hand, for an inspector made by `createInspector`
 * of `@statelyai/inspect`; that package is never loaded from here. Payloads and what failures say stay
 * inside unless they are asked for, and the unguessable keys of intents always do.
 */
import { randomUUID } from "node:crypto";
import { type ActorRefLike, initialTransition, transition } from "xstate";
import type { JobSnapshot } from "../machines/advance.ts";
import { compile, type JobMachine } from "../machines/compiler.ts";
import type { Entry } from "../machines/entry.ts";
import type { PipelinePlan } from "../machines/plan.ts";
import { Redaction, type RedactionOptions } from "./inspection-redaction.ts";
import type { Observation } from "./jobs/job-host.ts";

/** What is used of an inspector; one of `createInspector` has it. */
export interface StatelyInspector {
  actor(actor: InspectedActor, snapshot: InspectedSnapshot): void;
  event(sessionId: string, event: InspectedEvent): void;
  snapshot(sessionId: string, snapshot: InspectedSnapshot, info: { event: InspectedEvent }): void;
}

/** The machine is what the inspector draws. */
type InspectedActor = ActorRefLike & { readonly logic: JobMachine };

interface InspectedSnapshot {
  readonly status: JobSnapshot["status"];
  readonly value: JobSnapshot["value"];
  readonly context: unknown;
}

interface InspectedEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface StatelyInspectionOptions extends RedactionOptions {
  /** Stands before every session id, so that jobs of several processes can be told apart. Default: random. */
  readonly processId?: string;
}

/** The `inspect` option of `Catena.start`, for Stately's inspector. */
export interface StatelyInspection {
  (observation: Observation): void;
  /** Registers the jobs that do not rest once more, as they are now: for a viewer who came late. */
  readonly resend: () => void;
}

/** Sends every job that is observed from now on. A job first seen in the middle begins as it is then. */
export const statelyInspection = (
  inspector: StatelyInspector,
  options: StatelyInspectionOptions = {},
): StatelyInspection => {
  const idOf = sessionIds(options);
  const sessions = new Map<string, Session>();
  const inspect = ({ jobId, entries, snapshot, record }: Observation): void => {
    const known = sessions.get(jobId);
    const isNext = entries[0]?.seq === (known?.seq ?? 0) + 1;
    const first = isNext ? initialOf(snapshot.machine) : snapshot;
    const seq = isNext ? 0 : (entries.at(-1)?.seq ?? 0);
    const beginning = { inspector, id: idOf(jobId), snapshot: first, seq, options };
    const session = known !== undefined && isNext ? known : new Session(beginning);
    if (isNext) session.follow(entries);
    // One that rests is let go; should it be tried again, it is registered as it is then.
    if (record.status === "pending" || record.status === "processing") sessions.set(jobId, session);
    else sessions.delete(jobId);
  };
  const resend = (): void => {
    for (const session of sessions.values()) session.register();
  };
  return Object.assign(inspect, { resend });
};

/** A job of the past: its journal, and the pipeline it was made by. */
export interface PastJob {
  readonly jobId: string;
  readonly pipeline: { readonly plan: PipelinePlan };
  readonly entries: ReadonlyArray<Entry>;
}

/** Sends a whole journal as if it happened now. */
export const statelyReplay = (
  inspector: StatelyInspector,
  { jobId, pipeline, entries }: PastJob,
  options: StatelyInspectionOptions = {},
): void => {
  const id = sessionIds(options)(jobId);
  const snapshot = initialOf(compile(pipeline.plan));
  new Session({ inspector, id, snapshot, seq: 0, options }).follow(entries);
};

const sessionIds =
  ({ processId = randomUUID().slice(0, 8) }: StatelyInspectionOptions) =>
  (jobId: string): string =>
    `${processId}-${jobId}`;

/** Every job of a machine begins alike. */
const initialOf = (machine: JobSnapshot["machine"]): JobSnapshot => initialTransition(machine)[0];

interface Beginning {
  readonly inspector: StatelyInspector;
  readonly id: string;
  readonly snapshot: JobSnapshot;
  /** The last entry that is in the snapshot. */
  readonly seq: number;
  readonly options: RedactionOptions;
}

/** One job on the inspector's screen, registered from its beginning on. */
class Session {
  readonly #inspector: StatelyInspector;
  readonly #id: string;
  readonly #redaction: Redaction;
  #snapshot: JobSnapshot;
  seq: number;

  constructor({ inspector, id, snapshot, seq, options }: Beginning) {
    this.seq = seq;
    this.#inspector = inspector;
    this.#id = id;
    this.#redaction = new Redaction(options);
    this.#snapshot = snapshot;
    this.register();
  }

  register(): void {
    const snapshot = this.#snapshot;
    const actor = {
      sessionId: this.#id,
      logic: snapshot.machine,
      send: () => undefined,
      getSnapshot: () => snapshot,
    };
    this.#inspector.actor(actor, this.#shown(snapshot));
  }

  /** Each entry with the state it leads to: a commit may hold several. */
  follow(entries: ReadonlyArray<Entry>): void {
    for (const entry of entries) {
      const [snapshot] = transition(this.#snapshot.machine, this.#snapshot, entry);
      this.#snapshot = snapshot;
      this.seq = entry.seq;
      const event = { ...this.#redaction.entry(entry), type: entry.type };
      this.#inspector.event(this.#id, event);
      this.#inspector.snapshot(this.#id, this.#shown(snapshot), { event });
    }
  }

  #shown({ status, value, context }: JobSnapshot): InspectedSnapshot {
    return { status, value, context: this.#redaction.context(context) };
  }
}
