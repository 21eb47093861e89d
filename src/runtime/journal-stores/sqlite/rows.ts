/** Rows to and from the port's records: column lists, values in their order, and the decoders. */
import { Schema } from "effect";
import type { SQLInputValue } from "node:sqlite";
import { Fact, Receipt, Value } from "../../../machines/entry.ts";
import type { Entry } from "../../../machines/entry.ts";
import { PredictionStatus } from "../../../steps/model-client.ts";
import type {
  InboxRow,
  JobTimer,
  PredictionRow,
  StateRecord,
  StoredJob,
} from "../../journal-store.ts";

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

const NullableString = Schema.NullOr(Schema.String);
const NullableNumber = Schema.NullOr(Schema.Number);
const ValueText = Schema.fromJsonString(Value);

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
  return [jobId, seq, type, at, JSON.stringify(body)];
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

const predictionColumns: ReadonlyArray<readonly [keyof PredictionRow, string]> = [
  ["key", "key"],
  ["jobId", "job_id"],
  ["path", "path"],
  ["attempt", "attempt"],
  ["call", "call"],
  ["provider", "provider"],
  ["model", "model"],
  ["inputHash", "input_hash"],
  ["estimateMicros", "estimate_micros"],
  ["timeoutMs", "timeout_ms"],
  ["intendedAt", "intended_at"],
  ["state", "state"],
  ["predictionId", "prediction_id"],
  ["status", "status"],
  ["cancelRequestedAt", "cancel_requested_at"],
  ["isUnconfirmed", "unconfirmed"],
  ["settledAt", "settled_at"],
  ["raw", "raw"],
  ["receipt", "receipt"],
];

const columnValue = (value: PredictionRow[keyof PredictionRow]): SQLInputValue => {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "object" ? json(value) : value;
};

/** The columns and values of the given part of a row, in one order. */
export const predictionPart = (
  part: Partial<PredictionRow>,
): { readonly columns: ReadonlyArray<string>; readonly values: ReadonlyArray<SQLInputValue> } => {
  const present = predictionColumns.flatMap(([name, column]) => {
    const value = part[name];
    return value === undefined ? [] : [{ column, value: columnValue(value) }];
  });
  return {
    columns: present.map(({ column }) => column),
    values: present.map(({ value }) => value),
  };
};

export const predictionSelection = predictionColumns
  .map(([name, column]) => `predictions.${column} AS "${name}"`)
  .join(", ");

export const decodePrediction: (stored: unknown) => PredictionRow = Schema.decodeUnknownSync(
  Schema.Struct({
    key: Schema.String,
    jobId: Schema.String,
    path: Schema.String,
    attempt: Schema.Number,
    call: Schema.Number,
    provider: Schema.String,
    model: Schema.String,
    inputHash: Schema.String,
    estimateMicros: Schema.Number,
    timeoutMs: Schema.Number,
    intendedAt: Schema.Number,
    state: Schema.Literals([
      "intended",
      "unknown",
      "accepted",
      "rejected",
      "absent",
      "settled",
      "duplicate",
    ]),
    predictionId: NullableString,
    status: Schema.NullOr(PredictionStatus),
    cancelRequestedAt: NullableNumber,
    isUnconfirmed: Schema.BooleanFromBit,
    settledAt: NullableNumber,
    raw: Schema.NullOr(ValueText),
    receipt: Schema.NullOr(Schema.fromJsonString(Receipt)),
  }),
);
