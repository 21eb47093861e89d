/** The entries a resident job still needs in memory; everything else is read from the journal when asked for. */
import type { Entry } from "../../machines/entry.ts";

const lasting: ReadonlySet<Entry["type"]> = new Set([
  "JobSubmitted",
  "StepSucceeded",
  "JobCompleted",
]);
const ofStep: ReadonlySet<Entry["type"]> = new Set([
  "StepStarted",
  "PredictionIntended",
  "PredictionRejected",
  "PredictionSettled",
  "PredictionReused",
  "PredictionAbsent",
  "OutputRejected",
  "SignalAwaited",
  "SignalReceived",
]);

export class KeptEntries {
  readonly #entries = new Map<number, Entry>();
  #ofStep: Array<number> = [];

  constructor(entries: ReadonlyArray<Entry>) {
    for (const entry of entries) this.add(entry);
  }

  /** A step's own entries are let go once it has succeeded. */
  add(entry: Entry): void {
    if (entry.type === "StepSucceeded") {
      for (const seq of this.#ofStep) this.#entries.delete(seq);
      this.#ofStep = [];
    }
    if (ofStep.has(entry.type)) this.#ofStep.push(entry.seq);
    if (lasting.has(entry.type) || ofStep.has(entry.type)) this.#entries.set(entry.seq, entry);
  }

  get(seq: number): Entry | undefined {
    return this.#entries.get(seq);
  }
}
