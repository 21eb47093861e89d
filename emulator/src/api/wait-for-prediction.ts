/**
 * `Prefer: wait`: the create is answered when the prediction ended or the time ran out. As recorded from the real
 * service, a finished answer still says `processing`, without completed_at and metrics, with files as data URIs.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Emulation } from "../emulation.ts";
import type { Call } from "../http/call.ts";
import { json, type Reply } from "../http/reply.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";
import { isTerminal, type Prediction } from "../predictions/prediction.ts";

const MAXIMUM_SECONDS = 60;
const LOOK_INTERVAL_MS = 20;

/** The late answer, or undefined where the client did not ask to wait. */
export async function answerWhenDone(
  emulation: Emulation,
  call: Call,
  id: string,
): Promise<Reply | undefined> {
  const wish = /^wait(?:=(?<seconds>\d+))?$/u.exec(String(call.headers["prefer"] ?? ""));
  if (wish === null) return undefined;
  const seconds = Math.min(Number(wish.groups?.["seconds"] ?? MAXIMUM_SECONDS), MAXIMUM_SECONDS);
  const until = performance.now() + seconds * 1000;
  let prediction = emulation.runner.look(id);
  while (prediction !== undefined && !isTerminal(prediction.status) && performance.now() < until) {
    await pause(LOOK_INTERVAL_MS, undefined, { signal: emulation.closing });
    prediction = emulation.runner.look(id);
  }
  if (prediction === undefined) return undefined;
  const headers = {
    "preference-applied": `wait=${seconds}`,
    location: `${call.origin}/v1/predictions/${id}`,
  };
  return json(
    201,
    viewPrediction(early(emulation, prediction), {
      origin: call.origin,
      settings: emulation.settings,
    }),
    headers,
  );
}

function early({ files }: Emulation, prediction: Prediction): Prediction {
  if (prediction.status !== "succeeded") return prediction;
  const {
    startedAt: _startedAt,
    completedAt: _completedAt,
    metrics: _metrics,
    ...rest
  } = prediction;
  const inline = (item: unknown): unknown => {
    const stored =
      typeof item === "string" && item.startsWith("/delivery/")
        ? files.get(item.split("/")[2] ?? "")
        : undefined;
    return stored === undefined
      ? item
      : `data:${stored.contentType};base64,${files.read(stored).toString("base64")}`;
  };
  const { output } = prediction;
  return {
    ...rest,
    status: "processing",
    output: Array.isArray(output) ? output.map(inline) : output,
  };
}
