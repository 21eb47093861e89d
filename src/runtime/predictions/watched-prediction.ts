/**
 * One row of the ledger under watch, and what may become of it. Every change is conditional on the state
 * the row had, and shares its transaction with the message that tells the job.
 */
import { Clock, Effect, Latch, Option, Semaphore } from "effect";
import { maxDeaths } from "../../machines/count-deaths.ts";
import type { Fact, FactOf } from "../../machines/entry.ts";
import {
  encodeFailure,
  type ProviderFailure,
  type ValidationFailure,
} from "../../steps/failure.ts";
import type { Prediction } from "../../steps/model-client.ts";
import type { ChangePrediction, PredictionRow } from "../journal-store.ts";
import { isUnanswered } from "../journal-stores/write-rules.ts";
import { runningMs } from "./running-clock.ts";
import type { CopyMark } from "./settlement.ts";
import type { WatcherHost } from "./watcher-host.ts";

interface Change {
  readonly change: ChangePrediction["change"];
  readonly from: ChangePrediction["from"];
  /** What the job is told; null where it is no longer concerned. */
  readonly fact: Fact | null;
}

const unanswered: ChangePrediction["from"] = ["intended", "unknown"];

export class WatchedPrediction {
  row: PredictionRow;
  /** It was seen running. */
  hasStarted = false;
  /** When a look last showed it open (ms); null while none has. */
  openAt: number | null = null;
  /** When it ended (ms), as far as is known, from when on its answer can be lost. */
  endedAt: number | null = null;
  isCancelWanted: boolean;
  /** Nothing is left to be learned of it. */
  isOver = false;
  /** One look at a time: a second one waits for what the first one finds. */
  readonly looking = Semaphore.makeUnsafe(1);
  /** Opened to end a wait before its time. */
  readonly #woken = Latch.makeUnsafe(false);
  /** In ms of a clock that only runs. */
  #sentAt: number | null = null;
  readonly #host: WatcherHost;

  /** How many processes have died while they copied its files. */
  readonly #copyingDeaths: number;

  constructor(row: PredictionRow, host: WatcherHost, died: string | null = null) {
    this.row = row;
    const { copying } = row;
    const isOfCopying = died !== null && copying?.by === died;
    this.#copyingDeaths = (copying?.deaths ?? 0) + (isOfCopying ? 1 : 0);
    this.isCancelWanted = row.cancelRequestedAt !== null;
    this.#host = host;
  }

  cancel(): void {
    this.isCancelWanted = true;
    // A search is no sooner over for it.
    if (!this.isUnanswered()) this.wake();
  }

  /** There is reason to look before the next look is due; heard also by who does not wait yet. */
  wake(): void {
    this.#woken.openUnsafe();
  }

