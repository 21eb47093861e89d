/**
 * The one watcher of a provider: owns sending, polling, cancelling, finding and settling of its
 * predictions, whatever becomes of their jobs. What it learns is a conditional change of the ledger and
 * a message to the job, in one transaction; the job's owner makes an entry of it.
 */
import { Clock, Deferred, Effect, Fiber, Option } from "effect";
import type { Schema, Scope } from "effect";
import type { Fact } from "../machines/entry.ts";
import { encodeFailure, ProviderFailure } from "../steps/failure.ts";
import {
  isTerminal,
  type ModelClient,
  type Prediction,
  type SubmitRejected,
  type SubmitUnknown,
} from "../steps/model-client.ts";
import type { AssetStore } from "../steps/asset-store.ts";
import type { GroupCommit } from "./group-commit.ts";
import type {
  ChangePrediction,
  JournalStore,
  PredictionRow,
  WriteResult,
} from "./journal-store.ts";
import { findLost } from "./lost-prediction.ts";
import type { PriceTable } from "./price-table.ts";
import type { ProviderGate } from "./provider-gate.ts";
import { settlementOf } from "./settlement.ts";

export interface WatcherSettings {
  /** How long (ms) a provider may take to show a prediction in its listing. */
  readonly orphanGraceMs: number;
  /** The first wait (ms) between two looks at a prediction; each further one is half as long again. */
  readonly pollMs: number;
  readonly maxPollMs: number;
}

export interface WatcherHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly assets: AssetStore["Service"];
  readonly prices: PriceTable;
  readonly settings: WatcherSettings;
  readonly nudge: (jobId: string) => void;
}

export interface Sending {
  readonly row: PredictionRow;
  readonly input: Schema.JsonObject;
}

export interface PredictionWatcher {
  /** Sends a committed intent, at once and once, and watches what comes of it. */
  readonly send: (sending: Sending) => void;
  /** Takes up a row of the ledger. An intent that somebody else was to send is looked for, never sent. */
  readonly follow: (row: PredictionRow) => void;
  /** Has a look now, and settles the prediction if it has ended. Returns when the look is over. */
  look(key: string): Effect.Effect<void>;
  /** Whether the prediction was seen running. */
  readonly hasStarted: (key: string) => boolean;
  readonly cancel: (key: string) => void;
  /** Waits until no create is on its way. */
  readonly drained: Effect.Effect<void>;
}

/** How often a file or a get is tried again within one look before it counts as an answer. */
const pollGrowth = 1.5;
/** A known id that the provider denies this often in a row is gone. */
const maxDenials = 5;

export const makePredictionWatcher = Effect.fnUntraced(function* (
  client: ModelClient,
  gate: ProviderGate,
  host: WatcherHost,
): Effect.fn.Return<PredictionWatcher, never, Scope.Scope> {
  const scope = yield* Effect.scope;
  const context = yield* Effect.context<never>();
  const watcher = new Watcher(client, gate, host, (effect) => {
    Effect.runForkWith(context)(Effect.forkIn(effect, scope));
  });
  return watcher;
});

/** A prediction under watch. */
interface Watched {
  row: PredictionRow;
  hasStarted: boolean;
  /** Wakes the poll before its time. */
  wake: Deferred.Deferred<void>;
  isCancelWanted: boolean;
  isOver: boolean;
}

class Watcher implements PredictionWatcher {
  readonly #client: ModelClient;
  readonly #gate: ProviderGate;
  readonly #host: WatcherHost;
  readonly #fork: (effect: Effect.Effect<void>) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #sending = new Set<Deferred.Deferred<void>>();

  constructor(
    client: ModelClient,
    gate: ProviderGate,
    host: WatcherHost,
    fork: (effect: Effect.Effect<void>) => void,
  ) {
    this.#client = client;
    this.#gate = gate;
    this.#host = host;
    this.#fork = fork;
  }

  readonly send = ({ row, input }: Sending): void => {
    const watched = this.#watch(row);
    const done = Deferred.makeUnsafe<void>();
    this.#sending.add(done);
    const sent = Effect.ensuring(
      this.#sendOnce(watched, input),
      Effect.suspend(() => {
        this.#sending.delete(done);
        return Deferred.succeed(done, undefined);
      }),
    );
    this.#fork(Effect.andThen(sent, this.#attend(watched)));
  };

