/**
 * The one watcher of a provider: owns sending, polling, cancelling, finding and settling of its
 * predictions, whatever becomes of their jobs. What it learns is a conditional change of the ledger and
 * a message to the job, in one transaction; the job's owner makes an entry of it.
 */
import { Clock, Deferred, Effect, Option, Scope } from "effect";
import type { Schema } from "effect";
import type { ModelClient, Prediction } from "../../steps/model-client.ts";
import type { PredictionRow } from "../journal-store.ts";
import { isOpen } from "../journal-stores/write-rules.ts";
import { doubleOf, lookForDoubles, mayHaveDoubles, searchEndOf } from "./late-double.ts";
import { findLost, sight } from "./lost-prediction.ts";
import { type LookPace, makeLookPace } from "./look-pace.ts";
import { lookOnce, type Poller, pollToEnd } from "./prediction-polling.ts";
import { leaveUnsent, type Sender, sendOnce } from "./prediction-sending.ts";
import type { ProviderGate } from "./provider-gate.ts";
import { tellingFailures } from "./told-failures.ts";
import { WatchedPrediction } from "./watched-prediction.ts";
import type { WatcherHost } from "./watcher-host.ts";

export interface Sending {
  readonly row: PredictionRow;
  readonly input: Schema.JsonObject;
}

export interface PredictionWatcher {
  /** Sends a committed intent, at once and once, and watches what comes of it. */
  readonly send: (sending: Sending) => void;
  /** Closes a committed intent that will not be sent, as Rejected. */
  readonly drop: (row: PredictionRow) => void;
  /**
   * Takes up a row of the ledger, whatever it says: an intent that somebody else was to send is looked
   * for, never sent; an absent one may still show a double; a closed one needs nothing. `died` is the process that
   * had the row, where it was killed.
   */
  readonly follow: (row: PredictionRow, died?: string | null) => void;
  /** Has a look now, and settles the prediction if it has ended. Returns when the look is over. */
  look(key: string): Effect.Effect<void>;
  /**
   * Somebody says that there is news of it: looked at now where it is watched here, searched for where its
   * answer was lost, and seen to for a double where it seemed absent. Returns when that is under way or done.
   */
  hear(key: string): Effect.Effect<void>;
  /** What this process has seen of a prediction that it watches; undefined where it watches none. */
  readonly sightOf: (key: string) => PredictionSight | undefined;
  /** Whether the prediction was seen running. */
  readonly hasStarted: (key: string) => boolean;
  readonly cancel: (key: string) => void;
  /** Nobody waits for the end of this prediction any more; it is watched on. */
  readonly giveUp: (key: string) => void;
  /** Waits until no create is on its way. */
  readonly drained: Effect.Effect<void>;
}

/** Instants in ms; null where that was not seen. */
export interface PredictionSight {
  /** A look last showed it open. */
  readonly openAt: number | null;
  /** It ended, and its answer is being made durable. */
  readonly endedAt: number | null;
}

/** Starts the watcher of one provider; it lives as long as the scope, and stops after what is added later. */
export const makePredictionWatcher = Effect.fnUntraced(function* (
  client: ModelClient,
  gate: ProviderGate,
  host: WatcherHost,
): Effect.fn.Return<PredictionWatcher, never, Scope.Scope> {
  // A scope of its own: forked into the caller's, the fibers would end before whatever waits for them.
  const scope = yield* Effect.flatMap(Effect.scope, Scope.fork);
  const context = yield* Effect.context<never>();
  const fork = (effect: Effect.Effect<void>) => {
    Effect.runForkWith(context)(Effect.forkIn(effect, scope));
  };
  return new Watcher({ client, gate, host, fork });
});

interface Surroundings {
  readonly client: ModelClient;
  readonly gate: ProviderGate;
  readonly host: WatcherHost;
  readonly fork: (effect: Effect.Effect<void>) => void;
}

/** How long (ms) a watch that broke by a bug rests before it begins again from its row. */
const brokenPauseMs = 5_000;

