/** What is reserved and spent each day: sums that are kept beside the rows of the ledger. */
import type { DaySpending } from "../../journal-spending.ts";
import type { PredictionRow } from "../../journal-store.ts";
import {
  amountOf,
  type Booking,
  bookingOf,
  dayOf,
  difference,
  isNothing,
  nothingBooked,
  plus,
  scopesOf,
  tenantOf,
} from "../spending-rules.ts";

export class Spending {
  readonly #days = new Map<number, Map<string, Booking>>();

  /** A row of a job of this tenant was added, or has become another. */
  book(tenant: string | null, before: PredictionRow | undefined, after: PredictionRow): void {
    const booked = before === undefined ? nothingBooked : bookingOf(before);
    const change = difference(booked, bookingOf(after));
    if (isNothing(change)) return;
    const day = dayOf(after.intendedAt);
    const sums = this.#days.get(day) ?? new Map<string, Booking>();
    this.#days.set(day, sums);
    for (const scope of scopesOf(tenant))
      sums.set(scope, plus(sums.get(scope) ?? nothingBooked, change));
  }

  sum(day: number, scope: string): Booking {
    return this.#days.get(day)?.get(scope) ?? nothingBooked;
  }

  /** All together first, then the tenants, who used most first. */
  on(day: number): ReadonlyArray<DaySpending> {
    return [...(this.#days.get(day) ?? [])]
      .filter(([, booking]) => !isNothing(booking))
      .toSorted(
        ([scope, left], [other, right]) =>
          total(right) - total(left) || (scope < other ? -1 : Number(scope > other)),
      )
      .map(([scope, booking]) => ({ tenant: tenantOf(scope), ...amountOf(booking) }));
  }
}

const total = ({ reserved, spent }: Booking): number => reserved + spent;
