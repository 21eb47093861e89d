/**
 * Rows of jobs, entries, messages and timers, to and from the port's records: column lists, values in
 * their order, and the decoders.
 */
import { Schema } from "effect";
import type { SQLInputValue } from "node:sqlite";
import { broken } from "./failure.ts";
import { entryVersion, Fact, Value } from "../../../machines/entry.ts";
import type { Entry } from "../../../machines/entry.ts";
import type { InboxRow, JobTimer, StateRecord, StoredJob } from "../../journal-store.ts";

/** A value as JSON text; null stays null. */
export const json = (value: unknown): string | null =>
  value === null ? null : JSON.stringify(value);

export const NullableString = Schema.NullOr(Schema.String);
export const NullableNumber = Schema.NullOr(Schema.Number);
export const ValueText = Schema.fromJsonString(Value);

/** The columns of the state record that an append sets, and their values in that order. */
export const changingColumns =
  "status, detail, current_step, attempt, cost_micros, updated_at, waiting_for, since, until, next," +
  " error_message, failure_kind, raw_reference, normalized_output";

export const changingValues = (record: StateRecord): ReadonlyArray<SQLInputValue> => [
  record.status,
  record.detail,
  record.currentStep,
  record.attempt,
  record.costMicros,
  record.updatedAt,
  record.waiting?.waitingFor ?? null,
  record.waiting?.since ?? null,
  record.waiting?.until ?? null,
  record.waiting?.next ?? null,
  record.errorMessage,
  record.failureKind,
  json(record.rawReference),
  json(record.normalizedOutput),
];

/** The columns that only a new job sets, and their values in that order. */
export const constantColumns =
  "job_id, pipeline, version, fingerprint, input_payload, created_at, idempotency_key, seq, epoch, owner";

export const constantValues = ({ record, ...job }: StoredJob): ReadonlyArray<SQLInputValue> => [
  record.jobId,
  record.pipeline,
  record.version,
  record.fingerprint,
  json(record.inputPayload),
  record.createdAt,
  job.idempotencyKey,
  job.seq,
  job.epoch,
  job.owner,
];

const decodeJobRow = Schema.decodeUnknownSync(
  Schema.Struct({
    job_id: Schema.String,
    seq: Schema.Number,
    epoch: Schema.Number,
    owner: NullableString,
    status: Schema.Literals(["pending", "processing", "failed", "complete", "cancelled"]),
    detail: NullableString,
    current_step: NullableString,
    attempt: Schema.Number,
    cost_micros: Schema.Number,
    created_at: Schema.Number,
    updated_at: Schema.Number,
    waiting_for: NullableString,
    since: NullableNumber,
    until: NullableNumber,
    next: NullableString,
    pipeline: Schema.String,
    version: Schema.Number,
    fingerprint: Schema.String,
    idempotency_key: NullableString,
    error_message: NullableString,
    failure_kind: Schema.NullOr(
      Schema.Literals(["validation", "timeout", "provider", "policy", "defect"]),
    ),
    raw_reference: Schema.NullOr(ValueText),
    normalized_output: Schema.NullOr(ValueText),
    input_payload: ValueText,
  }),
);
type JobRow = ReturnType<typeof decodeJobRow>;

const waitingOf = (row: JobRow): StateRecord["waiting"] =>
  row.waiting_for === null || row.since === null || row.next === null
    ? null
    : { waitingFor: row.waiting_for, since: row.since, until: row.until, next: row.next };

/** Throws SchemaError where the row is not what this version wrote. */
export const decodeJob = (stored: unknown): StoredJob => {
  const row = decodeJobRow(stored);
  return {
    record: {
      jobId: row.job_id,
      pipeline: row.pipeline,
      version: row.version,
      fingerprint: row.fingerprint,
      status: row.status,
      detail: row.detail,
      currentStep: row.current_step,
      attempt: row.attempt,
      inputPayload: row.input_payload,
      normalizedOutput: row.normalized_output,
      errorMessage: row.error_message,
      failureKind: row.failure_kind,
      rawReference: row.raw_reference,
      costMicros: row.cost_micros,
      waiting: waitingOf(row),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    },
    idempotencyKey: row.idempotency_key,
    seq: row.seq,
    epoch: row.epoch,
    owner: row.owner,
  };
};

/** The fact without what has a column of its own. */
export const entryValues = (
  jobId: string,
  entry: Entry,
): [string, number, string, number, string] => {
  const { seq, type, at, ...body } = entry;
  return [jobId, seq, type, at, JSON.stringify({ v: entryVersion, ...body })];
};

const decodeEntryRow = Schema.decodeUnknownSync(
  Schema.Struct({
    seq: Schema.Number,
    type: Schema.String,
    at: Schema.Number,
    body: Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)),
  }),
);
const decodeFact = Schema.decodeUnknownSync(Fact);

/** Throws SchemaError where the entry does not decode. */
export const decodeEntry = (stored: unknown): Entry => {
  const { seq, type, at, body } = decodeEntryRow(stored);
  const version = body["v"];
  if (typeof version === "number" && version > entryVersion) {
    const newer = `entry ${seq} has format ${version}, this catena-ai reads ${entryVersion} at most: update it`;
    throw broken("read a journal", new Error(newer));
  }
  return { ...decodeFact({ ...body, type }), seq, at };
};

export const inboxValues = (row: InboxRow): [string, string, number, string] => [
  row.id,
  row.jobId,
  row.at,
  JSON.stringify(row.facts),
];

export const inboxSelection = 'id, job_id AS "jobId", at, facts';

export const decodeInbox: (stored: unknown) => InboxRow = Schema.decodeUnknownSync(
  Schema.Struct({
    id: Schema.String,
    jobId: Schema.String,
    at: Schema.Number,
    facts: Schema.fromJsonString(Schema.Array(Fact)),
  }),
);

export const timerSelection = 'job_id AS "jobId", path, wake_at AS "wakeAt", delay_ms AS "delayMs"';

export const decodeTimer: (stored: unknown) => JobTimer & { readonly jobId: string } =
  Schema.decodeUnknownSync(
    Schema.Struct({
      jobId: Schema.String,
      path: Schema.String,
      wakeAt: Schema.Number,
      delayMs: Schema.Number,
    }),
  );
