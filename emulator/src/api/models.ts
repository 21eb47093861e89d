/** GET /v1/models/{owner}/{name}, its versions, and GET /v1/models. */
import type { Emulation } from "../emulation.ts";
import { parameter, type Call } from "../http/call.ts";
import { json, notFound, type Reply } from "../http/reply.ts";
import { allModels, modelNamed } from "../models/catalog.ts";
import type { Model } from "../models/model.ts";

const CREATED_AT = "2024-04-17T21:44:58.480057Z";

export function getModel(_emulation: Emulation, call: Call): Reply {
  const model = modelOf(call);
  return model === undefined ? unknownModel() : json(200, viewModel(model));
}

export function listModels(): Reply {
  return json(200, { previous: null, next: null, results: allModels().map(viewModel) });
}

export function listVersions(_emulation: Emulation, call: Call): Reply {
  const model = modelOf(call);
  return model === undefined
    ? unknownModel()
    : json(200, { previous: null, next: null, results: [viewVersion(model)] });
}

export function getVersion(_emulation: Emulation, call: Call): Reply {
  const model = modelOf(call);
  return model?.versionId === parameter(call, "version")
    ? json(200, viewVersion(model))
    : unknownModel();
}

function modelOf(call: Call): Model | undefined {
  return modelNamed(`${parameter(call, "owner")}/${parameter(call, "name")}`);
}

function unknownModel(): Reply {
  return notFound("The requested resource could not be found.");
}

function viewModel(model: Model): Readonly<Record<string, unknown>> {
  return {
    url: `https://replicate.com/${model.fullName}`,
    owner: model.owner,
    name: model.name,
    description: `${model.description} (emulated by a toy)`,
    visibility: "public",
    is_official: model.isOfficial,
    github_url: null,
    paper_url: null,
    license_url: null,
    run_count: 0,
    cover_image_url: null,
    default_example: null,
    latest_version: viewVersion(model),
  };
}

function viewVersion({ versionId, schemas }: Model): Readonly<Record<string, unknown>> {
  return {
    id: versionId,
    created_at: CREATED_AT,
    cog_version: "0.9.9",
    openapi_schema: {
      openapi: "3.0.2",
      info: { title: "Cog", version: "0.1.0" },
      paths: {},
      components: { schemas },
    },
  };
}