  /** Waits so long (ms), or until it is woken; true where the time has passed. */
  pause(waitMs: number): Effect.Effect<boolean> {
    const slept = Effect.as(Effect.sleep(waitMs), true);
    return Effect.map(Effect.raceFirst(Effect.as(this.#woken.await, false), slept), (isOver) => {
      this.#woken.closeUnsafe();
      return isOver;
    });
  }

  /** How long ago (ms) the intent was made; of an earlier process's only the clock can tell. */
  readonly age: Effect.Effect<number> = Effect.suspend(() => {
    const since = this.#sentAt;
    if (since !== null) return Effect.map(runningMs, (now) => now - since);
    return Effect.map(Clock.currentTimeMillis, (now) => now - this.row.intendedAt);
  });

  /** It is sent from here, right after its intent. */
  readonly beginSending: Effect.Effect<void> = Effect.map(runningMs, (now) => {
    this.#sentAt = now;
  });

  /** Nobody has closed the intent yet, and its prediction is not known. */
  isUnanswered(): boolean {
    return isUnanswered(this.row);
  }

  /** True where this prediction is now this intent's own; the unique index gives each to one. */
  adopt(prediction: Prediction, isAdopted: boolean): Effect.Effect<boolean> {
    const { id: predictionId } = prediction;
    const change = { state: "accepted", predictionId } as const;
    const fact: Fact = { type: "PredictionAccepted", ...this.#at(), predictionId, isAdopted };
    return this.#change({ change, from: unanswered, fact });
  }

  /** A definite no: nothing was created. */
  reject(failure: ProviderFailure | ValidationFailure): Effect.Effect<boolean> {
    const change = { state: "rejected" } as const;
    const encoded = encodeFailure(failure);
    const fact: Fact = { type: "PredictionRejected", ...this.#at(), failure: encoded };
    return this.#change({ change, from: ["intended"], fact });
  }

  /** Nobody knows whether it exists. */
  doubt(detail: string): Effect.Effect<boolean> {
    const change = { state: "unknown" } as const;
    const fact: Fact = { type: "PredictionUnknown", ...this.#at(), detail };
    return this.#change({ change, from: ["intended"], fact });
  }

  /** Nothing was made of the intent: for certain, or as far as the provider can tell. */
  absent(isCertain: boolean): Effect.Effect<boolean> {
    const change = { state: "absent" } as const;
    const fact: Fact = { type: "PredictionAbsent", ...this.#at(), isCertain };
    return this.#change({ change, from: unanswered, fact });
  }

  /** The remote truth. A double belongs to no job's story: the ledger alone books it. */
  settle(fact: FactOf<"PredictionSettled">): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { status, raw, receipt } = fact;
      const settledAt = yield* Clock.currentTimeMillis;
      const change = { state: "settled", status, raw, receipt, settledAt } as const;
      const isDouble = this.row.state === "duplicate";
      yield* this.#change({
        change,
        from: ["accepted", "duplicate"],
        fact: isDouble ? null : fact,
      });
      this.isOver = true;
    });
  }

  /** Copying its files has taken down so many processes that nobody tries it here again. */
  get isDeadlyToCopy(): boolean {
    return this.#copyingDeaths >= maxDeaths;
  }

  /** Written down before its files are copied, so that a process that dies of it is known to. */
  readonly copyMark: CopyMark = {
    set: Effect.suspend(() => this.#markCopying(this.#host.owner)),
    lift: Effect.suspend(() => this.#markCopying(null)),
  };

  #markCopying(by: string | null): Effect.Effect<void> {
    if (this.row.copying?.by === by) return Effect.void;
    const copying = { by, deaths: this.#copyingDeaths };
    return Effect.asVoid(this.#change({ change: { copying }, from: ["accepted"], fact: null }));
  }

  /** `closeGrace` has passed: watched on, but nobody waits for it. */
  giveUp(): Effect.Effect<void> {
    const change = { isUnconfirmed: true };
    return Effect.asVoid(
      this.#change({ change, from: ["intended", "unknown", "accepted"], fact: null }),
    );
  }

  /** Reads what the row has become at another's hand. */
  readonly reload: Effect.Effect<void> = Effect.suspend(() =>
    Effect.map(Effect.option(this.#host.store.prediction(this.row.key)), (row) => {
      if (Option.isSome(row) && Option.isSome(row.value)) this.row = row.value.value;
    }),
  );

  #at() {
    const { path, key } = this.row;
    return { path, key };
  }

  /** True where the change happened; otherwise somebody else had the last word on this row. */
  #change({ change, from, fact }: Change): Effect.Effect<boolean> {
    const { key, jobId } = this.row;
    return Effect.gen({ self: this }, function* () {
      const at = yield* Clock.currentTimeMillis;
      const id = `${key}:${change.state ?? "changed"}`;
      const inbox = fact === null ? null : { id, jobId, at, facts: [fact] };
      const write = { type: "ChangePrediction", key, from, change, inbox } as const;
      const result = yield* this.#host.committer.commit(write);
      const isChanged = result.type === "Committed";
      if (isChanged) this.row = { ...this.row, ...change };
      else yield* this.reload;
      // Also after a conflict: whoever had the last word may have left a message that nobody reads.
      if (inbox !== null) this.#host.nudge(jobId);
      return isChanged;
    });
  }
}
