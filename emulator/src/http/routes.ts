/** The route table: which handler answers which path, whether it wants a token, and what a fault plan calls it. */
import { getHealth, getLedger, getPlan, resetPlan, setPlan } from "../api/control.ts";
import { createPrediction, createdModel } from "../api/create-prediction.ts";
import {
  deleteFile,
  deliverFile,
  downloadFile,
  getFile,
  listFiles,
  uploadFile,
} from "../api/files.ts";
import { getModel, getVersion, listModels, listVersions } from "../api/models.ts";
import { cancelPrediction, getPrediction, listPredictions } from "../api/predictions.ts";
import type { Emulation } from "../emulation.ts";
import type { Verdict } from "../faults/fault-plan.ts";
import type { Operation } from "../faults/fault.ts";
import type { Call } from "./call.ts";
import { json, type Reply } from "./reply.ts";

export interface Route {
  readonly method: string;
  /** `:name` captures one segment. */
  readonly path: string;
  /** Absent for what no fault plan touches. */
  readonly operation?: Operation;
  /** Default true. */
  readonly isTokenNeeded?: boolean;
  readonly handle: (emulation: Emulation, call: Call, verdict: Verdict) => Reply | Promise<Reply>;
  /** The model that fault rules match, where the request names one. */
  readonly modelOf?: (emulation: Emulation, call: Call) => string | undefined;
}

const ofPrediction: NonNullable<Route["modelOf"]> = ({ predictions }, { parameters }) =>
  predictions.get(parameters["id"] ?? "")?.model;
const ofFile: NonNullable<Route["modelOf"]> = ({ predictions, files }, { parameters }) =>
  predictions.get(files.get(parameters["id"] ?? "")?.predictionId ?? "")?.model;
const ofPath: NonNullable<Route["modelOf"]> = (_emulation, { parameters }) =>
  `${parameters["owner"]}/${parameters["name"]}`;
const ofCreate: NonNullable<Route["modelOf"]> = (_emulation, call) => createdModel(call)?.fullName;

const create: Pick<Route, "method" | "operation" | "modelOf" | "handle"> = {
  method: "POST",
  operation: "create",
  modelOf: ofCreate,
  handle: (emulation, call, { outcome }) => createPrediction(emulation, call, outcome),
};

const routes: readonly Route[] = [
  { ...create, path: "/v1/predictions" },
  { ...create, path: "/v1/models/:owner/:name/predictions" },
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
  { method: "GET", path: "/v1/models", handle: listModels },
  {
    method: "GET",
    path: "/v1/models/:owner/:name",
    operation: "model",
    modelOf: ofPath,
    handle: getModel,
  },
  {
    method: "GET",
    path: "/v1/models/:owner/:name/versions",
    operation: "model",
    modelOf: ofPath,
    handle: listVersions,
  },
  {
    method: "GET",
    path: "/v1/models/:owner/:name/versions/:version",
    operation: "model",
    modelOf: ofPath,
    handle: getVersion,
  },
  { method: "POST", path: "/v1/files", operation: "upload", handle: uploadFile },
  { method: "GET", path: "/v1/files", handle: listFiles },
  { method: "GET", path: "/v1/files/:id", handle: getFile },
  { method: "GET", path: "/v1/files/:id/download", handle: downloadFile },
  { method: "DELETE", path: "/v1/files/:id", handle: deleteFile },
  {
    method: "GET",
    path: "/v1/webhooks/default/secret",
    handle: ({ webhookSecret }) => json(200, { key: webhookSecret }),
  },
  {
    method: "GET",
    path: "/v1/account",
    handle: () => json(200, { type: "user", username: "emulated", name: "emulated" }),
  },
  {
    method: "GET",
    path: "/delivery/:id/:name",
    operation: "file",
    isTokenNeeded: false,
    modelOf: ofFile,
    handle: (emulation, call, { answer }) => deliverFile(emulation, call, answer),
  },
  { method: "GET", path: "/emulator/health", isTokenNeeded: false, handle: getHealth },
  { method: "GET", path: "/emulator/ledger", isTokenNeeded: false, handle: getLedger },
  { method: "GET", path: "/emulator/plan", isTokenNeeded: false, handle: getPlan },
  { method: "POST", path: "/emulator/plan", isTokenNeeded: false, handle: setPlan },
  { method: "POST", path: "/emulator/reset-plan", isTokenNeeded: false, handle: resetPlan },
];

/** The route of a request with what its path captured, or undefined. */
export function matchRoute(
  method: string,
  path: string,
): { readonly route: Route; readonly parameters: Readonly<Record<string, string>> } | undefined {
  for (const route of routes) {
    const parameters = route.method === method ? capture(route.path, path) : undefined;
    if (parameters !== undefined) return { route, parameters };
  }
  return undefined;
}

function capture(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const pairs = wanted.map((segment, index): readonly [string, string] => [
    segment,
    given[index] ?? "",
  ]);
  const isMatch = pairs.every(([segment, value]) =>
    segment.startsWith(":") ? value !== "" : segment === value,
  );
  if (!isMatch) return undefined;
  return Object.fromEntries(
    pairs
      .filter(([segment]) => segment.startsWith(":"))
      .map(([segment, value]) => [segment.slice(1), value]),
  );
}
