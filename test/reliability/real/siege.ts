/** Kills workers at random moments until the plan is through, then lets the survivors finish, and takes stock. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Effect, Exit, Scope } from "effect";
import { type FaultRule, type LedgerEntry, startEmulator } from "../../../emulator/src/emulator.ts";
import { makeDriver } from "../../../src/machines/advance.ts";
import type { Entry } from "../../../src/machines/entry.ts";
import type { JournalStore, PredictionRow, StoredJob } from "../../../src/runtime/journal-store.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { journalViolations } from "../journal-invariants.ts";
import { makeChance } from "../simulation/chance.ts";
import type { WorkerOrder } from "../worker.ts";
import { chain, paidSteps } from "./chain.ts";
import { Fleet, type Worker } from "./fleet.ts";

export interface SiegePlan {
  readonly seed: number;
  readonly jobs: number;
  readonly kills: number;
  readonly faults: ReadonlyArray<FaultRule>;
  readonly workers: number;
  readonly concurrency: number;
  /** How long after its start (ms) a worker may live at most, while kills are left. */
  readonly maxLifeMs: number;
  /**
   * Every so many kills a worker is left alone for 15 s: to be certain that a lost create made nothing
   * takes one process two listings ten seconds apart, and until then its job goes no further.
   */
  readonly restEvery: number;
  /** How long (ms) the survivors may take. */
  readonly patienceMs: number;
}

/** One minute in life; the emulator shows a prediction in its list after 300 ms here. */
const orphanGraceMs = 4_000;
const listLagMs = 300;
const restMs = 15_000;

export interface KilledJob {
  readonly stored: StoredJob;
  readonly entries: ReadonlyArray<Entry>;
  readonly predictions: ReadonlyArray<PredictionRow>;
}

export interface Stock {
  readonly jobs: ReadonlyArray<KilledJob>;
  readonly ledger: ReadonlyArray<LedgerEntry>;
  readonly poisoned: number;
  readonly complaints: ReadonlyArray<string>;
}

