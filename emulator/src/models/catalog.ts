/**
 * The models this emulator answers to: real names and real input and output schemas, behind which toys work.
 * Source of the schemas: the models' public API pages on replicate.com.
 */
import { createHash } from "node:crypto";
import { isJsonObject, type JsonObject } from "../json.ts";
import { fluxSchnell } from "./schemas/flux-schnell.ts";
import { llama3Instruct } from "./schemas/llama-3-instruct.ts";
import type { Model } from "./model.ts";
import { nsfwImageDetection } from "./schemas/nsfw-image-detection.ts";

const MODELS: readonly Model[] = [llama3Instruct, fluxSchnell, nsfwImageDetection].map((spec) => {
  const fullName = `${spec.owner}/${spec.name}`;
  return {
    ...spec,
    fullName,
    versionId: spec.versionId ?? createHash("sha256").update(fullName).digest("hex"),
  };
});

/** The model with this `owner/name`. */
export function modelNamed(fullName: string): Model | undefined {
  return MODELS.find((model) => model.fullName === fullName);
}

/** The model meant by a `version`: 64 hexadecimal digits, `owner/name:id`, or `owner/name` of an official model. */
export function modelOfVersion(version: string): Model | undefined {
  const [fullName, versionId] = version.includes("/") ? version.split(":") : [undefined, version];
  if (versionId === undefined) {
    const model = fullName === undefined ? undefined : modelNamed(fullName);
    return model?.isOfficial ? model : undefined;
  }
  return MODELS.find(
    (model) => model.versionId === versionId && (fullName ?? model.fullName) === model.fullName,
  );
}

/** All models, in a fixed order. */
export function allModels(): readonly Model[] {
  return MODELS;
}

/** The part of a model's schema that describes its input fields by name. */
export function inputFields(model: Model): Readonly<Record<string, JsonObject>> {
  const properties = model.schemas["Input"]?.["properties"];
  const fields = isJsonObject(properties) ? Object.entries(properties) : [];
  return Object.fromEntries(
    fields.filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])),
  );
}
