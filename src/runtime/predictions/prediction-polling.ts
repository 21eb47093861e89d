/** Watching a known prediction to its end: look, look again, ask for its end where that is wanted, settle. */
import { Effect } from "effect";
import { isTerminal, type ModelClient, type Prediction } from "../../steps/model-client.ts";
import { settlementOf } from "./settlement.ts";
import type { WatchedPrediction } from "./watched-prediction.ts";
import type { WatcherHost } from "./watcher-host.ts";

const pollGrowth = 1.5;
/** A known id that the provider denies this often in a row is gone. */
const maxDenials = 5;

export interface Poller {
  readonly client: ModelClient;
  readonly host: WatcherHost;
}

/** Returns when the prediction is settled. A wanted cancel is repeated until a look shows the end. */
export const pollToEnd = Effect.fnUntraced(function* (
  poller: Poller,
  watched: WatchedPrediction,
): Effect.fn.Return<void> {
  const { pollMs, maxPollMs } = poller.host.settings;
  let waitMs = pollMs;
  let denials = 0;
  while (!watched.isOver) {
    if (watched.isCancelWanted) yield* cancelRemotely(poller, watched);
    else yield* pause(watched, waitMs);
    const answer = yield* lookOnce(poller, watched);
    denials = answer === "denied" ? denials + 1 : 0;
    if (denials >= maxDenials) yield* settle(poller, watched, gone(watched));
    if (watched.isCancelWanted && !watched.isOver) yield* pause(watched, waitMs);
    waitMs = Math.min(waitMs * pollGrowth, maxPollMs);
  }
});

export type Look = "open" | "over" | "denied" | "silent";

/** Looks once and settles what has ended. Only what a look shows is the truth; a hint only makes us look. */
export const lookOnce = (poller: Poller, watched: WatchedPrediction): Effect.Effect<Look> =>
  watched.looking.withPermits(1)(
    Effect.suspend(() => {
      const { predictionId } = watched.row;
      if (watched.isOver) return Effect.succeed("over");
      if (predictionId === null) return Effect.succeed("silent");
      return Effect.matchEffect(poller.client.get(predictionId), {
        onFailure: ({ status }): Effect.Effect<Look> =>
          Effect.succeed(status === 404 ? "denied" : "silent"),
        onSuccess: (prediction) => see(poller, watched, prediction),
      });
    }),
  );

const see = (
  poller: Poller,
  watched: WatchedPrediction,
  prediction: Prediction,
): Effect.Effect<Look> => {
  watched.hasStarted ||= prediction.status !== "starting";
  if (!isTerminal(prediction.status)) return Effect.succeed("open");
  return Effect.as(settle(poller, watched, prediction), "over");
};

/** Files and raw answer first, then the one conditional change with its message. */
const settle = (
  { client, host }: Poller,
  watched: WatchedPrediction,
  prediction: Prediction,
): Effect.Effect<void> =>
  Effect.flatMap(settlementOf(client, host, { row: watched.row, prediction }), (fact) =>
    watched.settle(fact),
  );

const pause = (watched: WatchedPrediction, waitMs: number): Effect.Effect<void> => {
  watched.woken.closeUnsafe();
  return Effect.raceFirst(Effect.sleep(waitMs), watched.woken.await);
};

/** The request may get lost as any other; the loop repeats it until a look shows the end. */
const cancelRemotely = ({ client }: Poller, watched: WatchedPrediction): Effect.Effect<void> => {
  const { predictionId } = watched.row;
  return predictionId === null ? Effect.void : Effect.ignore(client.cancel(predictionId));
};

/** The provider denies an id that it gave us itself: over, without an answer. */
const gone = ({ row }: WatchedPrediction): Prediction => {
  const id = row.predictionId ?? "";
  return {
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
  };
};
