/** The addresses of a pipeline's signals: what a job waits for, and where it is sent. */
import { Effect, Result, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint, HttpApiSchema, OpenApi } from "effect/http-api";
import { type SignalNode, signalNodes } from "../../machines/plan.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { keyOf } from "../engine.ts";
import type { Deployed } from "../jobs/job-host.ts";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import { JobUnavailable } from "../outcome.ts";
import { noSuchSignal, sendSignal, signalNamed, signalValue } from "../signals.ts";
import { withOwnReferences } from "./asset-references.ts";
import { describable } from "./describable.ts";
import { viewSchema } from "./job-view.ts";
import { answered, ownJob } from "./pipeline-routes.ts";
import { Problem } from "./problem.ts";
import { problemSchemas } from "./problem-response.ts";
import { readJson } from "./request-body.ts";
import type { ApiHost, Incoming, Route } from "./route.ts";
import { SignalView, signalViewOf } from "./signal-view.ts";
import { checkedKey } from "./submit-job.ts";

/** None where no version of the pipeline waits for a signal. */
export const signalRoutes = (host: ApiHost, latest: Deployed): ReadonlyArray<Route> => {
  const { name } = latest.plan;
  const versions = [...host.engine.deployed.values()].filter(({ plan }) => plan.name === name);
  if (versions.every(({ plan }) => signalNodes(plan.nodes).length === 0)) return [];
  const described = signalNodes(latest.plan.nodes).flatMap((node) => [
    sendRoute(host, latest, node),
    lookRoute(host, latest, node),
  ]);
  return [...described, sendRoute(host, latest, null), lookRoute(host, latest, null)];
};

const jobId = { job_id: Schema.String };

/** The address of a signal; without a node that of any other, such as one of an older version: not in the reference. */
const addressOf = ({ plan }: Deployed, node: SignalNode | null) => ({
  path: `/${plan.name}/:job_id/signals/${node === null ? ":signal" : node.path}` as const,
  params: node === null ? { ...jobId, signal: Schema.String } : jobId,
  id: node === null ? "(any)" : node.path,
});

const sendRoute = (host: ApiHost, deployed: Deployed, node: SignalNode | null): Route => {
  const { path, params, id } = addressOf(deployed, node);
  return {
    scope: "submit",
    endpoint: HttpApiEndpoint.post(`send-${id}`, path, {
      params,
      headers: {
        prefer: Schema.optionalKey(Schema.String),
        "idempotency-key": Schema.optionalKey(Schema.String),
      },
      payload: node === null ? Schema.Json : describable(node.program.signal),
      success: viewSchema(describable(deployed.plan.output.schema)).pipe(HttpApiSchema.status(202)),
      error: problemSchemas(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    }).annotate(OpenApi.Exclude, node === null),
    answer: Effect.fnUntraced(function* (incoming) {
      const job = yield* ownJob(host, deployed.plan.name, incoming);
      const signal = yield* signalOf(host, job, nameIn(incoming, node));
      yield* send(host, { job, signal, incoming });
      const now = yield* ownJob(host, deployed.plan.name, incoming);
      return yield* answered(host, incoming.request, { job: now, status: 202 });
    }),
  };
};

const lookRoute = (host: ApiHost, deployed: Deployed, node: SignalNode | null): Route => {
  const { path, params, id } = addressOf(deployed, node);
  return {
    scope: "read",
    endpoint: HttpApiEndpoint.get(`look-at-${id}`, path, {
      params,
      success: SignalView,
      error: problemSchemas(401, 403, 404, 409, 429, 503),
    }).annotate(OpenApi.Exclude, node === null),
    answer: Effect.fnUntraced(function* (incoming) {
      const job = yield* ownJob(host, deployed.plan.name, incoming);
      const signal = yield* signalOf(host, job, nameIn(incoming, node));
      const isOperator = incoming.caller.scopes.includes("operate");
      const view = yield* signalViewOf(host, { job, signal, isOperator });
      return HttpServerResponse.jsonUnsafe(view, { headers: { "cache-control": "no-store" } });
    }),
  };
};

const nameIn = ({ params }: Incoming, node: SignalNode | null): string =>
  node?.path ?? params["signal"] ?? "";

/** The signal as the job's own version has it. Fails with: Problem (404; 409 where that version is not here). */
const signalOf = (
  { engine }: ApiHost,
  { record }: StoredJob,
  name: string,
): Effect.Effect<SignalNode, Problem> => {
  const { pipeline, version } = record;
  const plan = engine.deployed.get(keyOf({ name: pipeline, version }))?.plan;
  if (plan === undefined) {
    const detail = `The job is of version ${version} of ${pipeline}, which this service does not have`;
    return Effect.fail(new Problem({ status: 409, detail }));
  }
  const own = signalNamed(plan, name);
  if (own !== undefined) return Effect.succeed(own);
  const detail = sentence(noSuchSignal(plan, name));
  return Effect.fail(new Problem({ status: 404, detail }));
};

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}`;

interface Sending {
  readonly job: StoredJob;
  readonly signal: SignalNode;
  readonly incoming: Incoming;
}

/** Fails with: Problem (400, 409, 413, 415, 422), StoreFailure, AssetStoreFailure. */
const send = Effect.fnUntraced(function* (
  { engine, settings }: ApiHost,
  { job, signal, incoming: { request, caller } }: Sending,
): Effect.fn.Return<void, Problem | StoreFailure | AssetStoreFailure> {
  const key = request.headers["idempotency-key"];
  const id = key === undefined ? null : yield* checkedKey(key);
  const { tenant } = caller;
  const body = yield* readJson(request, settings.maxBodyBytes);
  const value = signalValue(signal, yield* withOwnReferences(engine, { body, tenant }));
  if (Result.isFailure(value)) {
    const detail = `The body does not fit the signal ${signal.path}`;
    return yield* new Problem({ status: 422, detail, errors: value.failure });
  }
  const { jobId: ofJob } = job.record;
  const sent = {
    jobId: ofJob,
    path: signal.path,
    value: value.success,
    id,
    by: `api:${caller.id}`,
    isTrusted: tenant === null,
  };
  yield* Effect.catchIf(
    sendSignal(engine.signals, sent),
    (error) => error instanceof JobUnavailable,
    ({ message }) =>
      Effect.fail(
        new Problem({ status: 409, detail: sentence(message.replace(`Job ${ofJob}: `, "")) }),
      ),
  );
});