  readonly follow = (row: PredictionRow): void => {
    if (this.#watched.has(row.key)) return;
    this.#fork(this.#attend(this.#watch(row)));
  };

  readonly cancel = (key: string): void => {
    const watched = this.#watched.get(key);
    if (watched === undefined) return;
    watched.isCancelWanted = true;
    Deferred.doneUnsafe(watched.wake, Effect.void);
  };

  readonly hasStarted = (key: string): boolean => this.#watched.get(key)?.hasStarted ?? false;

  look(key: string): Effect.Effect<void> {
    const watched = this.#watched.get(key);
    if (watched?.row.state !== "accepted") return Effect.void;
    return Effect.asVoid(this.#lookOnce(watched));
  }

  readonly drained = Effect.suspend(() =>
    Effect.forEach([...this.#sending], (done) => Deferred.await(done), {
      discard: true,
      concurrency: "unbounded",
    }),
  );

  #watch(row: PredictionRow): Watched {
    const watched: Watched = {
      row,
      hasStarted: false,
      wake: Deferred.makeUnsafe<void>(),
      isCancelWanted: row.cancelRequestedAt !== null,
      isOver: false,
    };
    this.#watched.set(row.key, watched);
    return watched;
  }

  /** From wherever the row stands to its end. */
  #attend(watched: Watched): Effect.Effect<void> {
    const watcher = this;
    return Effect.gen(function* () {
      if (watched.row.state === "intended" || watched.row.state === "unknown")
        yield* watcher.#find(watched);
      if (watched.row.state === "accepted" || watched.row.state === "duplicate")
        yield* watcher.#poll(watched);
      watcher.#watched.delete(watched.row.key);
    });
  }

  // --- sending

  #sendOnce(watched: Watched, input: Schema.JsonObject): Effect.Effect<void> {
    const { row } = watched;
    const watcher = this;
    return Effect.gen(function* () {
      if (!(yield* watcher.#maySend(row))) return yield* watcher.#absent(watched);
      const request = { model: row.model, input, key: row.key, cancelAfterMs: row.timeoutMs };
      yield* Effect.matchEffect(watcher.#client.submit(request), {
        onSuccess: (prediction) => watcher.#accepted(watched, prediction),
        onFailure: (refusal) =>
          refusal._tag === "SubmitRejected"
            ? watcher.#rejected(watched, refusal)
            : watcher.#unknown(watched, refusal),
      });
    });
  }

