/** GET /v1/deployments and GET /v1/deployments/{owner}/{name}. Predictions of a deployment: create-prediction.ts. */
import { ACCOUNT } from "../account.ts";
import type { Emulation } from "../emulation.ts";
import { parameter, type Call } from "../http/call.ts";
import { notFound } from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";
import { deployedModel, type Deployment } from "../models/deployment.ts";
import { pageOf } from "./paging.ts";

const CREATED_AT = "2024-02-15T16:32:57.018467Z";

export function listDeployments({ settings }: Emulation, call: Call): Reply {
  const page = { items: settings.deployments, size: settings.pageSize, idOf: fullNameOf };
  return pageOf(call, page, viewDeployment);
}

export function getDeployment({ settings }: Emulation, call: Call): Reply {
  const fullName = `${parameter(call, "owner")}/${parameter(call, "name")}`;
  const deployment = settings.deployments.find((known) => fullNameOf(known) === fullName);
  return deployment === undefined ? notFound() : json(200, viewDeployment(deployment));
}

/** `owner/name`. */
export function fullNameOf({ owner, name }: Deployment): string {
  return `${owner}/${name}`;
}

function viewDeployment(deployment: Deployment): Readonly<Record<string, unknown>> {
  return {
    owner: deployment.owner,
    name: deployment.name,
    current_release: {
      number: 1,
      model: deployment.model,
      version: deployedModel(deployment)?.versionId,
      created_at: CREATED_AT,
      created_by: ACCOUNT,
      configuration: { hardware: "gpu-t4", min_instances: 1, max_instances: 5 },
    },
  };
}
