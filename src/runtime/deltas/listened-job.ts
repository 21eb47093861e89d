/**
 * One job while somebody listens to it: which of its predictions are at work is read from the ledger after
 * every commit, and what they write is kept once for all listeners, each of whom knows how far it has read.
 */
import { Effect, FiberMap, Latch, Option, type Scope, Stream } from "effect";
import { GrowingText } from "../../steps/growing-text.ts";
import type { Delta } from "./delta.ts";
import type { JobChanges } from "../jobs/job-changes.ts";
import { isRest } from "../jobs/rest-waiters.ts";
import type { JournalStore, PredictionRow } from "../journal-store.ts";
import type { Providers } from "../predictions/providers.ts";

export interface DeltaSources {
  readonly store: JournalStore["Service"];
  readonly providers: Pick<Providers, "client">;
  readonly changes: JobChanges;
}

/** How often (ms) the row is looked at: a job that another process runs tells nobody here. */
const lookEveryMs = 1_000;
/** Calls that have ended and may not have been read to their end; older ones are let go. */
const maxEndedCalls = 8;

interface Call {
  readonly row: PredictionRow;
  readonly text: GrowingText;
}

interface Listener {
  readonly shows: (step: string) => boolean;
  /** How many characters of each call it has. */
  readonly read: Map<string, number>;
  readonly woken: Latch.Latch;
}

export interface ListenedJob {
  /** What a new listener gets. */
  readonly listener: (
    shows: Listener["shows"],
  ) => Effect.Effect<Stream.Stream<Delta>, never, Scope.Scope>;
}

/** Watches until the scope closes; connections close with it. */
export const listenedJob = Effect.fnUntraced(function* (
  sources: DeltaSources,
  jobId: string,
): Effect.fn.Return<ListenedJob, never, Scope.Scope> {
  const connections = yield* FiberMap.make<string, void>();
  const job = new Listened(sources, jobId, connections);
  yield* Effect.acquireRelease(
    Effect.sync(() => sources.changes.listen(jobId, job.look)),
    (stop) => Effect.sync(stop),
  );
  yield* Effect.addFinalizer(() => Effect.sync(job.end));
  yield* Effect.forkScoped(job.watch);
  return {
    listener: (shows) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => job.join(shows)),
          (listener) => Effect.sync(() => job.leave(listener)),
        ),
        (listener) => Stream.paginate(null, () => job.next(listener)),
      ),
  };
});

class Listened {
  readonly #sources: DeltaSources;
  readonly #jobId: string;
  readonly #connections: FiberMap.FiberMap<string, void>;
  readonly #calls = new Map<string, Call>();
  readonly #listeners = new Set<Listener>();
  readonly #moved = Latch.makeUnsafe(false);
  #rows: ReadonlyArray<PredictionRow> = [];
  #rowsOfSeq = -1;
  #isOver = false;

  constructor(sources: DeltaSources, jobId: string, connections: FiberMap.FiberMap<string, void>) {
    this.#sources = sources;
    this.#jobId = jobId;
    this.#connections = connections;
  }

  readonly look = (): void => void this.#moved.openUnsafe();

  readonly end = (): void => {
    this.#isOver = true;
    this.#wakeAll();
  };

