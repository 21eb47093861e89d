/** How a prediction ends, as pure functions of the prediction and the clock: what the runner stores. */
import type { Settings } from "../settings.ts";
import type { Prediction } from "./prediction.ts";

/** What the clock asks for by now: the end at the `Cancel-After` deadline or after the longest run, or undefined. */
export function endDueByClock(
  { startedAt, deadlineAt = Infinity }: Prediction,
  { now, maximumRunMs }: Settings,
): Partial<Prediction> | undefined {
  if (now() >= deadlineAt) return { status: startedAt === undefined ? "aborted" : "canceled" };
  const hasRunTooLong = now() - (startedAt ?? Infinity) >= maximumRunMs;
  return hasRunTooLong ? { status: "failed", error: "Prediction timed out" } : undefined;
}

/** The ended prediction: completed now, with the metrics of its run; what the change says counts more. */
export function endPrediction(
  prediction: Prediction,
  change: Partial<Prediction>,
  completedAt: number,
): Prediction {
  const startedAt = change.startedAt ?? prediction.startedAt;
  const metrics = {
    ...(startedAt !== undefined && { predict_time: predictSeconds(startedAt, completedAt) }),
    ...change.metrics,
    total_time: (completedAt - prediction.createdAt) / 1000,
  };
  const owesWebhook = prediction.webhook !== undefined && { webhookDone: false };
  return { ...prediction, ...change, completedAt, metrics, ...owesWebhook };
}

/** A cancelled start shows as three microseconds, as recorded. */
function predictSeconds(startedAt: number, completedAt: number): number {
  return completedAt === startedAt ? 3e-6 : (completedAt - startedAt) / 1000;
}
