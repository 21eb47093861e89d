/** POST /v1/predictions and POST /v1/models/{owner}/{name}/predictions. */
import { randomBytes } from "node:crypto";
import type { Emulation } from "../emulation.ts";
import type { Outcome } from "../faults/fault.ts";
import { jsonBody, type Call } from "../http/call.ts";
import {
  invalidInput,
  invalidVersion,
  json,
  notFound,
  problem,
  type Reply,
} from "../http/reply.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { modelNamed, modelOfVersion } from "../models/catalog.ts";
import type { Model } from "../models/model.ts";
import { parseCancelAfter } from "../predictions/deadline.ts";
import type { Prediction, WebhookEvent } from "../predictions/prediction.ts";
import { inputProblems, topLevelProblems } from "../predictions/validate-create.ts";
import { answerWhenDone } from "./wait-for-prediction.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";

/** The model a create is about, also when the request will be refused; for matching fault rules. */
export function createdModel(call: Call): Model | undefined {
  const { owner, name } = call.parameters;
  if (owner !== undefined && name !== undefined) return modelNamed(`${owner}/${name}`);
  const body = jsonBody(call);
  return isJsonObject(body) && typeof body["version"] === "string"
    ? modelOfVersion(body["version"])
    : undefined;
}

/** 201 with a `starting` prediction, or a 4xx and nothing was made. */
export async function createPrediction(
  emulation: Emulation,
  call: Call,
  outcome: Outcome | undefined,
): Promise<Reply> {
  const body = jsonBody(call);
  if (!isJsonObject(body))
    return problem(400, "The request body is not a JSON object", { title: "Bad request" });
  const model = createdModel(call);
  const isByName = call.parameters["name"] !== undefined;
  if (isByName && !model?.isOfficial) return notFound("The requested resource could not be found.");
  if (isByName && Object.hasOwn(body, "version")) return refuseVersion();
  const topLevel = topLevelProblems(body);
  if (topLevel.length > 0) return invalidInput(topLevel);
  if (model === undefined) return invalidVersion();
  const input = isJsonObject(body["input"]) ? body["input"] : {};
  const problems = inputProblems(model, input);
  if (problems.length > 0) return invalidInput(problems);
  const cancelAfter = call.headers["cancel-after"];
  const lifetimeMs = cancelAfter === undefined ? undefined : parseCancelAfter(String(cancelAfter));
  if (cancelAfter !== undefined && lifetimeMs === undefined) return refuseCancelAfter();
  const prediction = newPrediction({ emulation, model, input, body, lifetimeMs, outcome });
  emulation.predictions.save(prediction);
  emulation.runner.start(prediction);
  return (
    (await answerWhenDone(emulation, call, prediction.id)) ?? created(emulation, call, prediction)
  );
}

function created({ settings }: Emulation, { origin }: Call, prediction: Prediction): Reply {
  const location = `${origin}/v1/predictions/${prediction.id}`;
  return json(201, viewPrediction(prediction, { origin, settings }), { location });
}

interface Creation {
  readonly emulation: Emulation;
  readonly model: Model;
  readonly input: JsonObject;
  readonly body: JsonObject;
  readonly lifetimeMs: number | undefined;
  readonly outcome: Outcome | undefined;
}

function newPrediction({
  emulation,
  model,
  input,
  body,
  lifetimeMs,
  outcome,
}: Creation): Prediction {
  const createdAt = emulation.settings.now();
  const events = body["webhook_events_filter"];
  return {
    id: newId(),
    model: model.fullName,
    version: model.versionId,
    input,
    status: "starting",
    createdAt,
    logs: `emulated: toy model stands in for ${model.fullName}\n`,
    ...(lifetimeMs !== undefined && { deadlineAt: createdAt + lifetimeMs }),
    ...(typeof body["webhook"] === "string" && { webhook: body["webhook"] }),
    ...(Array.isArray(events) && {
      webhookEvents: events.filter((event): event is WebhookEvent => typeof event === "string"),
    }),
    ...(outcome && { outcome }),
  };
}

/** 26 lower-case base-32 characters, as the provider's ids are. */
function newId(): string {
  return Array.from(randomBytes(26), (byte) => "0123456789abcdefghjkmnpqrstvwxyz"[byte % 32]).join(
    "",
  );
}

function refuseVersion(): Reply {
  const description = "Additional property version is not allowed";
  return invalidInput([{ type: "additional_property_not_allowed", field: "version", description }]);
}

function refuseCancelAfter(): Reply {
  const description = "Must be a duration of at least 5 seconds, like 30s, 5m or 1h30m45s";
  return invalidInput([{ type: "format", field: "Cancel-After", description }]);
}
