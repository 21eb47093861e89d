/**
 * How a prediction looks from outside, in the hostile reading: absent keys instead of nulls, a hidden version, no
 * webhook in lists, timestamps of varying length, data removed after the hour, and for lists the past.
 */
import type { Settings } from "../settings.ts";
import { isTerminal, type Prediction } from "./prediction.ts";
import { modelNamed } from "../models/catalog.ts";
import { variedTimestamp } from "./timestamps.ts";

/** Tells a stream of files from an uploaded file, which has its address beside it. */
export const FILE_STREAM_PREFIX = "bcwr-";

export interface Viewpoint {
  /** Scheme, host and port under which the client reached us. */
  readonly origin: string;
  readonly settings: Settings;
  readonly isList?: boolean;
}

/** The JSON body for one prediction. */
export function viewPrediction(
  prediction: Prediction,
  viewpoint: Viewpoint,
): Readonly<Record<string, unknown>> {
  const { settings, origin, isList = false } = viewpoint;
  const { id, webhook, webhookEvents } = prediction;
  const isRemoved = isDataRemoved(prediction, settings);
  const instant = (field: string, at: number | undefined) =>
    at === undefined ? {} : { [field]: variedTimestamp(at, id, field) };
  const isVersionShown =
    !settings.isVersionHidden ||
    prediction.deployment !== undefined ||
    modelNamed(prediction.model)?.isOfficial === false;
  return {
    id,
    model: prediction.model,
    version: isVersionShown ? prediction.version : "hidden",
    input: isRemoved ? {} : prediction.input,
    logs: isRemoved ? "" : prediction.logs,
    ...outputView(prediction, isRemoved, origin),
    data_removed: isRemoved,
    error: prediction.error ?? null,
    source: "api",
    status: prediction.status,
    ...instant("created_at", prediction.createdAt),
    ...instant("started_at", prediction.startedAt),
    ...instant("completed_at", prediction.completedAt),
    ...instant("deadline", prediction.deadlineAt),
    ...(prediction.metrics && { metrics: prediction.metrics }),
    ...(prediction.deployment !== undefined && { deployment: prediction.deployment }),
    ...(webhook !== undefined && !(isList && settings.isWebhookHiddenInLists) && { webhook }),
    ...(webhookEvents && !isList && { webhook_events_filter: webhookEvents }),
    urls: {
      cancel: `${origin}/v1/predictions/${id}/cancel`,
      get: `${origin}/v1/predictions/${id}`,
      ...streamUrl(prediction, origin),
      web: `${origin}/p/${id}`,
    },
  };
}

/** The prediction as it was at an earlier instant; undefined where it did not exist yet. */
export function predictionAsOf(prediction: Prediction, instantMs: number): Prediction | undefined {
  const { createdAt, startedAt = Infinity, completedAt = Infinity } = prediction;
  if (createdAt > instantMs) return undefined;
  if (completedAt <= instantMs) return prediction;
  const {
    output: _output,
    metrics: _metrics,
    error: _error,
    completedAt: _completedAt,
    ...running
  } = prediction;
  if (startedAt <= instantMs) return { ...running, status: "processing" };
  const { startedAt: _startedAt, ...waiting } = running;
  return { ...waiting, status: "starting" };
}

/** True when the hour is over: input, output, logs and files are gone. */
export function isDataRemoved(
  { status, completedAt = Infinity }: Prediction,
  settings: Settings,
): boolean {
  return isTerminal(status) && settings.now() - completedAt >= settings.retentionMs;
}

/** Streams of files begin with `/v1/files/`: the official client tells them by that. */
function streamUrl(
  { model, streamToken }: Prediction,
  origin: string,
): { readonly stream?: string } {
  if (streamToken === undefined) return {};
  return modelNamed(model)?.streams === "files"
    ? { stream: `${origin}/v1/files/${FILE_STREAM_PREFIX}${streamToken}` }
    : { stream: `${origin}/v1/streams/${streamToken}` };
}

function outputView(
  prediction: Prediction,
  isRemoved: boolean,
  origin: string,
): { readonly output?: unknown } {
  if (isRemoved) return { output: null };
  return "output" in prediction ? { output: withOrigin(prediction.output, origin) } : {};
}

function withOrigin(output: unknown, origin: string): unknown {
  if (Array.isArray(output)) return output.map((item) => withOrigin(item, origin));
  return typeof output === "string" && output.startsWith("/delivery/")
    ? `${origin}${output}`
    : output;
}
