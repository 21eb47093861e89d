/**
 * A new job from a request. Its idempotency key belongs to the caller's tenant and the pipeline, is kept
 * until a day after its job has come to rest, and stands for one input: what the stored job was made with
 * is compared, so that nothing but the job has to be stored and restarts forget nothing.
 */
import { Clock, Effect, Exit, Option, Schema, SchemaIssue } from "effect";
import { canonicalJson } from "../../steps/canonical-json.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import type { Issue } from "../../steps/failure.ts";
import type { AnySchema } from "../../steps/step.ts";
import { codecOf } from "../services/codecs.ts";
import type { Deployed } from "../jobs/job-host.ts";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import { keptValue } from "./kept-value.ts";
import { withOwnReferences } from "./asset-references.ts";
import { Problem, wrongField } from "./problem.ts";
import type { ApiHost } from "./route.ts";

const keyKeptMs = 86_400_000;

export interface Submission {
  readonly deployed: Deployed;
  readonly body: unknown;
  readonly tenant: string | null;
  /** As the header came. */
  readonly idempotencyKey: string | undefined;
}

/** The job, new or the one that has the key. Fails with: Problem (400, 409, 422), StoreFailure, AssetStoreFailure. */
export const submitJob = Effect.fnUntraced(function* (
  { engine }: ApiHost,
  { deployed, body, tenant, idempotencyKey }: Submission,
): Effect.fn.Return<StoredJob, Problem | StoreFailure | AssetStoreFailure> {
  const key = idempotencyKey === undefined ? null : yield* checkedKey(idempotencyKey);
  const own = yield* withOwnReferences(engine, { body, tenant });
  const input = yield* inputOf(deployed.plan.input, own);
  const submitted = yield* engine.jobs.submit({
    deployed,
    input,
    tenant,
    idempotencyKey: key === null ? null : scopedKey(tenant, key),
    keysFreeBefore: (yield* Clock.currentTimeMillis) - keyKeptMs,
  });
  if (submitted.job !== undefined) return submitted.job;
  const job = Option.getOrThrow(yield* engine.store.job(submitted.jobId));
  const known = yield* keptValue(engine, job.record.inputPayload);
  // What it was made with is gone: the key alone says that it is the same, and nothing is paid twice.
  if (known === undefined || canonicalJson(known) === canonicalJson(input)) return job;
  return yield* new Problem({
    status: 409,
    detail: "This Idempotency-Key was used with another body",
    errors: [{ path: "Idempotency-Key", message: "Expected a new key for another body" }],
  });
});

/** No key of a caller can hold what divides the two, and none of the library's may. */
const scopedKey = (tenant: string | null, key: string): string =>
  tenant === null ? key : `${tenant}\u001f${key}`;

/** The key, as a header may hold one. Fails with: Problem (400). */
export const checkedKey = (key: string): Effect.Effect<string, Problem> =>
  /^[\x20-\x7e]{1,255}$/.test(key)
    ? Effect.succeed(key)
    : Effect.fail(
        wrongField(400, "Idempotency-Key", "Expected 1 to 255 printable ASCII characters"),
      );

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1();

/** The body as the pipeline's input has it in JSON: what decodes alike is alike. Unknown fields are refused. */
const inputOf = (
  schema: AnySchema<unknown>,
  body: unknown,
): Effect.Effect<Schema.Json, Problem> => {
  const decode = Schema.decodeUnknownExit(Schema.toCodecJson(schema), {
    errors: "all",
    onExcessProperty: "error",
  });
  const decoded = decode(body);
  if (Exit.isFailure(decoded)) return Effect.fail(unfit(issuesOf(decoded)));
  return Effect.mapError(Effect.fromResult(codecOf(schema).encode(decoded.value)), unfit);
};

const issuesOf = ({ cause }: Exit.Failure<unknown, Schema.SchemaError>): ReadonlyArray<Issue> =>
  cause.reasons.flatMap((reason) => {
    // A check of the user's own that throws says nothing of the body that could be shown.
    if (reason._tag !== "Fail") return [{ path: "", message: "could not be checked" }];
    return formatIssues(reason.error.issue).issues.map(({ path, message }) => ({
      path: (path ?? [])
        .map((part) => String(typeof part === "object" ? part.key : part))
        .join("."),
      message,
    }));
  });

const unfit = (errors: ReadonlyArray<Issue>): Problem =>
  new Problem({ status: 422, detail: "The body does not fit the pipeline's input", errors });