  /**
   * Ours still, and so soon after the intent that whoever looks for it later has not given up yet.
   * What was not sent in time is certainly absent: nobody else could have sent it.
   */
  #maySend(row: PredictionRow): Effect.Effect<boolean> {
    const { store, owner, settings } = this.#host;
    return Effect.gen(function* () {
      const job = yield* Effect.option(store.job(row.jobId));
      const isOurs =
        Option.isSome(job) && Option.isSome(job.value) && job.value.value.owner === owner;
      const ageMs = (yield* Clock.currentTimeMillis) - row.intendedAt;
      return isOurs && ageMs <= settings.orphanGraceMs / 4;
    });
  }

  #accepted(watched: Watched, prediction: Prediction): Effect.Effect<void> {
    this.#gate.accepted();
    return Effect.asVoid(this.#adopt(watched, prediction, false));
  }

  #rejected(watched: Watched, { failure }: SubmitRejected): Effect.Effect<void> {
    const { key, path } = watched.row;
    const fact: Fact = { type: "PredictionRejected", path, key, failure: encodeFailure(failure) };
    return Effect.gen({ self: this }, function* () {
      const now = yield* Clock.currentTimeMillis;
      if (failure._tag === "ProviderFailure") this.#gate.refused(failure, now);
      yield* this.#change(watched, { state: "rejected" }, ["intended"], fact);
    });
  }

  #unknown(watched: Watched, { detail }: SubmitUnknown): Effect.Effect<void> {
    const { key, path } = watched.row;
    const failure = new ProviderFailure({
      reason: "Unavailable",
      provider: this.#client.provider,
      detail,
    });
    return Effect.gen({ self: this }, function* () {
      this.#gate.refused(failure, yield* Clock.currentTimeMillis);
      yield* this.#change(watched, { state: "unknown" }, ["intended"], {
        type: "PredictionUnknown",
        path,
        key,
        detail,
      });
    });
  }

  // --- finding what an answer was lost of

  #find(watched: Watched): Effect.Effect<void> {
    const { store, settings } = this.#host;
    return findLost(this.#client, store, {
      row: watched.row,
      graceMs: settings.orphanGraceMs,
      adopt: (prediction) => this.#adopt(watched, prediction, true),
    }).pipe(Effect.flatMap((isFound) => (isFound ? Effect.void : this.#absent(watched))));
  }

  #absent(watched: Watched): Effect.Effect<void> {
    const { key, path } = watched.row;
    const fact: Fact = { type: "PredictionAbsent", path, key, isCertain: this.#client.canFind };
    return Effect.asVoid(this.#change(watched, { state: "absent" }, ["intended", "unknown"], fact));
  }

  /** True where this prediction is now this intent's own; the unique index gives each to one. */
  #adopt(watched: Watched, prediction: Prediction, isAdopted: boolean): Effect.Effect<boolean> {
    const { key, path } = watched.row;
    const fact: Fact = {
      type: "PredictionAccepted",
      path,
      key,
      predictionId: prediction.id,
      isAdopted,
    };
    const change = { state: "accepted", predictionId: prediction.id } as const;
    return this.#change(watched, change, ["intended", "unknown"], fact);
  }

  // --- watching what is known

  #poll(watched: Watched): Effect.Effect<void> {
    const { pollMs, maxPollMs } = this.#host.settings;
    return Effect.gen({ self: this }, function* () {
      let waitMs = pollMs;
      let denials = 0;
      while (!watched.isOver) {
        if (watched.isCancelWanted) yield* this.#cancelRemotely(watched);
        else yield* Effect.raceFirst(Effect.sleep(waitMs), Deferred.await(watched.wake));
        const answer = yield* this.#lookOnce(watched);
        if (watched.isOver) return;
        denials = answer === "denied" ? denials + 1 : 0;
        if (denials >= maxDenials) return yield* this.#gone(watched);
        if (watched.isCancelWanted) yield* Effect.sleep(waitMs);
        waitMs = Math.min(waitMs * pollGrowth, maxPollMs);
      }
    });
  }

  /** The request may get lost as any other; the loop repeats it until a look shows the end. */
  #cancelRemotely(watched: Watched): Effect.Effect<void> {
    const id = watched.row.predictionId;
    return id === null ? Effect.void : Effect.ignore(this.#client.cancel(id));
  }

  #lookOnce(watched: Watched): Effect.Effect<"open" | "over" | "denied" | "silent"> {
    const id = watched.row.predictionId;
    if (id === null) return Effect.succeed("silent");
    return Effect.matchEffect(this.#client.get(id), {
      onFailure: (failure) =>
        Effect.succeed(failure.status === 404 ? ("denied" as const) : ("silent" as const)),
      onSuccess: (prediction) => {
        watched.hasStarted ||= prediction.status !== "starting";
        if (!isTerminal(prediction.status)) return Effect.succeed("open" as const);
        return Effect.as(this.#settle(watched, prediction), "over" as const);
      },
    });
  }

  /** The provider denies an id that it gave us itself: over, without an answer. */
  #gone(watched: Watched): Effect.Effect<void> {
    const id = watched.row.predictionId ?? "";
    return this.#settle(watched, {
      id,
      status: "failed",
      output: null,
      error: "the provider no longer knows this prediction",
      input: null,
      key: null,
      source: null,
      createdAt: null,
      startedAt: null,
      completedAt: null,
      metrics: {},
      isDataRemoved: true,
      raw: { id, gone: true },
    });
  }

  /** Files and raw answer first, then the one conditional change with its message. */
  #settle(watched: Watched, prediction: Prediction): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { row } = watched;
      const fact = yield* settlementOf(this.#client, this.#host, { row, prediction });
      const change = {
        state: "settled",
        status: prediction.status,
        raw: fact.raw,
        receipt: fact.receipt,
        settledAt: yield* Clock.currentTimeMillis,
      } as const;
      const isDuplicate = row.state === "duplicate";
      yield* this.#change(watched, change, ["accepted", "duplicate"], isDuplicate ? null : fact);
      watched.isOver = true;
    });
  }

  /** True where the change happened; otherwise somebody else had the last word on this row. */
  #change(
    watched: Watched,
    change: ChangePrediction["change"],
    from: ChangePrediction["from"],
    fact: Fact | null,
  ): Effect.Effect<boolean> {
    const { key, jobId } = watched.row;
    return Effect.gen({ self: this }, function* () {
      const at = yield* Clock.currentTimeMillis;
      const id = `${key}:${change.state ?? "changed"}`;
      const inbox = fact === null ? null : { id, jobId, at, facts: [fact] };
      const result: WriteResult = yield* this.#host.committer.commit({
        type: "ChangePrediction",
        key,
        from,
        change,
        inbox,
      });
      if (result.type !== "Committed") return yield* this.#yield(watched);
      watched.row = { ...watched.row, ...change };
      if (inbox !== null) this.#host.nudge(jobId);
      return true;
    });
  }

  /** Reads what the row has become at another's hand. */
  #yield(watched: Watched): Effect.Effect<boolean> {
    return Effect.map(Effect.option(this.#host.store.prediction(watched.row.key)), (row) => {
      if (Option.isSome(row) && Option.isSome(row.value)) watched.row = row.value.value;
      return false;
    });
  }
}
