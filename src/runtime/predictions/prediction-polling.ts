/** Watching a known prediction to its end: look, look again, ask for its end where that is wanted, settle. */
import { Clock, Effect } from "effect";
import type { ProviderFailure } from "../../steps/failure.ts";
import { isTerminal, type ModelClient, type Prediction } from "../../steps/model-client.ts";
import type { Look } from "./look.ts";
import type { LookPace } from "./look-pace.ts";
import type { ProviderGate } from "./provider-gate.ts";
import { runningMs } from "./running-clock.ts";
import { settlementOf } from "./settlement.ts";
import { SilentLooks } from "./silent-looks.ts";
import type { WatchedPrediction } from "./watched-prediction.ts";
import type { WatcherHost } from "./watcher-host.ts";

const pollGrowth = 1.5;
/** A known id is gone where the provider denies it this often in a row, and all through the grace to appear. */
const minDenials = 5;

export interface Poller {
  readonly client: ModelClient;
  readonly gate: ProviderGate;
  readonly pace: LookPace;
  readonly host: WatcherHost;
}

/** Returns when the prediction is settled. A wanted cancel is repeated until a look shows the end. */
export const pollToEnd = Effect.fnUntraced(function* (
  poller: Poller,
  watched: WatchedPrediction,
): Effect.fn.Return<void> {
  const { pollMs, maxPollMs, orphanGraceMs: graceMs } = poller.host.settings;
  let waitMs = pollMs;
  const denials = new Denials(graceMs);
  const { timeoutMs } = watched.row;
  const silence = new SilentLooks({ timeoutMs, graceMs, maxPollMs });
  yield* wakeAtEnd(poller, watched);
  if (!watched.isCancelWanted) yield* watched.pause(waitMs);
  while (!watched.isOver) {
    const isUrgent = watched.isCancelWanted;
    if (isUrgent) yield* cancelRemotely(poller, watched);
    const answer = yield* lookOnce(poller, watched, isUrgent ? "urgent" : "patient");
    const now = yield* runningMs;
    const isGone = answer === "gone" || denials.areEnough(answer, now);
    if (isGone) yield* settle(poller, watched, endWithout(watched, denied));
    if (watched.isOver) return;
    const standing = silence.after(answer, { now, ageMs: yield* watched.age });
    if (standing === "lost") return yield* giveUp(poller, watched);
    if (standing === "overdue") yield* poller.gate.leave(watched.row.key);
    else yield* poller.gate.occupy(watched.row);
    waitMs = Math.min(waitMs * pollGrowth, silence.maxWaitMs);
    yield* watched.pause(waitMs);
  }
});

/** A client that hears of the end by itself ends the pause before the next look; for as long as this is polled. */
const wakeAtEnd = ({ client }: Poller, watched: WatchedPrediction): Effect.Effect<void> => {
  const { predictionId } = watched.row;
  if (client.ended === undefined || predictionId === null) return Effect.void;
  const woken = Effect.map(client.ended(predictionId), () => {
    watched.wake();
  });
  return Effect.asVoid(Effect.forkChild(woken));
};

/** Looks in a row by which the provider did not know an id that it gave us itself. Instants in ms of a clock that runs. */
class Denials {
  readonly #graceMs: number;
  #count = 0;
  #since: number | null = null;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  areEnough(look: Look, now: number): boolean {
    if (look !== "denied") {
      this.#count = 0;
      this.#since = null;
      return false;
    }
    this.#count += 1;
    this.#since ??= now;
    return this.#count >= minDenials && now - this.#since >= this.#graceMs;
  }
}

/** Looks once and settles what has ended. Only what a look shows is the truth; a hint only makes us look. */
export const lookOnce = (
  poller: Poller,
  watched: WatchedPrediction,
  urgency: keyof LookPace,
): Effect.Effect<Look> =>
  watched.looking.withPermits(1)(
    Effect.suspend(() => {
      const { predictionId } = watched.row;
      if (watched.isOver) return Effect.succeed("over");
      if (predictionId === null) return Effect.succeed("silent");
      return Effect.matchEffect(poller.pace[urgency].get(predictionId), {
        onFailure: (failure) => Effect.succeed(unseen(failure)),
        onSuccess: (prediction) => see(poller, watched, prediction),
      });
    }),
  );

const unseen = ({ status, isPermanent }: ProviderFailure): Look => {
  if (status !== 404) return "silent";
  return isPermanent === true ? "gone" : "denied";
};

const see = (
  poller: Poller,
  watched: WatchedPrediction,
  prediction: Prediction,
): Effect.Effect<Look> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    watched.hasStarted ||= prediction.status !== "starting";
    if (!isTerminal(prediction.status)) {
      watched.openAt = now;
      return Effect.succeed("open");
    }
    watched.endedAt ??= prediction.completedAt ?? watched.openAt ?? watched.row.intendedAt;
    return Effect.as(settle(poller, watched, prediction), "over");
  });

/** Files and raw answer first, then the one conditional change with its message. */
const settle = (
  { client, host }: Poller,
  watched: WatchedPrediction,
  prediction: Prediction,
): Effect.Effect<void> =>
  Effect.flatMap(settlementOf(client, host, endOf(watched, prediction)), (fact) =>
    watched.settle(fact),
  );

const endOf = (watched: WatchedPrediction, prediction: Prediction) => ({
  row: watched.row,
  prediction,
  copyMark: watched.copyMark,
  isDeadlyToCopy: watched.isDeadlyToCopy,
});

/** The request may get lost as any other; the loop repeats it until a look shows the end. */
const cancelRemotely = ({ pace }: Poller, watched: WatchedPrediction): Effect.Effect<void> => {
  const { predictionId } = watched.row;
  return predictionId === null ? Effect.void : Effect.ignore(pace.urgent.cancel(predictionId));
};

/** What it cost stays reserved. */
const giveUp = Effect.fnUntraced(function* (poller: Poller, watched: WatchedPrediction) {
  const { predictionId, jobId } = watched.row;
  yield* Effect.logWarning(`prediction ${predictionId} of job ${jobId} is given up: ${unanswered}`);
  yield* settle(poller, watched, endWithout(watched, unanswered));
});

/** The provider denies an id that it gave us itself. */
const denied = "the provider no longer knows this prediction";
const unanswered = "no look at this prediction was answered for a week after its deadline";

/** Over, without an answer. */
const endWithout = ({ row }: WatchedPrediction, error: string): Prediction => {
  const id = row.predictionId ?? "";
  return {
    id,
    status: "failed",
    output: null,
    error,
    input: null,
    key: null,
    source: null,
    createdAt: null,
    startedAt: null,
    completedAt: null,
    metrics: {},
    isDataRemoved: true,
    raw: { id, gone: true },
  };
};
