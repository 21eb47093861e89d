/**
 * Rows of jobs, entries, messages and timers, to and from the port's records: column lists, values in
 * their order, and the decoders.
 */
import { Schema } from "effect";
import type { SQLInputValue } from "node:sqlite";
import { broken } from "./failure.ts";
import { entryVersion, Fact, Value, ValueOrEntry } from "../../../machines/entry.ts";
import type { Entry } from "../../../machines/entry.ts";
import type { InboxRow, JobTimer, StateRecord, StoredJob } from "../../journal-store.ts";
import { holdersIn } from "../write-rules.ts";

/** A value as JSON text; null stays null. */
export const json = (value: unknown): string | null =>
  value === null ? null : JSON.stringify(value);

export const NullableString = Schema.NullOr(Schema.String);
export const NullableNumber = Schema.NullOr(Schema.Number);
export const ValueText = Schema.fromJsonString(Value);
const ValueOrEntryText = Schema.fromJsonString(ValueOrEntry);

/** The columns of the state record that an append sets, and their values in that order. */
export const changingColumns =
  "status, detail, current_step, attempt, cost_micros, updated_at, waiting_for, since, until, next," +
  " error_message, failure_kind";

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
];

/** The columns whose values an entry holds, so that they name it: `{"entry": seq}`. */
export const heldColumns = "input_payload, normalized_output, raw_reference";

const reference = (entry: Entry | undefined): string | null =>
  entry === undefined ? null : `{"entry":${entry.seq}}`;

/** What an append sets of the output and the raw reference; null where no entry of it holds one. */
export const heldValues = (entries: ReadonlyArray<Entry>): [string | null, string | null] => {
  const { output, raw } = holdersIn(entries);
  return [reference(output), reference(raw)];
};

/** What a new job's row says of its values: the entry that holds it, else the value itself. */
export const firstHeldValues = (
  record: StateRecord,
  entries: ReadonlyArray<Entry>,
): ReadonlyArray<SQLInputValue> => {
  const { input, output, raw } = holdersIn(entries);
  return [
    reference(input) ?? json(record.inputPayload),
    reference(output) ?? json(record.normalizedOutput),
    reference(raw) ?? json(record.rawReference),
  ];
};

/** The columns that only a new job sets, and their values in that order. */
export const constantColumns =
  "job_id, pipeline, version, fingerprint, created_at, idempotency_key, seq, epoch, owner";

export const constantValues = ({ record, ...job }: StoredJob): ReadonlyArray<SQLInputValue> => [
  record.jobId,
  record.pipeline,
  record.version,
  record.fingerprint,
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
    raw_reference: Schema.NullOr(ValueOrEntryText),
    normalized_output: Schema.NullOr(ValueOrEntryText),
    input_payload: ValueOrEntryText,
  }),
);
type JobRow = ReturnType<typeof decodeJobRow>;

const waitingOf = (row: JobRow): StateRecord["waiting"] =>
  row.waiting_for === null || row.since === null || row.next === null
    ? null
    : { waitingFor: row.waiting_for, since: row.since, until: row.until, next: row.next };

/** The value that an entry of the job holds. */
export type ReadHeld = (jobId: string, seq: number) => Value;

const valueOf = (held: ValueOrEntry, jobId: string, read: ReadHeld): Value =>
  "entry" in held ? read(jobId, held.entry) : held;

/** Throws SchemaError where the row is not what this version wrote. */
export const decodeJob = (stored: unknown, read: ReadHeld): StoredJob => {
  const row = decodeJobRow(stored);
  const held = (value: ValueOrEntry | null): Value | null =>
    value === null ? null : valueOf(value, row.job_id, read);
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
      inputPayload: valueOf(row.input_payload, row.job_id, read),
      normalizedOutput: held(row.normalized_output),
      errorMessage: row.error_message,
      failureKind: row.failure_kind,
      rawReference: held(row.raw_reference),
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
