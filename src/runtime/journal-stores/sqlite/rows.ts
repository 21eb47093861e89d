/**
 * Rows of jobs, entries, messages and timers, to and from the port's records: column lists, values in
 * their order, and the decoders.
 */
import { Schema } from "effect";
import type { SQLInputValue } from "node:sqlite";
import {
  ColumnMismatch,
  jsonIn,
  numberIn,
  numberOrNullIn,
  type Row,
  textIn,
  textOrNullIn,
  wordIn,
} from "./columns.ts";
import { broken } from "./failure.ts";
import { entryVersion, Fact, Value } from "../../../machines/entry.ts";
import type { Entry } from "../../../machines/entry.ts";
import type { InboxRow, JobTimer, StateRecord, StoredJob } from "../../journal-store.ts";
import { holdersIn } from "../write-rules.ts";

/** A value as JSON text; null stays null. */
export const json = (value: unknown): string | null =>
  value === null ? null : JSON.stringify(value);

export const NullableString = Schema.NullOr(Schema.String);
export const NullableNumber = Schema.NullOr(Schema.Number);
export const ValueText = Schema.fromJsonString(Value);

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
  "job_id, pipeline, version, fingerprint, created_at, idempotency_key, tenant, seq, epoch, owner";

export const constantValues = ({ record, ...job }: StoredJob): ReadonlyArray<SQLInputValue> => [
  record.jobId,
  record.pipeline,
  record.version,
  record.fingerprint,
  record.createdAt,
  job.idempotencyKey,
  job.tenant,
  job.seq,
  job.epoch,
  job.owner,
];

const statuses = ["pending", "processing", "failed", "complete", "cancelled"] as const;
const failureKinds = ["validation", "timeout", "provider", "policy", "defect"] as const;

const waitingOf = (row: Row): StateRecord["waiting"] => {
  const waitingFor = textOrNullIn(row, "waiting_for");
  const [since, next] = [numberOrNullIn(row, "since"), textOrNullIn(row, "next")];
  return waitingFor === null || since === null || next === null
    ? null
    : { waitingFor, since, until: numberOrNullIn(row, "until"), next };
};

/** The value that an entry of the job holds. */
export type ReadHeld = (jobId: string, seq: number) => Value;

const decodeValue = Schema.decodeUnknownSync(Value);

const valueIn = (row: Row, column: string, read: ReadHeld): Value | null => {
  const json = jsonIn(row, column);
  if (json === null) return null;
  const isReference = typeof json === "object" && "entry" in json && typeof json.entry === "number";
  return isReference ? read(textIn(row, "job_id"), Number(json.entry)) : decodeValue(json);
};

const inputIn = (row: Row, read: ReadHeld): Value => {
  const input = valueIn(row, "input_payload", read);
  if (input === null) throw new ColumnMismatch("input_payload", "a value", null);
  return input;
};

/** Throws ColumnMismatch or SchemaError where the row is not what this version wrote. */
export const decodeJob = (row: Row, read: ReadHeld): StoredJob => ({
  record: {
    jobId: textIn(row, "job_id"),
    pipeline: textIn(row, "pipeline"),
    version: numberIn(row, "version"),
    fingerprint: textIn(row, "fingerprint"),
    status: wordIn(row, "status", statuses),
    detail: textOrNullIn(row, "detail"),
    currentStep: textOrNullIn(row, "current_step"),
    attempt: numberIn(row, "attempt"),
    inputPayload: inputIn(row, read),
    normalizedOutput: valueIn(row, "normalized_output", read),
    errorMessage: textOrNullIn(row, "error_message"),
    failureKind: row["failure_kind"] === null ? null : wordIn(row, "failure_kind", failureKinds),
    rawReference: valueIn(row, "raw_reference", read),
    costMicros: numberIn(row, "cost_micros"),
    waiting: waitingOf(row),
    createdAt: numberIn(row, "created_at"),
    updatedAt: numberIn(row, "updated_at"),
    erasedAt: numberOrNullIn(row, "erased_at"),
  },
  idempotencyKey: textOrNullIn(row, "idempotency_key"),
  tenant: textOrNullIn(row, "tenant"),
  seq: numberIn(row, "seq"),
  epoch: numberIn(row, "epoch"),
  owner: textOrNullIn(row, "owner"),
});

const decodeFact = Schema.decodeUnknownSync(Fact);

/** The entries of one append. Throws ColumnMismatch or SchemaError where one does not decode. */
export const decodeAppend = (row: Row): ReadonlyArray<Entry> => {
  const version = numberIn(row, "v");
  if (version > entryVersion) {
    const newer = `entry ${numberIn(row, "seq")} has format ${version}, this catena-ai reads ${entryVersion} at most: update it`;
    throw broken("read a journal", new Error(newer));
  }
  return listIn(row).map(decodeEntry);
};

const decodeEntry = ({ seq, at, ...json }: Json): Entry => {
  if (typeof seq === "number" && typeof at === "number") return { ...decodeFact(json), seq, at };
  throw new ColumnMismatch("entries", "entries with seq and instant", null);
};

type Json = Readonly<Record<string, unknown>>;

const listIn = (row: Row): ReadonlyArray<Json> => {
  const list = jsonIn(row, "entries");
  if (Array.isArray(list) && list.every(isObject)) return list;
  throw new ColumnMismatch("entries", "a list of JSON objects", row["entries"]);
};

const isObject = (json: unknown): json is Json => typeof json === "object" && json !== null;

/** The field of an entry's body that holds a value of its job's row. */
const heldFields: ReadonlyMap<string, string> = new Map([
  ["JobSubmitted", "input"],
  ["StepSucceeded", "output"],
  ["JobCompleted", "output"],
  ["PredictionSettled", "raw"],
  ["PredictionReused", "raw"],
]);

/** The value an entry of the append holds for its job's row. Throws ColumnMismatch where it holds none. */
export const decodeHeld = (row: Row, seq: number): Value => {
  const json = listIn(row).find((one) => one["seq"] === seq);
  const field = heldFields.get(String(json?.["type"]));
  if (json === undefined || field === undefined)
    throw new ColumnMismatch("entries", `a value in entry ${seq}`, row["entries"]);
  return decodeValue(json[field]);
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
