/** Sending a committed intent: at once, once, and only while it is still this process's to send. */
import { Clock, Effect, Option } from "effect";
import type { Schema } from "effect";
import { ProviderFailure } from "../../steps/failure.ts";
import {
  type ModelClient,
  type Prediction,
  type SubmitRejected,
  SubmitUnknown,
} from "../../steps/model-client.ts";
import type { ProviderGate } from "./provider-gate.ts";
import type { WatchedPrediction } from "./watched-prediction.ts";
import type { WatcherHost } from "./watcher-host.ts";

export interface Sender {
  readonly client: ModelClient;
  readonly gate: ProviderGate;
  readonly host: WatcherHost;
  /** A prediction that the provider made for an intent which was closed meanwhile. */
  readonly onDouble: (watched: WatchedPrediction, prediction: Prediction) => Effect.Effect<void>;
}

/** The create, and what its answer means for the intent and for everybody at the gate. */
export const sendOnce = Effect.fnUntraced(function* (
  sender: Sender,
  watched: WatchedPrediction,
  input: Schema.JsonObject,
): Effect.fn.Return<void> {
  const { client } = sender;
  if (!(yield* maySend(sender, watched))) return yield* leaveUnsent(client, watched);
  const { model, key, timeoutMs } = watched.row;
  const { webhookBase } = sender.host.settings;
  const webhook = webhookBase === undefined ? {} : { webhook: `${webhookBase}/${client.provider}` };
  const submitted = client.submit({ model, input, key, cancelAfterMs: timeoutMs, ...webhook }).pipe(
    // A client that breaks may have sent before it did.
    Effect.catchDefect(() => new SubmitUnknown({ detail: "the model client broke" })),
  );
  yield* Effect.matchEffect(submitted, {
    onSuccess: (prediction) => onAccepted(sender, watched, prediction),
    onFailure: (refusal) =>
      refusal._tag === "SubmitRejected"
        ? onRejected(sender, watched, refusal)
        : onUnknown(sender, watched, refusal),
  });
});

/** Certainly nothing was made: only who committed the intent could have sent it. */
export const leaveUnsent = (client: ModelClient, watched: WatchedPrediction) =>
  Effect.asVoid(
    watched.reject(
      new ProviderFailure({
        reason: "Unavailable",
        provider: client.provider,
        detail: "the call was not sent: too late, cancelled, or taken over by another process",
      }),
    ),
  );

/** Ours and wanted still, and so soon after the intent that whoever looks for it later has not given up yet. */
const maySend = Effect.fnUntraced(function* (
  { host: { store, owner, settings } }: Sender,
  watched: WatchedPrediction,
): Effect.fn.Return<boolean> {
  const { jobId, intendedAt } = watched.row;
  const job = yield* Effect.option(store.job(jobId));
  const isOurs = Option.isSome(job) && Option.isSome(job.value) && job.value.value.owner === owner;
  const ageMs = (yield* Clock.currentTimeMillis) - intendedAt;
  return isOurs && !watched.isCancelWanted && ageMs <= settings.orphanGraceMs / 4;
});

const onAccepted = Effect.fnUntraced(function* (
  { gate, onDouble }: Sender,
  watched: WatchedPrediction,
  prediction: Prediction,
): Effect.fn.Return<void> {
  yield* gate.accepted(watched.row.key);
  if (yield* watched.adopt(prediction, false)) return;
  // Somebody has given up on this intent, or has adopted another prediction for it.
  if (!watched.isUnanswered() && watched.row.predictionId !== prediction.id)
    yield* onDouble(watched, prediction);
});

const onRejected = Effect.fnUntraced(function* (
  { gate }: Sender,
  watched: WatchedPrediction,
  { failure }: SubmitRejected,
): Effect.fn.Return<void> {
  yield* gate.refused(watched.row.key, failure);
  yield* watched.reject(failure);
});

const onUnknown = Effect.fnUntraced(function* (
  { client, gate }: Sender,
  watched: WatchedPrediction,
  { detail }: SubmitUnknown,
): Effect.fn.Return<void> {
  const { provider } = client;
  const failure = new ProviderFailure({ reason: "Unavailable", provider, detail });
  yield* gate.refused(watched.row.key, failure);
  yield* watched.doubt(detail);
});
