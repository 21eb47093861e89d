/** Jobs of every pipeline: searched, looked into, retried and cancelled by the many. */
import { Effect, Option, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import { JobUnavailable } from "../outcome.ts";
import { factOf } from "./asked-fact.ts";
import type { Caller } from "./http-options.ts";
import { askedIn, askedOf, pageOf, pageWords } from "./asking.ts";
import { filterOf, searchWords } from "./job-search.ts";
import { JobSummary, JobView, summaryOf, viewOf } from "./job-view.ts";
import { keptValue } from "./kept-value.ts";
import { operatorFields, receiptOf } from "./operator-view.ts";
import { notFound, type Problem } from "./problem.ts";
import { problemSchemas } from "./problem-response.ts";
import { publicEntry } from "./public-entry.ts";
import { readJson } from "./request-body.ts";
import type { ApiHost, Incoming, Route } from "./route.ts";

export const jobRoutes = (host: ApiHost): ReadonlyArray<Route> => [
  searchRoute(host),
  lookRoute(host),
  rawRoute(host),
  bulkRoute(host, "retry"),
  bulkRoute(host, "cancel"),
];

const text = Schema.optionalKey(Schema.String);
const words = { status: text, pipeline: text, kind: text, from: text, to: text, text };
const isOperator = (caller: Caller): boolean => caller.scopes.includes("operate");

const noStore = { "cache-control": "no-store" };

const searchRoute = (host: ApiHost): Route => ({
  scope: "read",
  endpoint: HttpApiEndpoint.get("search", "/jobs", {
    query: { ...words, ...pageWords },
    success: Schema.Struct({
      jobs: Schema.Array(JobSummary),
      next_cursor: Schema.NullOr(Schema.String),
    }),
    error: problemSchemas(400, 401, 403, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ query, caller }) {
    const filter = yield* filterOf(yield* askedIn(query, searchWords), caller);
    const { rows, next_cursor } = yield* pageOf(query, {
      isPlace: (cursor) => isJobOf(host, cursor, caller),
      find: (page) => host.engine.store.jobs({ ...filter, ...page }),
      idOf: ({ record }) => record.jobId,
    });
    const jobs = rows.map((job) => shown(summaryOf(host, job.record), job, caller));
    return HttpServerResponse.jsonUnsafe({ jobs, next_cursor }, { headers: noStore });
  }),
});

/** Whether there is a job of this id that the caller may see. */
const isJobOf = ({ engine }: ApiHost, jobId: string, { tenant }: Caller) =>
  Effect.map(
    engine.store.job(jobId),
    Option.exists((job) => tenant === null || tenant === job.tenant),
  );

/** Operators see more of it. */
const shown = <View extends object>(view: View, { record }: StoredJob, caller: Caller) =>
  isOperator(caller) ? { ...view, ...operatorFields(record) } : view;

const lookRoute = (host: ApiHost): Route => ({
  scope: "read",
  endpoint: HttpApiEndpoint.get("look", "/jobs/:job_id", {
    params: { job_id: Schema.String },
    success: Schema.Struct({ job: JobView, entries: Schema.Array(Schema.Json) }),
    error: problemSchemas(401, 403, 404, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const found = yield* ownJob(host, incoming);
    const { store } = host.engine;
    const { jobId } = found.record;
    const job = shown(yield* viewOf(host, found), found, incoming.caller);
    const entries = (yield* store.entries(jobId)).flatMap((entry) => publicEntry(entry) ?? []);
    const body = { job, entries };
    if (!isOperator(incoming.caller))
      return HttpServerResponse.jsonUnsafe(body, { headers: noStore });
    const predictions = (yield* store.predictions(jobId)).map(receiptOf);
    return HttpServerResponse.jsonUnsafe({ ...body, predictions }, { headers: noStore });
  }),
});

/** What models answered, word for word. */
const rawRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.get("raw", "/jobs/:job_id/raw", {
    params: { job_id: Schema.String },
    success: Schema.Struct({ answers: Schema.Array(Schema.Json) }),
    error: problemSchemas(401, 403, 404, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const { record } = yield* ownJob(host, incoming);
    const rows = yield* host.engine.store.predictions(record.jobId);
    const answers = yield* Effect.forEach(rows, (row) =>
      Effect.map(keptValue(host.engine, row.raw), (raw = null) => ({ ...receiptOf(row), raw })),
    );
    return HttpServerResponse.jsonUnsafe({ answers }, { headers: noStore });
  }),
});

const ownJob = Effect.fnUntraced(function* (
  { engine }: ApiHost,
  { params, caller }: Incoming,
): Effect.fn.Return<StoredJob, Problem | StoreFailure> {
  const job = Option.getOrNull(yield* engine.store.job(params["job_id"] ?? ""));
  return job !== null && (caller.tenant === null || caller.tenant === job.tenant)
    ? job
    : yield* notFound("job with this id");
});

/** Jobs that one call asks, newest first. */
const maxBulk = 1_000;

const bulkRoute = (host: ApiHost, verb: "retry" | "cancel"): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.post(`${verb}All`, `/jobs/${verb}`, {
    payload: Schema.Struct(words),
    success: Schema.Struct({
      asked: Schema.Int,
      skipped: Schema.Int,
      is_complete: Schema.Boolean,
    }).pipe(HttpApiSchema.status(202)),
    error: problemSchemas(400, 401, 403, 413, 415, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ request, caller }) {
    const asked = yield* askedOf(yield* readJson(request, host.settings.maxBodyBytes), searchWords);
    const filter = yield* filterOf(asked, caller);
    const status = filter.status ?? (verb === "retry" ? "failed" : undefined);
    const found = yield* host.engine.store.jobs({
      ...filter,
      ...(status === undefined ? {} : { status }),
      limit: maxBulk + 1,
    });
    const told = yield* Effect.forEach(found.slice(0, maxBulk), ({ record }) =>
      host.service.tell(record.jobId, factOf(verb, caller.id)).pipe(
        Effect.as(1),
        // It has no use for that, as it stands now.
        Effect.catchIf(
          (error) => error instanceof JobUnavailable,
          () => Effect.succeed(0),
        ),
      ),
    );
    const count = told.reduce((sum: number, one) => sum + one, 0);
    const body = {
      asked: count,
      skipped: told.length - count,
      is_complete: found.length <= maxBulk,
    };
    return HttpServerResponse.jsonUnsafe(body, { status: 202, headers: noStore });
  }),
});
