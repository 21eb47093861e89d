/**
 * All predictions, in memory for reading and in an append-only log for the next process. Saving writes the whole
 * record; opening folds the log to the last record of each id. Prediction first, ledger second: opening books what
 * a kill between the two left out.
 */
import { isPrediction, type Prediction } from "../predictions/prediction.ts";
import type { Ledger } from "./ledger.ts";
import type { RecordLog } from "./record-log.ts";

export class PredictionStore {
  readonly #log: RecordLog;
  readonly #ledger: Ledger;
  readonly #byId = new Map<string, Prediction>();
  readonly #idByStream = new Map<string, string>();
  readonly #watchers = new Map<string, Set<() => void>>();

  constructor(log: RecordLog, ledger: Ledger) {
    this.#log = log;
    this.#ledger = ledger;
    for (const record of log.stored) if (isPrediction(record)) this.#remember(record);
    for (const prediction of this.#byId.values()) ledger.book(prediction);
  }

  get(id: string): Prediction | undefined {
    return this.#byId.get(id);
  }

  /** The prediction whose output is streamed under this token. */
  ofStream(token: string): Prediction | undefined {
    return this.#byId.get(this.#idByStream.get(token) ?? "");
  }

  /** Oldest first. */
  all(): readonly Prediction[] {
    return [...this.#byId.values()];
  }

  /** Stores the record and books it; after a SIGKILL it is still there. */
  save(prediction: Prediction): void {
    this.#log.append(prediction);
    this.#remember(prediction);
    this.#ledger.book(prediction);
  }

  /** Changes a stored prediction and returns it; undefined where there is none. */
  update(id: string, change: Partial<Prediction>): Prediction | undefined {
    const before = this.#byId.get(id);
    if (before === undefined) return undefined;
    const after = { ...before, ...change };
    this.save(after);
    return after;
  }

  /** Changes what is seen and stores nothing: for a growing output, which a restart makes again. */
  show(id: string, change: Partial<Prediction>): Prediction | undefined {
    const before = this.#byId.get(id);
    if (before === undefined) return undefined;
    const after = { ...before, ...change };
    this.#remember(after);
    return after;
  }

  /** Calls back whenever this prediction changed or was forgotten, until the returned function is called. */
  watch(id: string, onChange: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(onChange));
    return () => {
      watchers.delete(onChange);
      if (watchers.size === 0) this.#watchers.delete(id);
    };
  }

  clear(): void {
    const ids = [...this.#byId.keys()];
    this.#log.clear();
    this.#byId.clear();
    this.#idByStream.clear();
    for (const id of ids) this.#tellWatchers(id);
  }

  close(): void {
    this.#log.close();
  }

  #remember(prediction: Prediction): void {
    this.#byId.set(prediction.id, prediction);
    if (prediction.streamToken !== undefined)
      this.#idByStream.set(prediction.streamToken, prediction.id);
    this.#tellWatchers(prediction.id);
  }

  #tellWatchers(id: string): void {
    for (const onChange of this.#watchers.get(id) ?? []) onChange();
  }
}
