/** The route table of the provider's API, and of the addresses that its answers name. */
import type { Emulation } from "../emulation.ts";
import type { Call } from "../http/call.ts";
import { json } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import { FILE_STREAM_PREFIX } from "../predictions/prediction-view.ts";
import { getAccount, listHardware } from "./account.ts";
import { createPrediction, createdModel } from "./create-prediction.ts";
import { getDeployment, listDeployments } from "./deployments.ts";
import { deleteFile, deliverFile, downloadFile, getFile, listFiles, uploadFile } from "./files.ts";
import { getModel, getVersion, listModels, listVersions, searchModels } from "./models.ts";
import { cancelPrediction, getPrediction, listPredictions } from "./predictions.ts";
import { streamPrediction } from "./streams.ts";

type ModelOf = NonNullable<Route["modelOf"]>;

const ofPrediction: ModelOf = ({ predictions }, { parameters }) =>
  predictions.get(parameters["id"] ?? "")?.model;
const ofFile: ModelOf = ({ predictions, files }, { parameters }) =>
  predictions.get(files.get(parameters["id"] ?? "")?.predictionId ?? "")?.model;
const ofPath: ModelOf = (_emulation, { parameters }) =>
  `${parameters["owner"]}/${parameters["name"]}`;
const ofCreate: ModelOf = (emulation: Emulation, call: Call) =>
  createdModel(emulation, call)?.fullName;
const ofStream: ModelOf = ({ predictions }, { parameters }) =>
  predictions.ofStream(parameters["token"] ?? "")?.model;

const create: Omit<Route, "path"> = {
  method: "POST",
  operation: "create",
  modelOf: ofCreate,
  handle: (emulation, call, { outcome }) => createPrediction(emulation, call, outcome),
};

const stream: Omit<Route, "path"> = {
  method: "GET",
  operation: "stream",
  access: "open",
  modelOf: ofStream,
  handle: (emulation, call, { answer }) => streamPrediction(emulation, call, answer),
};

const model: Omit<Route, "path" | "handle"> = {
  method: "GET",
  operation: "model",
  modelOf: ofPath,
};

const predictionRoutes: readonly Route[] = [
  { ...create, path: "/v1/predictions" },
  { ...create, path: "/v1/models/:owner/:name/predictions" },
  { ...create, path: "/v1/deployments/:deploymentOwner/:deploymentName/predictions" },
  {
    method: "GET",
    path: "/v1/predictions",
    operation: "list",
    handle: (emulation, call, { answer }) =>
      listPredictions(emulation, call, answer?.type === "stale-list" ? answer.staleMs : undefined),
  },
  {
    method: "GET",
    path: "/v1/predictions/:id",
    operation: "get",
    modelOf: ofPrediction,
    handle: getPrediction,
  },
  {
    method: "POST",
    path: "/v1/predictions/:id/cancel",
    operation: "cancel",
    modelOf: ofPrediction,
    handle: (emulation, call, { answer }) => cancelPrediction(emulation, call, answer),
  },
  { ...stream, path: "/v1/streams/:token" },
  { ...stream, path: `/v1/files/${FILE_STREAM_PREFIX}:token` },
];

const fileRoutes: readonly Route[] = [
  { method: "POST", path: "/v1/files", operation: "upload", handle: uploadFile },
  { method: "GET", path: "/v1/files", handle: listFiles },
  { method: "GET", path: "/v1/files/:id", handle: getFile },
  { method: "GET", path: "/v1/files/:id/download", handle: downloadFile },
  { method: "DELETE", path: "/v1/files/:id", handle: deleteFile },
  {
    method: "GET",
    path: "/delivery/:id/:name",
    operation: "file",
    access: "open",
    modelOf: ofFile,
    handle: (emulation, call, { answer }) => deliverFile(emulation, call, answer),
  },
];

export const apiRoutes: readonly Route[] = [
  ...predictionRoutes,
  ...fileRoutes,
  { method: "GET", path: "/v1/models", handle: listModels },
  { method: "QUERY", path: "/v1/models", handle: searchModels },
  { ...model, path: "/v1/models/:owner/:name", handle: getModel },
  { ...model, path: "/v1/models/:owner/:name/versions", handle: listVersions },
  { ...model, path: "/v1/models/:owner/:name/versions/:version", handle: getVersion },
  { method: "GET", path: "/v1/deployments", handle: listDeployments },
  { method: "GET", path: "/v1/deployments/:owner/:name", handle: getDeployment },
  {
    method: "GET",
    path: "/v1/webhooks/default/secret",
    handle: ({ webhookSecret }) => json(200, { key: webhookSecret }),
  },
  { method: "GET", path: "/v1/account", handle: getAccount },
  { method: "GET", path: "/v1/hardware", handle: listHardware },
];
