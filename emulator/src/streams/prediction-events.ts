/**
 * A prediction's output as server-sent events, from its beginning, whoever connects when. The stream is a view of
 * the stored prediction; a `done` does not end the connection, 30 s without an event do.
 */
import type { Clock } from "../clock.ts";
import { watchChanges } from "../predictions/changes.ts";
import { inlineFiles } from "../predictions/inline-files.ts";
import { isDataRemoved } from "../predictions/prediction-view.ts";
import { isTerminal, type Prediction } from "../predictions/prediction.ts";
import type { Settings } from "../settings.ts";
import type { FileStore } from "../storage/file-store.ts";
import type { PredictionStore } from "../storage/prediction-store.ts";

export interface StreamSource {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly predictions: PredictionStore;
  readonly files: FileStore;
}

/** The comment that ends a stream on which nothing happens. */
const TIMEOUT_COMMENT = ":408: 408 Request Timeout\n\n";

/** Events as they come, each as the text to send; ends after the timeout or when the signal is aborted. */
export async function* predictionEvents(
  source: StreamSource,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { settings, clock, predictions } = source;
  const changes = watchChanges({ predictions, clock, id, signal });
  try {
    let sent = 0;
    let until = clock.now() + settings.streamTimeoutMs;
    do {
      const events = eventsOf(source, id);
      for (; sent < events.length; sent += 1) {
        yield events[sent] ?? "";
        until = clock.now() + settings.streamTimeoutMs;
      }
    } while (await changes.next(until - clock.now()));
    if (!signal.aborted) yield TIMEOUT_COMMENT;
  } finally {
    changes.close();
  }
}

/** Every event that the prediction has given so far; a later call gives the same ones and more. */
function eventsOf({ settings, predictions, files }: StreamSource, id: string): readonly string[] {
  const prediction = predictions.get(id);
  if (prediction === undefined || isDataRemoved(prediction, settings)) return [];
  const seconds = Math.floor((prediction.startedAt ?? prediction.createdAt) / 1_000);
  const outputs = partsOf(prediction).map((part, index) =>
    sseText("output", String(inlineFiles(part, files)), `${seconds}:${index}`),
  );
  return [...outputs, ...endingOf(prediction)];
}

function partsOf({ output }: Prediction): readonly unknown[] {
  if (Array.isArray(output)) return output;
  return typeof output === "string" ? [output] : [];
}

function endingOf({ status, error }: Prediction): readonly string[] {
  if (!isTerminal(status)) return [];
  if (status === "succeeded") return [sseText("done", "{}")];
  if (status !== "failed") return [sseText("done", JSON.stringify({ reason: "canceled" }))];
  return [
    sseText("error", JSON.stringify({ detail: error })),
    sseText("done", JSON.stringify({ reason: "error" })),
  ];
}

/** A line of data for each line of the text. */
function sseText(event: string, text: string, id?: string): string {
  const data = text.split(/\r\n|\r|\n/u).map((line) => `data: ${line}\n`);
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}${data.join("")}\n`;
}