class Watcher implements PredictionWatcher {
  readonly #client: ModelClient;
  readonly #gate: ProviderGate;
  readonly #pace: LookPace;
  readonly #host: WatcherHost;
  readonly #fork: (effect: Effect.Effect<void>) => void;
  readonly #sender: Sender;
  readonly #watched = new Map<string, WatchedPrediction>();
  readonly #sending = new Set<Deferred.Deferred<void>>();
  /** Keys whose doubles are being looked for. */
  readonly #sought = new Set<string>();

  constructor({ client, gate, host, fork }: Surroundings) {
    this.#client = client;
    this.#gate = gate;
    this.#pace = makeLookPace(tellingFailures(client));
    this.#host = host;
    this.#fork = fork;
    const onDouble = (watched: WatchedPrediction, prediction: Prediction) =>
      this.#addDouble(watched.row, prediction);
    this.#sender = { client, gate, host, onDouble };
  }

  readonly send = ({ row, input }: Sending): void => {
    const watched = this.#watch(row);
    const done = Deferred.makeUnsafe<void>();
    this.#sending.add(done);
    const sent = Effect.ensuring(
      Effect.andThen(watched.beginSending, sendOnce(this.#sender, watched, input)),
      Effect.suspend(() => {
        this.#sending.delete(done);
        return Deferred.succeed(done, undefined);
      }),
    );
    this.#fork(Effect.andThen(sent, this.#attend(watched)));
  };

  readonly drop = (row: PredictionRow): void => {
    const unsent = leaveUnsent(this.#client, new WatchedPrediction(row, this.#host));
    this.#fork(Effect.andThen(unsent, this.#gate.withdraw(row.key)));
  };

  readonly follow = (row: PredictionRow, died: string | null = null): void => {
    if (this.#watched.has(row.key)) return;
    if (isOpen(row)) {
      const watched = this.#watch(row, died);
      // It may have ended long ago, while nobody watched it.
      if (!watched.isUnanswered()) watched.wake();
      this.#fork(Effect.andThen(this.#gate.occupy(row), this.#attend(watched)));
    } else if (row.state === "absent" && !this.#sought.has(row.key))
      this.#seekDoubles(row, searchEndOf(row, this.#host.settings.orphanGraceMs));
  };

  readonly cancel = (key: string): void => {
    this.#watched.get(key)?.cancel();
  };

  readonly giveUp = (key: string): void => {
    const watched = this.#watched.get(key);
    if (watched !== undefined) this.#fork(watched.giveUp());
  };

  readonly hasStarted = (key: string): boolean => this.#watched.get(key)?.hasStarted ?? false;

  look(key: string): Effect.Effect<void> {
    const watched = this.#watched.get(key);
    if (watched?.row.state !== "accepted") return Effect.void;
    return Effect.asVoid(lookOnce(this.#poller, watched, "urgent"));
  }

  hear(key: string): Effect.Effect<void> {
    const watched = this.#watched.get(key);
    if (watched === undefined) return this.#lookForDoubleNow(key);
    if (watched.row.predictionId !== null)
      return Effect.asVoid(lookOnce(this.#poller, watched, "urgent"));
    return Effect.sync(() => watched.wake());
  }

  readonly sightOf = (key: string): PredictionSight | undefined => this.#watched.get(key);

  get #poller(): Poller {
    return { client: this.#client, gate: this.#gate, pace: this.#pace, host: this.#host };
  }

  readonly drained = Effect.suspend(() =>
    Effect.forEach([...this.#sending], (done) => Deferred.await(done), {
      discard: true,
      concurrency: "unbounded",
    }),
  );

  #watch(row: PredictionRow, died: string | null = null): WatchedPrediction {
    const watched = new WatchedPrediction(row, this.#host, died);
    this.#watched.set(row.key, watched);
    return watched;
  }

  /** From wherever the row stands to its end; a bug on the way must not leave it without anybody. */
  #attend(watched: WatchedPrediction): Effect.Effect<void> {
    const attended = Effect.gen({ self: this }, function* () {
      if (watched.isUnanswered()) yield* this.#find(watched);
      const { state } = watched.row;
      if (state === "accepted" || state === "duplicate") yield* pollToEnd(this.#poller, watched);
    });
    return attended.pipe(
      Effect.catchDefect((defect) =>
        Effect.andThen(
          Effect.logError(`watching a prediction of job ${watched.row.jobId} broke`, defect),
          Effect.andThen(
            Effect.sleep(brokenPauseMs),
            Effect.suspend(() => this.#attend(watched)),
          ),
        ),
      ),
      Effect.andThen(
        Effect.suspend(() => {
          this.#watched.delete(watched.row.key);
          return this.#gate.leave(watched.row.key);
        }),
      ),
    );
  }

  // --- what an answer was lost of

  #find(watched: WatchedPrediction): Effect.Effect<void> {
    const { store, settings } = this.#host;
    const search = (ageMs: number) => ({
      row: watched.row,
      ageMs,
      graceMs: settings.orphanGraceMs,
      pause: (waitMs: number) => watched.pause(waitMs),
      isOpen: Effect.map(watched.reload, () => watched.isUnanswered()),
      adopt: (prediction: Prediction) => watched.adopt(prediction, true),
    });
    return Effect.gen({ self: this }, function* () {
      const finding = yield* findLost(this.#pace.patient, store, search(yield* watched.age));
      if (finding !== "answered") {
        const isCertain = this.#client.canFind && finding === "absent";
        yield* watched.absent(isCertain);
      }
      // What was found after so long may be over by now.
      watched.wake();
      this.#seekDoubles(watched.row, yield* Clock.currentTimeMillis);
    });
  }

  #seekDoubles(row: PredictionRow, since: number): void {
    const onDouble = (prediction: Prediction) => this.#addDouble(row, prediction);
    const isAwaited = this.#isAwaited(row);
    const sought = lookForDoubles(this.#pace.patient, this.#host, {
      row,
      since,
      isAwaited,
      onDouble,
    });
    this.#sought.add(row.key);
    this.#fork(
      Effect.ensuring(
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          mayHaveDoubles(since, now) ? sought : Effect.void,
        ),
        Effect.sync(() => this.#sought.delete(row.key)),
      ),
    );
  }

  /** Somebody speaks of an intent that seemed absent: what the provider shows under its key is a double. */
  #lookForDoubleNow(key: string): Effect.Effect<void> {
    const { store, committer, settings } = this.#host;
    return Effect.gen({ self: this }, function* () {
      const row = Option.getOrNull(yield* Effect.orElseSucceed(store.prediction(key), Option.none));
      if (row?.state !== "absent" || row.provider !== this.#client.provider) return;
      const sighting = yield* sight(this.#pace.urgent, store, {
        row,
        graceMs: settings.orphanGraceMs,
      });
      if (sighting === null) return;
      yield* Effect.forEach(sighting.byKey, (one) => this.#addDouble(row, one), { discard: true });
      const { provider } = row;
      yield* committer.commit({ type: "HintPrediction", key, provider, at: null });
    });
  }

  /** An open intent of equal input without its prediction, of whatever process over this store. */
  #isAwaited({ inputHash, provider, key }: PredictionRow): Effect.Effect<boolean> {
    return Effect.match(this.#host.store.unansweredPredictions(provider, inputHash), {
      onFailure: () => true,
      onSuccess: (rows) => rows.some((row) => row.key !== key),
    });
  }

  /** Recorded once: the unique index knows a prediction that somebody claimed or booked. */
  #addDouble(row: PredictionRow, prediction: Prediction): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const double = doubleOf(row, prediction, yield* Clock.currentTimeMillis);
      const result = yield* this.#host.committer.commit({ type: "AddDuplicate", row: double });
      if (result.type === "Committed") this.follow(double);
    });
  }
}
