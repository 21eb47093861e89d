/**
 * An asset that a job names is never deleted, whoever prunes, erases, puts the same bytes, or dies at the
 * same time; and in the end, when every job is erased, nothing is left over.
 */
import { describe, it } from "@effect/vitest";
import { Effect, Fiber, type Scope } from "effect";
import { TestClock } from "effect/testing";
import { join } from "node:path";
import { expect } from "vitest";
import type { JournalStore, StoreFailure } from "../../../src/runtime/journal-store.ts";
import { MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { eraseJob } from "../../../src/runtime/retention/erase.ts";
import { prune } from "../../../src/runtime/retention/prune.ts";
import type { AssetStore, AssetStoreFailure } from "../../../src/steps/asset-store.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";
import { FileSystemAssets } from "../../../src/steps/asset-stores/file-system.ts";
import { seededDice } from "../../machines/seeded-dice.ts";
import { temporaryFolder } from "../journal-stores/temporary-folder.ts";
import { live, missing, MortalProcess, rest, type Truth } from "./asset-world.ts";

const hourMs = 3_600_000;
const rounds = 12;

type Made = Effect.Effect<AssetStore["Service"], AssetStoreFailure, Scope.Scope>;
type Open = Effect.Effect<JournalStore["Service"], StoreFailure, Scope.Scope>;

/** Some things at once in two processes, of which one may die in the middle. */
const round = Effect.fnUntraced(function* (truth: Truth, nextId: () => string) {
  const { dice, jobs, journals } = truth;
  const processes = [new MortalProcess(truth), new MortalProcess(truth)] as const;
  const work = Array.from({ length: 4 }, () => {
    const process = dice.pick(processes);
    const chance = dice.roll();
    if (chance < 0.5 || jobs.size === 0) return live(truth, process, nextId());
    if (chance < 0.65) return prune(process.host);
    return eraseJob(process.host, dice.pick([...jobs] as [string, ...Array<string>]));
  });
  const fibers = yield* Effect.forEach(work, (one) =>
    Effect.forkChild(Effect.ignore(one), { startImmediately: true }),
  );
  const turns = Math.floor(dice.roll() * 60);
  for (let turn = 0; turn < turns; turn += 1) yield* Effect.promise(() => settled());
  if (dice.roll() < 0.5) dice.pick(processes).kill();
  for (let turn = 0; turn < 60; turn += 1) yield* Effect.promise(() => settled());
  // Whoever still waits belongs to a dead process, or is left to itself by this test.
  for (const process of processes) process.kill();
  // A slow disk may do what it was asked now, not hours later; what waits for the clock, waits for ever.
  const isUnderWay = () => processes.some((process) => process.isUnderWay);
  for (let turn = 0; turn < 2_000 && isUnderWay(); turn += 1)
    yield* Effect.promise(() => settled());
  expect(yield* missing(truth)).toEqual([]);
  for (const fiber of fibers) yield* Effect.forkDetach(Fiber.interrupt(fiber));
  const heir = new MortalProcess(truth);
  for (const jobId of jobs) {
    const job = yield* journals.job(jobId);
    if (job._tag === "Some" && job.value.record.status !== "complete") yield* rest(heir, jobId);
  }
  expect(yield* missing(truth)).toEqual([]);
});

const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const inMemory = Effect.sync(() => MemoryAssets.make());
const inFolder = Effect.flatMap(temporaryFolder, (folder) =>
  FileSystemAssets.make(join(folder, "assets")),
);

const story = (open: Open, seed: number, assetsIn: Made = inMemory) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000);
    const assets = yield* assetsIn;
    const dice = seededDice(seed);
    const truth: Truth = { journals: yield* open, assets, dice, jobs: new Set() };
    let made = 0;
    const nextId = () => `job-${(made += 1)}`;
    for (let index = 0; index < rounds; index += 1) {
      yield* round(truth, nextId);
      yield* TestClock.adjust(Math.floor(dice.roll() * 30) * hourMs);
    }
    const last = new MortalProcess(truth);
    for (const jobId of truth.jobs) yield* eraseJob(last.host, jobId);
    yield* TestClock.adjust(100 * hourMs);
    yield* prune(last.host);
    expect(yield* assets.list({ after: null, limit: 100 })).toEqual([]);
    expect(yield* truth.journals.leftovers("", 100)).toEqual([]);
    expect(truth.jobs.size).toBeGreaterThan(5);
  });

const seeds = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("assets that jobs name", () => {
  const inMemoryJournals = Effect.sync(() => MemoryJournalStore.make());

  it.effect.each(seeds(60))("are never deleted: seed %d", (seed) => story(inMemoryJournals, seed));

  // What a disk is quick or slow with is not the seed's: these runs differ from each other.
  it.effect.each(seeds(10))("are never deleted from a folder: seed %d", (seed) =>
    story(inMemoryJournals, seed, inFolder),
  );

  it.effect.each(seeds(6))("are never deleted with journals in a file: seed %d", (seed) =>
    story(
      Effect.flatMap(temporaryFolder, (folder) =>
        SqliteJournalStore.make({ path: join(folder, "catena.db"), synchronous: "NORMAL" }),
      ),
      seed,
      inFolder,
    ),
  );
});
