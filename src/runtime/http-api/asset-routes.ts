/** Files in and out: what `POST /assets` keeps, any field that is a file takes; what a job holds is served. */
import { Effect, Option, Result, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api";
import { Asset } from "../../steps/asset.ts";
import type { AssetStoreFailure, StoredBytes } from "../../steps/asset-store.ts";
import { checkMediaType } from "../../steps/media-type.ts";
import type { StoreFailure } from "../journal-store.ts";
import { rangeOf } from "./byte-range.ts";
import { holdsFile } from "./held-files.ts";
import { notFound, Problem } from "./problem.ts";
import { problemSchemas } from "./problem-response.ts";
import { readBytes } from "./request-body.ts";
import type { ApiHost, Incoming, Route } from "./route.ts";

export const assetRoutes = (host: ApiHost): ReadonlyArray<Route> => [
  uploadRoute(host),
  downloadRoute(host),
];

const uploadRoute = (host: ApiHost): Route => ({
  scope: "submit",
  endpoint: HttpApiEndpoint.post("upload", "/assets", {
    payload: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
    success: Asset.Any.pipe(HttpApiSchema.status(201)),
    error: problemSchemas(400, 401, 403, 413, 415, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ request }) {
    const bytes = yield* readBytes(request, host.settings.maxAssetBytes);
    if (bytes.length === 0) {
      const detail = "Expected the bytes of a file as the body";
      return yield* new Problem({ status: 400, detail });
    }
    const contentType = checkMediaType(request.headers["content-type"] ?? null, bytes);
    if (Result.isFailure(contentType))
      return yield* new Problem({ status: 415, detail: contentType.failure });
    const kept = yield* host.engine.assets.put({ bytes, contentType: contentType.success });
    const url = `${host.assetBase}/assets/${kept.sha256}`;
    return HttpServerResponse.jsonUnsafe({ ...kept, url }, { status: 201 });
  }),
});

const downloadRoute = (host: ApiHost): Route => ({
  scope: "read",
  endpoint: HttpApiEndpoint.get("download", "/assets/:sha256", {
    params: { sha256: Schema.String },
    query: { job_id: Schema.optionalKey(Schema.String) },
    headers: {
      range: Schema.optionalKey(Schema.String),
      "if-none-match": Schema.optionalKey(Schema.String),
    },
    success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
    error: problemSchemas(401, 403, 404, 416, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const sha256 = incoming.params["sha256"] ?? "";
    if (!/^[0-9a-f]{64}$/.test(sha256) || !(yield* isAllowed(host, incoming, sha256)))
      return yield* noFile;
    const stored = yield* host.engine.assets.get(sha256);
    return Option.isNone(stored) ? yield* noFile : served(incoming, sha256, stored.value);
  }),
});

const noFile = notFound("file that this caller may fetch through a job: name the job in job_id");

/** Through a job that holds the file, or without one where a caller sees everything anyway. */
const isAllowed = Effect.fnUntraced(function* (
  { engine }: ApiHost,
  { query, caller }: Incoming,
  sha256: string,
): Effect.fn.Return<boolean, StoreFailure | AssetStoreFailure> {
  const isOperator = caller.scopes.includes("operate");
  const jobId = query.get("job_id");
  if (jobId === null) return isOperator && caller.tenant === null;
  const job = Option.getOrNull(yield* engine.store.job(jobId));
  if (job === null || (caller.tenant !== null && caller.tenant !== job.tenant)) return false;
  return yield* holdsFile(engine, job, { sha256, isOperator });
});

const served = (
  { request }: Incoming,
  sha256: string,
  { bytes, contentType }: StoredBytes,
): HttpServerResponse.HttpServerResponse => {
  const headers = {
    // The name is the hash of the bytes: they never change, but who may see them does.
    "cache-control": "private, max-age=31536000, immutable",
    etag: `"${sha256}"`,
    "accept-ranges": "bytes",
    "content-disposition": /^(image|audio|video)\//.test(contentType) ? "inline" : "attachment",
    // What a model made may be a page with scripts, whatever it calls itself.
    "content-security-policy": "sandbox; default-src 'none'",
  };
  if (request.headers["if-none-match"] === headers.etag)
    return HttpServerResponse.empty({ status: 304, headers });
  const range = rangeOf(request.headers["range"], bytes.length);
  if (range === null) return HttpServerResponse.uint8Array(bytes, { contentType, headers });
  if (range === "unsatisfiable")
    return HttpServerResponse.empty({
      status: 416,
      headers: { "content-range": `bytes */${bytes.length}` },
    });
  const { start, end } = range;
  const contentRange = `bytes ${start}-${end}/${bytes.length}`;
  return HttpServerResponse.uint8Array(bytes.subarray(start, end + 1), {
    status: 206,
    contentType,
    headers: { ...headers, "content-range": contentRange },
  });
};
