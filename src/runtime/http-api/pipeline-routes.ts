/** The addresses of one pipeline: new jobs, one job, and what can be asked of it. */
import { Effect, Option, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api";
import type { Deployed } from "../jobs/job-host.ts";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import { JobUnavailable } from "../outcome.ts";
import { factOf, type Verb } from "./asked-fact.ts";
import { eventsResponse } from "./job-events.ts";
import { pathOf, summaryOf, viewOf, viewSchema } from "./job-view.ts";
import { notFound, Problem } from "./problem.ts";
import { problemSchemas } from "./problem-response.ts";
import { waitFor, waitSecondsOf } from "./preferred-wait.ts";
import { readJson } from "./request-body.ts";
import type { ApiHost, Incoming, Route } from "./route.ts";
import { submitJob } from "./submit-job.ts";
import { describable } from "./describable.ts";

/** `deployed` is the pipeline's highest version: new jobs are of that one. */
export const pipelineRoutes = (host: ApiHost, deployed: Deployed): ReadonlyArray<Route> => [
  submitRoute(host, deployed),
  readRoute(host, deployed),
  eventsRoute(host, deployed),
  ...(["cancel", "retry", "pause", "resume"] as const).map((verb) =>
    askRoute(host, deployed, verb),
  ),
  eraseRoute(host, deployed),
];

const prefer = { prefer: Schema.optionalKey(Schema.String) };
const jobId = { job_id: Schema.String };

const submitRoute = (host: ApiHost, deployed: Deployed): Route => {
  const { name, input, output } = deployed.plan;
  return {
    scope: "submit",
    endpoint: HttpApiEndpoint.post("submit", `/${name}`, {
      headers: { ...prefer, "idempotency-key": Schema.optionalKey(Schema.String) },
      payload: describable(input),
      success: viewSchema(describable(output.schema)).pipe(HttpApiSchema.status(202)),
      error: problemSchemas(400, 401, 403, 409, 413, 415, 422, 429, 503),
    }),
    answer: Effect.fnUntraced(function* ({ request, caller }) {
      const job = yield* submitJob(host, {
        deployed,
        body: yield* readJson(request, host.settings.maxBodyBytes),
        tenant: caller.tenant,
        idempotencyKey: request.headers["idempotency-key"],
      });
      return yield* answered(host, request, { job, status: 202 });
    }),
  };
};

const readRoute = (host: ApiHost, { plan }: Deployed): Route => ({
  scope: "read",
  endpoint: HttpApiEndpoint.get("read", `/${plan.name}/:job_id`, {
    params: jobId,
    headers: prefer,
    success: viewSchema(describable(plan.output.schema)),
    error: problemSchemas(401, 403, 404, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const job = yield* ownJob(host, plan.name, incoming);
    return yield* answered(host, incoming.request, { job, status: 200 });
  }),
});

const eventsRoute = (host: ApiHost, { plan }: Deployed): Route => ({
  scope: "read",
  endpoint: HttpApiEndpoint.get("events", `/${plan.name}/:job_id/events`, {
    params: jobId,
    headers: { "last-event-id": Schema.optionalKey(Schema.String) },
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" })),
    error: problemSchemas(400, 401, 403, 404, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const job = yield* ownJob(host, plan.name, incoming);
    const lastEventId = incoming.request.headers["last-event-id"];
    return yield* eventsResponse(host, { job, lastEventId, caller: incoming.caller });
  }),
});

const askRoute = (host: ApiHost, { plan }: Deployed, verb: Verb): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.post(verb, `/${plan.name}/:job_id/${verb}`, {
    params: jobId,
    headers: prefer,
    success: viewSchema(describable(plan.output.schema)).pipe(HttpApiSchema.status(202)),
    error: problemSchemas(401, 403, 404, 409, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const { record } = yield* ownJob(host, plan.name, incoming);
    const told = host.service.tell(record.jobId, factOf(verb, incoming.caller.id));
    yield* Effect.catchIf(
      told,
      (error) => error instanceof JobUnavailable,
      () => Effect.fail(new Problem({ status: 409, detail: useless(verb, record.status) })),
    );
    const job = yield* ownJob(host, plan.name, incoming);
    return yield* answered(host, incoming.request, { job, status: 202 });
  }),
});

const useless = (verb: Verb, status: string): string =>
  `The job is ${status}: there is nothing to ${verb}`;

const eraseRoute = (host: ApiHost, { plan }: Deployed): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.delete("erase", `/${plan.name}/:job_id`, {
    params: jobId,
    success: Schema.Struct({
      job_id: Schema.String,
      status: Schema.String,
      erased_at: Schema.NullOr(Schema.String),
      bytes: Schema.Int,
      files: Schema.Int,
    }),
    error: problemSchemas(401, 403, 404, 409, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const { record } = yield* ownJob(host, plan.name, incoming);
    const erased = yield* Effect.catchIf(
      host.service.erase(record.jobId),
      (error) => error instanceof JobUnavailable,
      ({ message }) => Effect.fail(new Problem({ status: 409, detail: message })),
    );
    const { job_id, status, erased_at } = summaryOf(host, erased.record);
    const body = { job_id, status, erased_at, bytes: erased.bytes, files: erased.assets.count };
    return HttpServerResponse.jsonUnsafe(body, { headers: { "cache-control": "no-store" } });
  }),
});

/** The job of the address. Fails with: Problem (404, also where it is another tenant's), StoreFailure. */
export const ownJob = Effect.fnUntraced(function* (
  { engine }: ApiHost,
  pipeline: string,
  { params, caller }: Incoming,
): Effect.fn.Return<StoredJob, Problem | StoreFailure> {
  const job = Option.getOrNull(yield* engine.store.job(params["job_id"] ?? ""));
  const isOwn = caller.tenant === null || caller.tenant === job?.tenant;
  return job !== null && job.record.pipeline === pipeline && isOwn
    ? job
    : yield* notFound(`job of ${pipeline} with this id`);
});

interface Answered {
  readonly job: StoredJob;
  readonly status: 200 | 202;
}

/** The view, after the wait the caller prefers. */
export const answered = Effect.fnUntraced(function* (
  host: ApiHost,
  request: Incoming["request"],
  { job, status }: Answered,
) {
  const { jobId } = job.record;
  const seconds = waitSecondsOf(request.headers["prefer"]);
  yield* waitFor(host.engine, jobId, seconds);
  const now =
    seconds === 0 ? job : Option.getOrElse(yield* host.engine.store.job(jobId), () => job);
  return HttpServerResponse.jsonUnsafe(yield* viewOf(host, now), {
    status,
    headers: {
      "cache-control": "no-store",
      location: pathOf(host.basePath, now.record),
      ...(seconds === 0 ? {} : { "preference-applied": `wait=${seconds}` }),
    },
  });
});
