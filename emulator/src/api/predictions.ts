/** GET /v1/predictions/{id}, POST …/cancel and GET /v1/predictions. */
import type { Emulation } from "../emulation.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { parameter, type Call } from "../http/call.ts";
import { notFound, problem } from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";
import { predictionAsOf, viewPrediction } from "../predictions/prediction-view.ts";
import type { Prediction } from "../predictions/prediction.ts";
import { pageOf } from "./paging.ts";

export function getPrediction(emulation: Emulation, call: Call): Reply {
  return one(emulation, call, emulation.runner.look(parameter(call, "id")));
}

/** Ends it as `canceled`, now, later or never as the fault says; one that has ended stays as it is. */
export function cancelPrediction(
  emulation: Emulation,
  call: Call,
  fault: AnswerFault | undefined,
): Reply {
  const id = parameter(call, "id");
  const before = emulation.runner.look(id);
  if (fault?.type === "ignored-cancel") return one(emulation, call, before);
  if (fault?.type !== "delayed-cancel") return one(emulation, call, emulation.runner.cancel(id));
  void emulation.clock
    .sleep(fault.delayMs, emulation.closing)
    .then((isOver) => isOver && emulation.runner.cancel(id));
  return one(emulation, call, before);
}

/**
 * Newest first, a page at a time, as the world was listLagMs (or the fault's staleMs) ago: what was made since is
 * not there, what ended since still runs.
 */
export function listPredictions(
  emulation: Emulation,
  call: Call,
  staleMs = emulation.settings.listLagMs,
): Reply {
  const { settings, predictions } = emulation;
  const query = call.url.searchParams;
  const [after, before] = [query.get("created_after"), query.get("created_before")];
  const [afterMs, beforeMs] = [
    after === null ? -Infinity : Date.parse(after),
    before === null ? Infinity : Date.parse(before),
  ];
  if (Number.isNaN(afterMs) || Number.isNaN(beforeMs))
    return problem(400, "created_after and created_before are ISO 8601 timestamps");
  const isForWebsite = query.get("source") === "web";
  const asOfMs = emulation.clock.now() - staleMs;
  const found = predictions
    .all()
    .map(({ id }) => emulation.runner.look(id))
    .flatMap((prediction) =>
      prediction === undefined ? [] : (predictionAsOf(prediction, asOfMs) ?? []),
    )
    .filter(({ createdAt }) => !isForWebsite && createdAt >= afterMs && createdAt <= beforeMs)
    .reverse();
  const viewpoint = { origin: call.origin, settings, isList: true };
  const page = { items: found, size: settings.pageSize, idOf: ({ id }: Prediction) => id };
  return pageOf(call, page, (prediction) => viewPrediction(prediction, viewpoint));
}

function one({ settings }: Emulation, { origin }: Call, prediction: Prediction | undefined): Reply {
  return prediction === undefined
    ? notFound("Prediction not found")
    : json(200, viewPrediction(prediction, { origin, settings }));
}
