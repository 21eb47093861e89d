/** POST /v1/predictions, and the same by the name of an official model or of a deployment. */
import { randomBytes } from "node:crypto";
import type { Emulation } from "../emulation.ts";
import type { Outcome } from "../faults/fault.ts";
import { jsonBody, type Call } from "../http/call.ts";
import {
  insufficientCredit,
  invalidInput,
  invalidVersion,
  notFound,
  problem,
} from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { modelNamed, modelOfVersion } from "../models/catalog.ts";
import { deployedModel } from "../models/deployment.ts";
import type { Model } from "../models/model.ts";
import { parseCancelAfter } from "../predictions/deadline.ts";
import type { Prediction, WebhookEvent } from "../predictions/prediction.ts";
import { inputProblems, topLevelProblems } from "../predictions/validate-create.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";
import { fullNameOf } from "./deployments.ts";
import { answerWhenDone } from "./wait-for-prediction.ts";

const ID_LENGTH = 26;
const STREAM_TOKEN_LENGTH = 52;

/** The model a create is about, also when the request will be refused; for matching fault rules. */
export function createdModel(emulation: Emulation, call: Call): Model | undefined {
  return targetOf(emulation, call).model;
}

interface Target {
  readonly model: Model | undefined;
  /** The path names a model or a deployment; else the body names a version. */
  readonly isByName: boolean;
  readonly deployment?: string;
}

function targetOf({ settings }: Emulation, call: Call): Target {
  const { owner, name, deploymentOwner, deploymentName } = call.parameters;
  if (name !== undefined) {
    const model = modelNamed(`${owner}/${name}`);
    return { model: model?.isOfficial ? model : undefined, isByName: true };
  }
  if (deploymentName !== undefined) {
    const deployment = `${deploymentOwner}/${deploymentName}`;
    const known = settings.deployments.find((one) => fullNameOf(one) === deployment);
    return { model: deployedModel(known), isByName: true, deployment };
  }
  const body = jsonBody(call);
  const version = isJsonObject(body) ? body["version"] : undefined;
  return {
    model: typeof version === "string" ? modelOfVersion(version) : undefined,
    isByName: false,
  };
}

/** 201 with a `starting` prediction, or a 4xx and nothing was made. */
export async function createPrediction(
  emulation: Emulation,
  call: Call,
  outcome: Outcome | undefined,
): Promise<Reply> {
  const body = jsonBody(call);
  if (!isJsonObject(body))
    return problem(400, "The request body is not a JSON object", "Bad request");
  const { model, isByName, deployment } = targetOf(emulation, call);
  if (isByName && model === undefined) return notFound();
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
  if ((emulation.credit.leftUsd() ?? Infinity) <= 0) return insufficientCredit();
  const createdAt = emulation.clock.now();
  const prediction = newPrediction({
    createdAt,
    model,
    input,
    body,
    lifetimeMs,
    deployment,
    outcome,
  });
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
  readonly createdAt: number;
  readonly model: Model;
  readonly input: JsonObject;
  readonly body: JsonObject;
  readonly lifetimeMs: number | undefined;
  readonly deployment: string | undefined;
  readonly outcome: Outcome | undefined;
}

function newPrediction(creation: Creation): Prediction {
  const { createdAt, model, input, body, lifetimeMs, deployment, outcome } = creation;
  const events = body["webhook_events_filter"];
  return {
    id: randomBase32(ID_LENGTH),
    model: model.fullName,
    version: model.versionId,
    input,
    status: "starting",
    createdAt,
    logs: `emulated: toy model stands in for ${model.fullName}\n`,
    ...(lifetimeMs !== undefined && { deadlineAt: createdAt + lifetimeMs }),
    ...(deployment !== undefined && { deployment }),
    ...(model.streams !== undefined && { streamToken: randomBase32(STREAM_TOKEN_LENGTH) }),
    ...(typeof body["webhook"] === "string" && { webhook: body["webhook"] }),
    ...(Array.isArray(events) && {
      webhookEvents: events.filter((event): event is WebhookEvent => typeof event === "string"),
    }),
    ...(outcome && { outcome }),
  };
}

/** Lower-case base-32 characters, as the provider's ids and stream tokens are. */
function randomBase32(length: number): string {
  const characters = "0123456789abcdefghjkmnpqrstvwxyz";
  return Array.from(randomBytes(length), (byte) => characters[byte % 32]).join("");
}

function refuseVersion(): Reply {
  const description = "Additional property version is not allowed";
  return invalidInput([{ type: "additional_property_not_allowed", field: "version", description }]);
}

function refuseCancelAfter(): Reply {
  const description = "Must be a duration of at least 5 seconds, like 30s, 5m or 1h30m45s";
  return invalidInput([{ type: "format", field: "Cancel-After", description }]);
}