  join(shows: Listener["shows"]): Listener {
    const ended = [...this.#calls].filter(([, { text }]) => text.isOver);
    const read = new Map(ended.map(([key, { text }]) => [key, text.length]));
    const listener: Listener = { shows, read, woken: Latch.makeUnsafe(false) };
    this.#listeners.add(listener);
    this.look();
    return listener;
  }

  leave(listener: Listener): void {
    this.#listeners.delete(listener);
    this.look();
  }

  /** Waits for something that this listener has not got. */
  next(listener: Listener): Effect.Effect<readonly [ReadonlyArray<Delta>, Option.Option<null>]> {
    return Effect.gen({ self: this }, function* () {
      while (true) {
        listener.woken.closeUnsafe();
        const deltas = this.#unread(listener);
        if (deltas.length > 0) return [deltas, Option.some(null)] as const;
        if (this.#isOver) return [[], Option.none()] as const;
        yield* listener.woken.await;
      }
    });
  }

  #unread({ shows, read }: Listener): ReadonlyArray<Delta> {
    for (const key of read.keys()) if (!this.#calls.has(key)) read.delete(key);
    return [...this.#calls].flatMap(([key, { row, text: whole }]) => {
      if (!shows(row.path)) return [];
      const { offset, text } = whole.after(read.get(key) ?? 0);
      if (text === "") return [];
      read.set(key, offset + text.length);
      return [{ step: row.path, attempt: row.attempt, call: row.call, offset, text }];
    });
  }

  /** Follows the job to its rest. Store trouble is waited out. */
  readonly watch: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const { store } = this.#sources;
    while (!this.#isOver) {
      this.#moved.closeUnsafe();
      const answer = Option.getOrNull(yield* Effect.option(store.job(this.#jobId)));
      const job = answer === null ? null : Option.getOrNull(answer);
      const isGone = answer !== null && job === null;
      if (isGone || (job !== null && isRest(job.record))) return this.end();
      if (job !== null) yield* this.#readRows(job.seq);
      yield* this.#connect();
      yield* Effect.raceFirst(this.#moved.await, Effect.sleep(lookEveryMs));
    }
  });

  #readRows(seq: number): Effect.Effect<void> {
    if (seq === this.#rowsOfSeq) return Effect.void;
    return Effect.match(this.#sources.store.predictions(this.#jobId), {
      onFailure: () => undefined,
      onSuccess: (rows) => {
        this.#rows = rows;
        this.#rowsOfSeq = seq;
      },
    });
  }

  /** Opens what is at work and wanted, closes the rest. */
  readonly #connect = Effect.fnUntraced({ self: this }, function* (this: Listened) {
    const working = new Map(this.#rows.filter(isAtWork).map((row) => [row.key, row]));
    for (const [key, { row, text }] of this.#calls) {
      if (text.isOver || (working.has(key) && this.#isWanted(row))) continue;
      yield* FiberMap.remove(this.#connections, key);
      text.end();
      // Nobody has read of it: whoever comes for it gets it from the beginning.
      if (working.has(key)) this.#calls.delete(key);
    }
    const ended = [...this.#calls].filter(([, { text }]) => text.isOver);
    for (const [key] of ended.slice(0, -maxEndedCalls)) this.#calls.delete(key);
    for (const row of working.values())
      if (!this.#calls.has(row.key) && this.#isWanted(row)) yield* this.#open(row);
  });

  #isWanted({ path }: PredictionRow): boolean {
    return [...this.#listeners].some(({ shows }) => shows(path));
  }

  /** Whatever an adapter does, it is only a view that goes dark. */
  #open(row: PredictionRow): Effect.Effect<void> {
    const client = this.#sources.providers.client(row.provider);
    const { predictionId, model, key } = row;
    if (client?.stream === undefined || predictionId === null) return Effect.void;
    const text = new GrowingText();
    this.#calls.set(key, { row, text });
    const written = Stream.suspend(
      () => client.stream?.({ id: predictionId, model }) ?? Stream.empty,
    );
    const shown = Stream.runForEach(written, (part: unknown) =>
      Effect.sync(() => {
        if (typeof part !== "string" || part === "") return;
        text.append(part);
        this.#wakeAll();
      }),
    );
    return Effect.asVoid(FiberMap.run(this.#connections, key, Effect.ignoreCause(shown)));
  }

  #wakeAll(): void {
    for (const { woken } of this.#listeners) woken.openUnsafe();
  }
}

/** A double is nobody's answer, and what was given up is waited for no longer. */
const isAtWork = ({ state, isUnconfirmed }: PredictionRow): boolean =>
  state === "accepted" && !isUnconfirmed;
