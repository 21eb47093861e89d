/** Files in and out: what `POST /assets` keeps, any field that is a file takes; what a job holds is served. */
import { Effect, Option, Result, Schema, Stream } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api";
import { Asset } from "../../steps/asset.ts";
import type { AssetStoreFailure, OpenedAsset } from "../../steps/asset-store.ts";
import { checkMediaType } from "../../steps/media-type.ts";
import type { StoreFailure } from "../journal-store.ts";
import { askedRange, hasAlready, rangeOf } from "./byte-range.ts";
import { holdsFile } from "./held-files.ts";
import { notFound, Problem, unavailable } from "./problem.ts";
import { problemResponse, problemSchemas } from "./problem-response.ts";
import { bodyStream, refuseCoding } from "./request-body.ts";
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
  answer: Effect.fnUntraced(function* ({ request, caller }) {
    yield* refuseCoding(request);
    // A sender may take for ever; what has come of its file is let go with the service.
    const closed = Effect.andThen(
      host.closing,
      Effect.suspend(() => Effect.fail(unavailable())),
    );
    const kept = yield* host.engine.assets.putStream({
      stream: Stream.interruptWhen(bodyStream(request, host.settings.maxAssetBytes), closed),
      contentTypeOf: (head) => typeOf(head, request.headers["content-type"]),
    });
    if (caller.tenant !== null) yield* host.engine.recordUpload(kept.sha256, caller.tenant);
    const url = `${host.assetBase}/assets/${kept.sha256}`;
    return HttpServerResponse.jsonUnsafe({ ...kept, url }, { status: 201 });
  }),
});

const typeOf = (head: Uint8Array, claimed: string | undefined): Effect.Effect<string, Problem> => {
  if (head.length === 0) {
    const detail = "Expected the bytes of a file as the body";
    return Effect.fail(new Problem({ status: 400, detail }));
  }
  return Result.match(checkMediaType(claimed ?? null, head), {
    onFailure: (detail) => Effect.fail(new Problem({ status: 415, detail })),
    onSuccess: (contentType) => Effect.succeed(contentType),
  });
};

const downloadRoute = (host: ApiHost): Route => ({
  scope: "read",
  endpoint: HttpApiEndpoint.get("download", "/assets/:sha256", {
    params: { sha256: Schema.String },
    query: { job_id: Schema.optionalKey(Schema.String) },
    headers: {
      range: Schema.optionalKey(Schema.String),
      "if-none-match": Schema.optionalKey(Schema.String),
      "if-range": Schema.optionalKey(Schema.String),
    },
    success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
    error: problemSchemas(401, 403, 404, 416, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const sha256 = incoming.params["sha256"] ?? "";
    if (!/^[0-9a-f]{64}$/.test(sha256) || !(yield* isAllowed(host, incoming, sha256)))
      return yield* noFile;
    const opened = yield* host.engine.assets.open(sha256);
    return Option.isNone(opened) ? yield* noFile : served(incoming, opened.value);
  }),
});

const noFile = notFound("file that this caller may fetch: name a job that holds it in job_id");

/**
 * Through a job that holds the file, or without one: for who has uploaded it, and where a caller sees everything
 * anyway. A job's text alone opens no file to a tenant, whoever made it write the name of one.
 */
const isAllowed = Effect.fnUntraced(function* (
  { engine }: ApiHost,
  { query, caller }: Incoming,
  sha256: string,
): Effect.fn.Return<boolean, StoreFailure | AssetStoreFailure> {
  const isOperator = caller.scopes.includes("operate");
  const { tenant } = caller;
  const jobId = query.get("job_id");
  if (tenant !== null) {
    const asked = { tenant, sha256s: [sha256], isUpload: jobId === null };
    if (!(yield* engine.store.heldAssets(asked)).has(sha256)) return false;
  }
  if (jobId === null) return tenant !== null || isOperator;
  const job = Option.getOrNull(yield* engine.store.job(jobId));
  if (job === null || (tenant !== null && tenant !== job.tenant)) return false;
  return yield* holdsFile(engine, job, { sha256, isOperator });
});

const noSuchPart = (sizeBytes: number): Problem =>
  new Problem({
    status: 416,
    detail: `The file has ${sizeBytes} bytes, and none in this range`,
    headers: { "content-range": `bytes */${sizeBytes}` },
  });

const served = (
  { request }: Incoming,
  { asset: { sha256, contentType, sizeBytes }, read }: OpenedAsset,
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
  if (hasAlready(request, headers.etag)) return HttpServerResponse.empty({ status: 304, headers });
  const range = rangeOf(askedRange(request, headers.etag), sizeBytes);
  if (range === "unsatisfiable") return problemResponse(noSuchPart(sizeBytes));
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  return HttpServerResponse.stream(read({ start, end }), {
    status: range === null ? 200 : 206,
    contentType,
    contentLength: end - start + 1,
    headers:
      range === null
        ? headers
        : { ...headers, "content-range": `bytes ${start}-${end}/${sizeBytes}` },
  });
};
