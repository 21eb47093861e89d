/** Rows of the ledger, to and from the port's records. */
import { Schema } from "effect";
import type { SQLInputValue } from "node:sqlite";
import { Receipt } from "../../../machines/entry.ts";
import { PredictionStatus } from "../../../steps/model-client.ts";
import type { PredictionRow } from "../../journal-store.ts";
import { json, NullableNumber, NullableString, ValueText } from "./rows.ts";

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
  ["copying", "copying"],
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

export const predictionStates = [
  "intended",
  "unknown",
  "accepted",
  "rejected",
  "absent",
  "settled",
  "duplicate",
  "reused",
] as const;

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
    state: Schema.Literals(predictionStates),
    predictionId: NullableString,
    status: Schema.NullOr(PredictionStatus),
    cancelRequestedAt: NullableNumber,
    isUnconfirmed: Schema.BooleanFromBit,
    copying: Schema.NullOr(
      Schema.fromJsonString(
        Schema.Struct({ by: Schema.NullOr(Schema.String), deaths: Schema.Number }),
      ),
    ),
    settledAt: NullableNumber,
    raw: Schema.NullOr(ValueText),
    receipt: Schema.NullOr(Schema.fromJsonString(Receipt)),
  }),
);
