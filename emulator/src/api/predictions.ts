/** GET /v1/predictions/{id}, POST …/cancel and GET /v1/predictions. */
import { setTimeout as pause } from "node:timers/promises";
import type { Emulation } from "../emulation.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { parameter, type Call } from "../http/call.ts";
import { json, notFound, problem, type Reply } from "../http/reply.ts";
import { predictionAsOf, viewPrediction } from "../predictions/prediction-view.ts";
import type { Prediction } from "../predictions/prediction.ts";

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
  void pause(fault.delayMs, undefined, { signal: emulation.closing }).then(
    () => emulation.runner.cancel(id),
    () => undefined,
  );
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
  const asOfMs = settings.now() - staleMs;
  const found = predictions
    .all()
    .map(({ id }) => emulation.runner.look(id))
    .flatMap((prediction) =>
      prediction === undefined ? [] : (predictionAsOf(prediction, asOfMs) ?? []),
    )
    .filter(({ createdAt }) => !isForWebsite && createdAt >= afterMs && createdAt <= beforeMs)
    .reverse();
  const start = positionOf(found, query.get("cursor"));
  const page = found.slice(start, start + settings.pageSize);
  const viewpoint = { origin: call.origin, settings, isList: true };
  return json(200, {
    previous: start === 0 ? null : pageUrl(call, found[Math.max(0, start - settings.pageSize)]),
    next:
      start + settings.pageSize >= found.length
        ? null
        : pageUrl(call, found[start + settings.pageSize]),
    results: page.map((prediction) => viewPrediction(prediction, viewpoint)),
  });
}

function one({ settings }: Emulation, { origin }: Call, prediction: Prediction | undefined): Reply {
  return prediction === undefined
    ? notFound("Prediction not found")
    : json(200, viewPrediction(prediction, { origin, settings }));
}

/** Pages begin at a prediction, not at a number: what is made meanwhile does not move them. */
function positionOf(found: readonly Prediction[], cursor: string | null): number {
  if (cursor === null) return 0;
  const id = Buffer.from(cursor, "base64url").toString("utf8");
  const position = found.findIndex((prediction) => prediction.id === id);
  return position === -1 ? found.length : position;
}

function pageUrl({ origin, url }: Call, first: Prediction | undefined): string {
  const page = new URL(url.pathname + url.search, origin);
  page.searchParams.set("cursor", Buffer.from(first?.id ?? "").toString("base64url"));
  return page.href;
}
