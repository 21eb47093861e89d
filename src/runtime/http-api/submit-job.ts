/**
 * A new job from a request. Its idempotency key belongs to the caller's tenant and the pipeline, is kept
 * until a day after its job has come to rest, and stands for one input: what the stored job was made with
 * is compared, so that nothing but the job has to be stored and restarts forget nothing.
 */
import { Clock, Effect, Exit, Option, Result, Schema, SchemaIssue } from "effect";
import { canonicalJson } from "../../steps/canonical-json.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import type { Issue } from "../../steps/failure.ts";
import type { AnySchema } from "../../steps/step.ts";
import { type Engine, keyOf } from "../engine.ts";
import { codecOf } from "../services/codecs.ts";
import type { Deployed } from "../jobs/job-host.ts";
import { isRest } from "../jobs/rest-waiters.ts";
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
  const key =
    idempotencyKey === undefined ? null : scopedKey(tenant, yield* checkedKey(idempotencyKey));
  const own = yield* withOwnReferences(engine, { body, tenant });
  const keysFreeBefore = (yield* Clock.currentTimeMillis) - keyKeptMs;
  const read = yield* Effect.result(inputOf(deployed.plan.input, own));
  if (Result.isFailure(read)) {
    const before = yield* jobBefore(engine, { deployed, key, keysFreeBefore });
    const isSame = before !== null && (yield* isMadeOf(engine, before, { deployed, own }));
    return isSame ? before : yield* read.failure;
  }
  const input = read.success;
  const asked = { deployed, input, tenant, idempotencyKey: key, keysFreeBefore };
  const submitted = yield* engine.jobs.submit(asked);
  if (submitted.job !== undefined) return submitted.job;
  const job = Option.getOrThrow(yield* engine.store.job(submitted.jobId));
  return (yield* isMadeOf(engine, job, { deployed, own, input })) ? job : yield* anotherBody;
});

const anotherBody = new Problem({
  status: 409,
  detail: "This Idempotency-Key was used with another body",
  errors: [{ path: "Idempotency-Key", message: "Expected a new key for another body" }],
});

interface Keyed {
  readonly deployed: Deployed;
  readonly key: string | null;
  readonly keysFreeBefore: number;
}

/** The job that has the key still; null where none does. Fails with: StoreFailure. */
const jobBefore = Effect.fnUntraced(function* (
  { store }: Engine,
  { deployed, key, keysFreeBefore }: Keyed,
): Effect.fn.Return<StoredJob | null, StoreFailure> {
  if (key === null) return null;
  const job = Option.getOrNull(yield* store.jobWithKey(deployed.plan.name, key));
  const isFree = job !== null && isRest(job.record) && job.record.updatedAt < keysFreeBefore;
  return isFree ? null : job;
});

interface Repeated {
  readonly deployed: Deployed;
  /** The body, its references made true. */
  readonly own: unknown;
  /** The body as the version that is deployed here now reads it; absent where it does not fit. */
  readonly input?: Schema.Json;
}

/** Whether the body is the one that the job was made with. Fails with: AssetStoreFailure. */
const isMadeOf = Effect.fnUntraced(function* (
  engine: Engine,
  { record }: StoredJob,
  { deployed, own, input }: Repeated,
): Effect.fn.Return<boolean, AssetStoreFailure> {
  const known = yield* keptValue(engine, record.inputPayload);
  // What it was made with is gone: the key alone says that it is the same, and nothing is paid twice.
  if (known === undefined) return true;
  const made = canonicalJson(known);
  if (input !== undefined && canonicalJson(input) === made) return true;
  if (record.version === deployed.plan.version) return false;
  // A deployment came in between: the job's own version reads the body as it did then.
  const then = engine.deployed.get(keyOf({ name: record.pipeline, version: record.version }));
  if (then === undefined) return isJson(own) && canonicalJson(own) === made;
  const read = yield* Effect.option(inputOf(then.plan.input, own));
  return Option.exists(read, (old) => canonicalJson(old) === made);
});

const isJson = Schema.is(Schema.Json);

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
