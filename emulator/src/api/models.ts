/** GET /v1/models, its search, GET /v1/models/{owner}/{name} and its versions. */
import type { Emulation } from "../emulation.ts";
import { parameter, type Call } from "../http/call.ts";
import { notFound } from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";
import { parseJson } from "../json.ts";
import { allModels, modelNamed } from "../models/catalog.ts";
import type { Model } from "../models/model.ts";
import { pageOf } from "./paging.ts";

const CREATED_AT = "2024-04-17T21:44:58.480057Z";

export function getModel(_emulation: Emulation, call: Call): Reply {
  const model = modelOf(call);
  return model === undefined ? notFound() : json(200, viewModel(model));
}

export function listModels(emulation: Emulation, call: Call): Reply {
  return modelPage(emulation, call, allModels());
}

/** Models with the words of the body, plain text, in their name or description. */
export function searchModels(emulation: Emulation, call: Call): Reply {
  const text = call.body.toString("utf8");
  const quoted = parseJson(text);
  const words = (typeof quoted === "string" ? quoted : text).toLowerCase().split(/\s+/u);
  const found = allModels().filter(({ fullName, description }) => {
    const described = `${fullName} ${description}`.toLowerCase();
    return words.every((word) => described.includes(word));
  });
  return modelPage(emulation, call, found);
}

export function listVersions({ settings }: Emulation, call: Call): Reply {
  const model = modelOf(call);
  if (model === undefined) return notFound();
  const page = { items: [model], size: settings.pageSize, idOf: (one: Model) => one.versionId };
  return pageOf(call, page, viewVersion);
}

export function getVersion(_emulation: Emulation, call: Call): Reply {
  const model = modelOf(call);
  return model?.versionId === parameter(call, "version")
    ? json(200, viewVersion(model))
    : notFound();
}

function modelPage({ settings }: Emulation, call: Call, items: readonly Model[]): Reply {
  const page = { items, size: settings.pageSize, idOf: ({ fullName }: Model) => fullName };
  return pageOf(call, page, viewModel);
}

function modelOf(call: Call): Model | undefined {
  return modelNamed(`${parameter(call, "owner")}/${parameter(call, "name")}`);
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
      info: { title: "Cog", version: "0.1.0" },
      paths: {},
      openapi: "3.0.2",
      components: { schemas },
    },
  };
}
