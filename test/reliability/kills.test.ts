/**
 * Real processes, real SIGKILL, real HTTP: workers over one SQLite file are killed at random moments while
 * their neighbours take over. The grace for orphans is shortened to 4 s, the emulator's list lags 300 ms.
 *
 * The invariant: however often they are killed, every job completes, with exactly one prediction for each
 * model step while the provider makes no faults, and receipts equal the emulator's ledger.
 */
import { describe, expect, it } from "vitest";
import { besiege, predictionsDue, stockViolations } from "./real/siege.ts";

const seed = Number(process.env["CATENA_SEED"] ?? "1");
const replay = `CATENA_SEED=${seed} npx vitest run test/reliability/kills.test.ts`;

describe("workers killed with SIGKILL at random moments", () => {
  it(
    "ten kills: every job completes, and every model step was paid for once",
    { timeout: 90_000 },
    async () => {
      const stock = await besiege({
        seed,
        jobs: 24,
        kills: 10,
        faults: [],
        workers: 2,
        concurrency: 4,
        maxLifeMs: 400,
        patienceMs: 60_000,
      });
      expect(stockViolations(stock), replay).toEqual([]);
      expect(stock.ledger.length, replay).toBe(predictionsDue(stock));
    },
  );
});
