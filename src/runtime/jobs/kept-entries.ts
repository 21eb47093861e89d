/** The entries a resident job still needs in memory; everything else is read from the journal when asked for. */
import type { Entry } from "../../machines/entry.ts";

/** For as long as the job is resident, or until its step has succeeded. */
const keptFor: ReadonlyMap<Entry["type"], "job" | "step"> = new Map([
  ["JobSubmitted", "job"],
  ["StepSucceeded", "job"],
  ["JobCompleted", "job"],
  ["StepStarted", "step"],
  ["PredictionIntended", "step"],
  ["PredictionRejected", "step"],
  ["PredictionSettled", "step"],
  ["PredictionReused", "step"],
  ["PredictionAbsent", "step"],
  ["OutputRejected", "step"],
  ["SignalAwaited", "step"],
  ["SignalReceived", "step"],
]);

export class KeptEntries {
  readonly #entries = new Map<number, Entry>();
  readonly #ofStep: Array<number> = [];

  constructor(entries: ReadonlyArray<Entry>) {
    for (const entry of entries) this.add(entry);
  }

  /** A step's own entries are let go once it has succeeded. */
  add(entry: Entry): void {
    if (entry.type === "StepSucceeded") {
      for (const seq of this.#ofStep) this.#entries.delete(seq);
      this.#ofStep.length = 0;
    }
    const kept = keptFor.get(entry.type);
    if (kept === "step") this.#ofStep.push(entry.seq);
    if (kept !== undefined) this.#entries.set(entry.seq, entry);
  }

  get(seq: number): Entry | undefined {
    return this.#entries.get(seq);
  }
}
