/**
 * What is reserved and spent: each day in a table of sums that every write of the ledger keeps, of a job by
 * adding up its own few rows. Both stay as cheap with a million jobs as with one.
 */
import { Schema } from "effect";
import { Receipt } from "../../../machines/entry.ts";
import type { Amount, DaySpending, JobSpending } from "../../journal-spending.ts";
import type { PredictionRow } from "../../journal-store.ts";
import {
  amountOf,
  type Booked,
  type Booking,
  bookingOf,
  dayOf,
  difference,
  everybody,
  isNothing,
  nothingBooked,
  plus,
  scopeOfTenant,
  scopesOf,
  spendingIn,
  type Sums,
  tenantOf,
} from "../spending-rules.ts";
import { numberIn, type Row, textIn, textOrNullIn, wordIn } from "./columns.ts";
import { predictionStates } from "./prediction-rows.ts";
import type { Connection } from "./transaction.ts";

export const addTo =
  "INSERT INTO spending (day, scope, reserved, spent) VALUES (?, ?, ?, ?)" +
  " ON CONFLICT (day, scope) DO UPDATE SET reserved = reserved + excluded.reserved, spent = spent + excluded.spent";

const tenantOfJob = ({ prepare }: Connection, jobId: string): string | null => {
  const row = prepare("SELECT tenant FROM jobs WHERE job_id = ?").get(jobId);
  return row === undefined ? null : textOrNullIn(row, "tenant");
};

/** A row of the ledger was added, or has become another. */
export const book = (
  connection: Connection,
  before: PredictionRow | null,
  after: PredictionRow,
): void => {
  const booked = before === null ? nothingBooked : bookingOf(before);
  const { reserved, spent } = difference(booked, bookingOf(after));
  if (isNothing({ reserved, spent })) return;
  const day = dayOf(after.intendedAt);
  for (const scope of scopesOf(tenantOfJob(connection, after.jobId)))
    connection.prepare(addTo).run(day, scope, reserved, spent);
};

const sumOf = ({ prepare }: Connection, day: number, scope: string): Booking => {
  const row = prepare("SELECT reserved, spent FROM spending WHERE day = ? AND scope = ?").get(
    day,
    scope,
  );
  return row === undefined ? nothingBooked : sumIn(row);
};

const sumIn = (row: Row): Booking => ({
  reserved: numberIn(row, "reserved"),
  spent: numberIn(row, "spent"),
});

const decodeReceipt = Schema.decodeUnknownSync(Schema.NullOr(Schema.fromJsonString(Receipt)));

const bookedOf = (row: Row): Booked => ({
  state: wordIn(row, "state", predictionStates),
  estimateMicros: numberIn(row, "estimate_micros"),
  receipt: decodeReceipt(row["receipt"]),
});

/** How a stored row of the ledger is booked, and where. */
export const bookedIn = (
  row: Row,
): {
  readonly day: number;
  readonly scopes: ReadonlyArray<string>;
  readonly booking: Booking;
} => ({
  day: dayOf(numberIn(row, "intended_at")),
  scopes: scopesOf(textOrNullIn(row, "tenant")),
  booking: bookingOf(bookedOf(row)),
});

/** What an intent of this job on this day is added to. */
export const sumsOn = (connection: Connection, jobId: string, day: number): Sums => {
  const tenant = tenantOfJob(connection, jobId);
  const rows = connection
    .prepare("SELECT state, estimate_micros, receipt FROM predictions WHERE job_id = ?")
    .all(jobId);
  return {
    job: rows.map((row) => bookingOf(bookedOf(row))).reduce(plus, nothingBooked),
    tenant: tenant === null ? null : sumOf(connection, day, scopeOfTenant(tenant)),
    day: sumOf(connection, day, everybody),
  };
};

export const readSpendingOf = (connection: Connection, jobId: string, day: number): JobSpending =>
  spendingIn(sumsOn(connection, jobId, day));

export const readSpendingBy = (connection: Connection, tenant: string, day: number): Amount =>
  amountOf(sumOf(connection, day, scopeOfTenant(tenant)));

export const readSpendingOn = (
  { prepare }: Connection,
  day: number,
  limit: number,
): ReadonlyArray<DaySpending> =>
  prepare(
    "SELECT scope, reserved, spent FROM spending WHERE day = ? AND (reserved <> 0 OR spent <> 0)" +
      " ORDER BY reserved + spent DESC, scope LIMIT ?",
  )
    .all(day, limit)
    .map((row) => ({ tenant: tenantOf(textIn(row, "scope")), ...amountOf(sumIn(row)) }));
