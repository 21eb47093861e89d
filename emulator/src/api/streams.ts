/** The addresses behind `urls.stream`: no token, an unguessable path, server-sent events. */
import type { Emulation } from "../emulation.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { parameter, type Call } from "../http/call.ts";
import { notFound } from "../http/problems.ts";
import type { Reply } from "../http/reply.ts";
import { predictionEvents } from "../streams/prediction-events.ts";

/** The stream of a prediction, broken where a fault plan says so. */
export function streamPrediction(
  emulation: Emulation,
  call: Call,
  fault: AnswerFault | undefined,
): Reply {
  const prediction = emulation.predictions.ofStream(parameter(call, "token"));
  if (prediction === undefined) return notFound("Stream not found");
  return {
    kind: "stream",
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
    events: (signal) =>
      predictionEvents(emulation, prediction.id, AbortSignal.any([signal, emulation.closing])),
    ...(fault?.type === "broken-stream" && { breaksAfter: fault.afterEvents }),
  };
}
