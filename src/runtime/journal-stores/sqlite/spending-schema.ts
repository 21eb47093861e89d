/** The table of what is reserved and spent each day, and what older files get: the sums of their ledgers. */
import type { DatabaseSync } from "node:sqlite";
import { addTo, bookedIn } from "./spending.ts";

/** Sums in tenths of a millionth of a US dollar; `scope` is everybody or one tenant. */
const spendingTable = `
   CREATE TABLE spending (
     day INTEGER NOT NULL,
     scope TEXT NOT NULL,
     reserved INTEGER NOT NULL,
     spent INTEGER NOT NULL,
     PRIMARY KEY (day, scope)
   ) WITHOUT ROWID;
`;

const ledger =
  "SELECT jobs.tenant, intended_at, state, estimate_micros, receipt FROM predictions" +
  " CROSS JOIN jobs ON jobs.job_id = predictions.job_id";

/** Makes the table, with what the ledger holds already. */
export const addSpending = (db: DatabaseSync): void => {
  db.exec(spendingTable);
  const add = db.prepare(addTo);
  for (const row of db.prepare(ledger).iterate()) {
    const { day, scopes, booking } = bookedIn(row);
    for (const scope of scopes) add.run(day, scope, booking.reserved, booking.spent);
  }
};