export interface Site {
  readonly fleet: Fleet;
  readonly store: JournalStore["Service"];
  readonly takeStock: () => Promise<Stock>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A store, an emulator, and nobody at work yet. */
export const openSite = async (
  plan: Pick<SiegePlan, "jobs" | "concurrency" | "faults"> & Pick<WorkerOrder, "apiKey">,
): Promise<Site> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-reliability-"));
  const path = join(folder, "catena.db");
  const emulator = await startEmulator({
    models: "instant",
    bootMs: 5,
    listLagMs,
    faults: plan.faults,
  });
  const scope = Scope.makeUnsafe();
  const store = await Effect.runPromise(
    Scope.provide(SqliteJournalStore.make({ path, synchronous: "NORMAL" }), scope),
  );
  const order = {
    store: path,
    emulatorUrl: emulator.url,
    concurrency: plan.concurrency,
    orphanGraceMs,
    ...(plan.apiKey === undefined ? {} : { apiKey: plan.apiKey }),
  };
  const fleet = new Fleet(order, plan.jobs);
  return {
    fleet,
    store,
    takeStock: async () => ({
      jobs: await readJobs(store, plan.jobs),
      ledger: emulator.ledger(),
      poisoned: fleet.poisoned.length,
      complaints: fleet.complaints,
    }),
    [Symbol.asyncDispose]: async () => {
      await fleet.end();
      await Effect.runPromise(Scope.close(scope, Exit.void));
      await emulator.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

export const readJobs = async (
  store: JournalStore["Service"],
  limit: number,
): Promise<ReadonlyArray<KilledJob>> => {
  const jobs = await Effect.runPromise(store.jobs({ limit }));
  return Promise.all(
    jobs.map(async (stored) => ({
      stored,
      entries: await Effect.runPromise(store.entries(stored.record.jobId)),
      predictions: await Effect.runPromise(store.predictions(stored.record.jobId)),
    })),
  );
};

/** The whole siege. Rejects where the survivors do not finish in time. */
export const besiege = async (plan: SiegePlan): Promise<Stock> => {
  await using site = await openSite(plan);
  const chance = makeChance(plan.seed);
  let kills = 0;
  const beKilled = async (): Promise<void> => {
    while (kills < plan.kills) {
      kills += 1;
      const worker = site.fleet.start(batchFor(plan, kills, site.fleet.acknowledged.size));
      const isRest = kills % plan.restEvery === 0;
      await liveShortly(worker, isRest ? restMs : chance.between(0, plan.maxLifeMs));
    }
  };
  await Promise.all(Array.from({ length: plan.workers }, beKilled));
  await site.fleet.start(plan.jobs).ready;
  await untilDone(site, plan);
  return site.takeStock();
};

/** New jobs come in step with the kills, so that there is work to be killed in until the end. */
const batchFor = (plan: SiegePlan, kills: number, acknowledged: number): number =>
  Math.max(Math.ceil((plan.jobs * kills) / plan.kills) + plan.concurrency - acknowledged, 0);

const liveShortly = async (worker: Worker, lifeMs: number): Promise<void> => {
  await worker.ready;
  await pause(lifeMs);
  await worker.kill();
};

/** Returns once every job has ended and no prediction is open; looks, and gives up after the patience. */
export const untilDone = async (
  { fleet, store }: Site,
  { jobs, patienceMs }: Pick<SiegePlan, "jobs" | "patienceMs">,
): Promise<void> => {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const stored = await Effect.runPromise(store.jobs({ limit: jobs }));
    const isOver = ({ record: { status }, owner }: StoredJob) =>
      (status === "complete" || status === "cancelled") && owner === null;
    if (stored.length === jobs && stored.every(isOver)) return;
    await pause(50);
  }
  const stored = await Effect.runPromise(store.jobs({ limit: jobs }));
  const unfinished = stored
    .filter(({ record: { status } }) => status !== "complete")
    .map(
      ({ record, owner }) =>
        `${record.jobId} ${record.status} ${record.detail ?? ""} ${record.currentStep ?? ""} ${record.errorMessage ?? ""} owner ${owner ?? "-"}`,
    );
  throw new Error(
    [
      `${stored.length} of ${jobs} jobs, unfinished after ${patienceMs} ms:`,
      ...unfinished,
      ...fleet.complaints.slice(-20),
    ].join("\n"),
  );
};

const driver = makeDriver(chain.plan);

/** What does not hold of the stock; none where all does. */
export const stockViolations = ({ jobs, ledger }: Stock): ReadonlyArray<string> => {
  const rows = jobs.flatMap(({ predictions }) => predictions);
  const known = new Map(rows.map((row) => [row.predictionId, row]));
  return [
    ...jobs.flatMap(({ stored: { record }, entries }) =>
      journalViolations({ record, entries, driver }).map((found) => `${record.jobId}: ${found}`),
    ),
    ...jobs.flatMap(({ stored: { record } }) =>
      record.status === "complete" ? [] : [`${record.jobId} is ${record.status}`],
    ),
    ...ledger.flatMap(({ id, costUsd }) => {
      const receipt = known.get(id)?.receipt;
      if (receipt == null) return [`the prediction ${id} has no receipt`];
      const booked = receipt.costMicros / 1e6;
      return Math.abs(booked - costUsd) < 1e-7
        ? []
        : [`the prediction ${id} cost ${costUsd}, its receipt says ${booked}`];
    }),
    ...rows
      .filter(
        ({ predictionId, state }) =>
          predictionId === null && state !== "absent" && state !== "rejected",
      )
      .map(({ key, state }) => `the intent ${key} is ${state}, without a prediction`),
  ];
};

/** With faults off: as many predictions as model steps, not one more. */
export const predictionsDue = ({ jobs }: Stock): number => jobs.length * paidSteps;
