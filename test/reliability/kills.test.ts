/**
 * Real processes, real SIGKILL and SIGSTOP, real HTTP: workers over one SQLite file are killed at random
 * moments while their neighbours take over. The grace for orphans is shortened to 4 s, the emulator's list
 * lags 300 ms.
 *
 * The invariant: however often they are killed, every job completes, with exactly one prediction for each
 * model step while the provider makes no faults, and receipts equal the emulator's ledger.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Effect } from "effect";
import { describe, expect, it, vi } from "vitest";
import type { FaultRule } from "../../emulator/src/emulator.ts";
import {
  besiege,
  openSite,
  predictionsDue,
  type Site,
  type Stock,
  stockViolations,
  untilDone,
} from "./real/siege.ts";

const seed = Number(process.env["CATENA_SEED"] ?? "1");
const replay = `CATENA_SEED=${seed} npx vitest run test/reliability/kills.test.ts`;

/** Pictures take a while, so that whoever is stopped is stopped in the middle of its work. */
const holdUp: ReadonlyArray<FaultRule> = [
  {
    match: { operation: "create", model: "black-forest-labs/flux-schnell" },
    fault: { type: "outcome", outcome: { kind: "slow-boot", bootMs: 3_000 } },
  },
];

/** The owner of every job, in a stable order. */
const ownersIn = ({ jobs }: Stock): ReadonlyArray<string> =>
  jobs.map(({ stored: { record, owner } }) => `${record.jobId} ${owner ?? "-"}`).toSorted();

const takeovers = ({ jobs }: Stock): number =>
  jobs.flatMap(({ entries }) =>
    entries.filter((entry) => entry.type === "Claimed" && entry.isTakeover),
  ).length;

/** Returns once so many jobs wait for their picture. */
const untilPainting = ({ store }: Site, count: number): Promise<true> => {
  const isPainting = async () => {
    const jobs = await Effect.runPromise(store.jobs({ status: "processing" }));
    const waiting = jobs.filter(
      ({ record: { currentStep, detail } }) => currentStep === "image" && detail === "waiting",
    );
    return waiting.length === count;
  };
  return vi.waitUntil(isPainting, { timeout: 20_000, interval: 20 });
};

describe.concurrent("workers killed with SIGKILL at random moments", () => {
  it(
    "ten kills: every job completes, and every model step was paid for once",
    { timeout: 90_000 },
    async () => {
      const stock = await besiege({
        seed,
        jobs: 12,
        kills: 10,
        faults: [],
        workers: 2,
        concurrency: 3,
        maxLifeMs: 250,
        restEvery: 1_000,
        patienceMs: 60_000,
      });
      expect(stockViolations(stock), replay).toEqual([]);
      expect(stock.ledger.length, replay).toBe(predictionsDue(stock));
    },
  );
});

describe.runIf(process.platform === "linux").concurrent("a worker frozen with SIGSTOP", () => {
  it(
    "is not dead: nobody takes over while it holds its lock, and it goes on when it is thawed",
    { timeout: 60_000 },
    async () => {
      await using site = await openSite({ jobs: 6, concurrency: 6, faults: holdUp });
      const frozen = site.fleet.start(6);
      await frozen.ready;
      await untilPainting(site, 6);
      await frozen.freeze();
      const before = await site.takeStock();
      const neighbour = site.fleet.start(0);
      await neighbour.ready;
      // The neighbour looks for dead owners three times a second.
      await pause(1_000);
      expect(ownersIn(await site.takeStock())).toEqual(ownersIn(before));

      frozen.thaw();
      await untilDone(site, { jobs: 6, patienceMs: 40_000 });
      const stock = await site.takeStock();
      expect(stockViolations(stock)).toEqual([]);
      expect(takeovers(stock)).toBe(0);
      expect(stock.ledger.length).toBe(predictionsDue(stock));
    },
  );

  it(
    "is dead once it is killed: its neighbour finishes its jobs",
    { timeout: 60_000 },
    async () => {
      await using site = await openSite({ jobs: 6, concurrency: 6, faults: holdUp });
      const victim = site.fleet.start(6);
      await victim.ready;
      await untilPainting(site, 6);
      await victim.freeze();
      const neighbour = site.fleet.start(0);
      await neighbour.ready;
      await victim.kill();
      await untilDone(site, { jobs: 6, patienceMs: 40_000 });
      const stock = await site.takeStock();
      expect(stockViolations(stock)).toEqual([]);
      expect(takeovers(stock)).toBeGreaterThan(0);
      expect(stock.ledger.length).toBe(predictionsDue(stock));
    },
  );
});
