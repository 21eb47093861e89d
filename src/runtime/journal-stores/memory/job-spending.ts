/** What an intent of a job is added to: its own rows, its tenant's day and everybody's. */
import {
  bookingOf,
  everybody,
  nothingBooked,
  plus,
  scopeOfTenant,
  type Sums,
} from "../spending-rules.ts";
import type { MemoryJournals } from "./journals.ts";

export const sumsOn = (
  { files, predictions, spending }: MemoryJournals,
  jobId: string,
  day: number,
): Sums => {
  const file = files.get(jobId);
  const rows = (file?.predictionKeys ?? []).flatMap((key) => predictions.get(key) ?? []);
  const tenant = file?.job.tenant ?? null;
  return {
    job: rows.map(bookingOf).reduce(plus, nothingBooked),
    tenant: tenant === null ? null : spending.sum(day, scopeOfTenant(tenant)),
    day: spending.sum(day, everybody),
  };
};
