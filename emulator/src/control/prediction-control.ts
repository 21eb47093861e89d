/** A test's hand on one prediction: ends it as it likes, holds it, lets it go on. */
import type { Emulation } from "../emulation.ts";
import { jsonBody, parameter, type Call } from "../http/call.ts";
import { notFound, problem } from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";
import { isTerminal, type Metrics, type Prediction } from "../predictions/prediction.ts";

const ENDINGS = ["succeeded", "failed", "canceled", "aborted"] as const;

/** Ends it with `status` and, if given, `output`, `error`, `logs` and `metrics`. */
export function settlePrediction(emulation: Emulation, call: Call): Reply {
  const ending = decodeEnding(jsonBody(call));
  return "problem" in ending
    ? problem(422, ending.problem, "Not an ending")
    : unfinished(emulation, call, (id) => emulation.runner.settle(id, ending.change));
}

export function holdPrediction(emulation: Emulation, call: Call): Reply {
  return unfinished(emulation, call, (id) => emulation.runner.hold(id));
}

export function releasePrediction(emulation: Emulation, call: Call): Reply {
  return unfinished(emulation, call, (id) => emulation.runner.release(id));
}

/** Adds `parts` to the output of one that runs, as a model does that writes token by token; it runs on. */
export function writePrediction(emulation: Emulation, call: Call): Reply {
  const body = jsonBody(call);
  const parts: unknown =
    isJsonObject(body) && Object.keys(body).length === 1 ? body["parts"] : null;
  return isTextList(parts)
    ? unfinished(emulation, call, (id) => emulation.runner.write(id, parts))
    : problem(422, "expected parts, a list of texts, and nothing else", "Not an output");
}

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((part) => typeof part === "string");

/** 404 for one that does not exist, 409 for one that has ended: it stays as it is. */
function unfinished(
  emulation: Emulation,
  call: Call,
  change: (id: string) => Prediction | undefined,
): Reply {
  const id = parameter(call, "id");
  const before = emulation.runner.look(id);
  if (before === undefined) return notFound("Prediction not found");
  if (isTerminal(before.status))
    return problem(409, `The prediction has ended as ${before.status}`, "Prediction has ended");
  const after = change(id) ?? before;
  const { settings } = emulation;
  return json(200, viewPrediction(after, { origin: call.origin, settings }));
}

function decodeEnding(
  body: unknown,
): { readonly change: Partial<Prediction> } | { readonly problem: string } {
  if (!isJsonObject(body)) return { problem: "an ending is an object with a status" };
  const { status: given, output, error, logs, metrics, ...rest } = body;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return { problem: `unknown field ${unknown}` };
  const status = ENDINGS.find((ending) => ending === given);
  if (status === undefined) return { problem: `status is one of ${ENDINGS.join(", ")}` };
  if (error !== undefined && typeof error !== "string") return { problem: "error is a text" };
  if (logs !== undefined && typeof logs !== "string") return { problem: "logs is a text" };
  if (metrics !== undefined && !isMetrics(metrics))
    return { problem: "metrics is an object of numbers" };
  return {
    change: {
      status,
      ...("output" in body && { output }),
      ...(error !== undefined && { error }),
      ...(logs !== undefined && { logs }),
      ...(metrics !== undefined && { metrics }),
    },
  };
}

function isMetrics(value: unknown): value is Metrics & JsonObject {
  return isJsonObject(value) && Object.values(value).every((metric) => typeof metric === "number");
}
