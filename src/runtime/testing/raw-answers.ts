/** Answers as a model writes them, and what a step reads in them. */
import { Result, type Schema } from "effect";
import type { ModelProgram } from "../../steps/step.ts";
import { codecOf } from "../services/codecs.ts";
import { onePixelPng } from "./scripted-provider.ts";

/** What the step would read in the raw answer; undefined where it refuses it. */
export const answerOf = (
  program: ModelProgram,
  raw: Schema.Json,
): { readonly value: unknown } | undefined => {
  const parsed = program.parse(withAssets(raw));
  if (Result.isFailure(parsed)) return undefined;
  const decoded = codecOf(program.answer).decode(parsed.success);
  return Result.isSuccess(decoded) ? { value: decoded.success } : undefined;
};

/** The JSON with every part replaced for which there is another. */
export const mapDeep = (
  json: Schema.Json,
  replace: (json: Schema.Json) => Schema.Json | undefined,
): Schema.Json => {
  const replaced = replace(json);
  if (replaced !== undefined) return replaced;
  if (isList(json)) return json.map((item) => mapDeep(item, replace));
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, mapDeep(value, replace)]),
  );
};

const isList = (json: Schema.Json): json is Schema.JsonArray => Array.isArray(json);

/** Assets as a provider hands them over: by URL. */
export const withFiles = (json: Schema.Json): Schema.Json =>
  mapDeep(json, (one) =>
    typeof one === "object" && one !== null && "sha256" in one ? onePixelPng : undefined,
  );

/** The other way round, as settlement does it. */
const withAssets = (json: Schema.Json): Schema.Json =>
  mapDeep(json, (one) =>
    typeof one === "string" && one.startsWith("data:") ? anAsset : undefined,
  );

const anAsset: Schema.Json = {
  sha256: "0".repeat(64),
  url: "memory:0",
  contentType: "image/png",
  sizeBytes: 70,
};

/** In a file's place a provider's answer may have any address. */
export const withUrlsAsAssets = (json: Schema.Json): Schema.Json =>
  mapDeep(json, (one) =>
    typeof one === "string" && one.startsWith("http") && URL.canParse(one) ? anAsset : undefined,
  );
