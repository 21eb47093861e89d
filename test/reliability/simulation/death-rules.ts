/**
 * Whose doing a death may be, as the world saw it: what was at work for a job in the very process is held
 * against it, and a job that only waited is never suspected.
 */
import type { Entry } from "../../../src/machines/entry.ts";
import type { AppendEntries } from "../../../src/runtime/journal-store.ts";
import type { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import type { Mortal } from "./mortal.ts";
import { modelSteps } from "./pipelines.ts";

type Role = "innocent" | "at work";

export class DeathRules {
  readonly #journals: MemoryJournals;
  /** Owner and job, once for each thing that is going on. */
  readonly #working = new Map<string, number>();
  /** Owner and job, when the owner died. */
  readonly #roles = new Map<string, Role>();

  constructor({ journals }: { readonly journals: MemoryJournals }) {
    this.#journals = journals;
  }

  atWork(process: Mortal, jobId: string): () => void {
    const key = `${process.owner} ${jobId}`;
    this.#working.set(key, (this.#working.get(key) ?? 0) + 1);
    return () => {
      this.#working.set(key, (this.#working.get(key) ?? 0) - 1);
    };
  }

  died({ owner }: Mortal): void {
    for (const [jobId, { job, entries }] of this.#journals.files) {
      if (owner === null || job.owner !== owner) continue;
      const key = `${owner} ${jobId}`;
      const role = this.#roleOf({ jobId, owner, entries });
      if (role !== undefined) this.#roles.set(key, role);
    }
  }

  #roleOf({ jobId, owner, entries }: Seen): Role | undefined {
    const isWorking = (this.#working.get(`${owner} ${jobId}`) ?? 0) > 0;
    if (isWorking) return hasBegun(entries) ? "at work" : undefined;
    const rows = [...this.#journals.predictions.values()].filter((row) => row.jobId === jobId);
    const isCopying = rows.some(
      ({ copying, state }) => copying?.by === owner && state === "accepted",
    );
    return isCopying || !onlyWaits(entries) ? undefined : "innocent";
  }

  /** What the takeover says of the job, against what the world saw of the death. */
  claimed({ jobId, entries }: AppendEntries, owner: string | null): ReadonlyArray<string> {
    const claim = entries.find((entry) => entry.type === "Claimed");
    const role = this.#roles.get(`${owner} ${jobId}`);
    if (claim?.isTakeover !== true || role === undefined) return [];
    if (claim.isSuspect === (role === "at work")) return [];
    return [`${jobId} was ${role} when ${owner} died, its takeover says the opposite`];
  }
}

interface Seen {
  readonly jobId: string;
  readonly owner: string;
  readonly entries: ReadonlyArray<Entry>;
}

/** Where a function runs before its start is durable, nobody can know it afterwards. */
const hasBegun = (entries: ReadonlyArray<Entry>): boolean => {
  const last = entries.findLast(
    ({ type }) =>
      type === "StepStarted" ||
      type === "AttemptFailed" ||
      type === "StepSucceeded" ||
      type === "PredictionAccepted",
  );
  return last?.type === "StepStarted" || last?.type === "PredictionAccepted";
};

/** A function's back-off may be over by the time of the takeover: whether it was before, nobody knows. */
const onlyWaits = (entries: ReadonlyArray<Entry>): boolean => {
  const last = entries.at(-1);
  // What was sent early is judged as soon as its step is reached.
  if (last?.type === "SignalAwaited") return !entries.some(({ type }) => type === "SignalReceived");
  return isWait(last);
};

const isWait = (last: Entry | undefined): boolean =>
  last?.type === "PredictionAccepted" ||
  last?.type === "PredictionUnknown" ||
  last?.type === "AttemptHeld" ||
  (last?.type === "AttemptFailed" && modelSteps.has(last.path));
