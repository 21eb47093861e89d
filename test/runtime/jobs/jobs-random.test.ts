/**
 * Random words from two processes to jobs whose steps succeed, fail and take their time, while the owner is
 * killed, stopped or merely held for dead. The invariant: one writer. Seqs have no holes, epochs only grow,
 * the journal folds to the row, no step that succeeded succeeds again, and every job comes to rest.
 */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import { ProviderFailure, Retry } from "../../../src/index.ts";
import { makeDriver } from "../../../src/machines/advance.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { statusOf } from "../../../src/runtime/jobs/state-record.ts";
import { type Dice, seededDice } from "../../machines/seeded-dice.ts";
import { chainOf, newScript, type Work } from "../support/chains.ts";
import {
  ask,
  type Asked,
  journalOf,
  type Process,
  startProcess,
  submitted,
  turns,
} from "../support/jobs-harness.ts";

const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });
const words: readonly [Asked, ...ReadonlyArray<Asked>] = [
  "PauseRequested",
  "ResumeRequested",
  "ResumeRequested",
  "RetryRequested",
  "RetryRequested",
  "CancelRequested",
];

const workWith =
  (dice: Dice, step: string): Work =>
  (input) => {
    const roll = dice.roll();
    if (roll < 0.2) return Effect.fail(down);
    const done = Effect.succeed(`${input}>${step}`);
    return roll < 0.6 ? Effect.delay(done, Math.floor(dice.roll() * 3_000)) : done;
  };

const settings = {
  concurrency: 2,
  passivateAfter: "500 millis",
  recoverEvery: "700 millis",
  lookEvery: "100 millis",
} as const;

const world = Effect.fnUntraced(function* (seed: number) {
  const dice = seededDice(seed);
  const journals = new MemoryJournals();
  const script = newScript();
  for (const step of ["first", "second", "third"]) script.work[step] = workWith(dice, step);
  const chain = chainOf(script, { retry: Retry.fixed({ attempts: 3, delayMs: 1_000 }) });
  const start = startProcess({ ...settings, journals, pipelines: [chain] });
  const processes: Array<Process> = [yield* start, yield* start];
  const ids: Array<string> = [];
  const anyone = () => processes[Math.floor(dice.roll() * processes.length)] ?? processes[0];
  for (let round = 0; round < 25; round += 1) {
    const speaker = anyone();
    if (speaker === undefined) break;
    if (ids.length < 5) ids.push(yield* submitted(speaker, chain, `x${round}`));
    const jobId = ids[Math.floor(dice.roll() * ids.length)] ?? "";
    if (dice.roll() < 0.5) yield* Effect.exit(ask(speaker, jobId, dice.pick(words)));
    if (dice.roll() < 0.15) {
      yield* dice.pick([speaker.die, speaker.stop, speaker.declareDead]);
      processes[processes.indexOf(speaker)] = yield* start;
    }
    yield* turns;
    yield* TestClock.adjust(Math.floor(dice.roll() * 800));
  }
  for (const jobId of ids)
    for (const process of processes) yield* Effect.exit(ask(process, jobId, "ResumeRequested"));
  for (let look = 0; look < 100; look += 1) yield* TestClock.adjust("1 second");
  return { journals, ids, driver: makeDriver(chain.plan) };
});

const wanted = process.env["CATENA_SEED"];
const seeds =
  wanted === undefined ? Array.from({ length: 25 }, (_, seed) => seed + 1) : [Number(wanted)];

describe("jobs of two processes under random words and ends", () => {
  it.effect.each(seeds)("have one writer each (seed %i)", (seed) =>
    Effect.gen(function* () {
      const { journals, ids, driver } = yield* world(seed);
      for (const jobId of ids) {
        const entries = journalOf(journals, jobId);
        expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
        const epochs = entries.flatMap((entry) => (entry.type === "Claimed" ? [entry.epoch] : []));
        expect(epochs).toEqual([...new Set(epochs)].sort((left, right) => left - right));
        const folded = driver.fold(entries);
        const record = journals.files.get(jobId)?.job.record;
        expect(record?.status).toBe(statusOf(folded));
        expect(["complete", "failed", "cancelled"]).toContain(record?.status);
        const successes = entries.flatMap((entry) =>
          entry.type === "StepSucceeded" ? [entry.path] : [],
        );
        expect(new Set(successes).size).toBe(successes.length);
        const attempts = entries.flatMap((entry) =>
          entry.type === "StepStarted" ? [`${entry.path} ${entry.attempt}`] : [],
        );
        expect(new Set(attempts).size).toBe(attempts.length);
      }
      expect(journals.unread.size).toBe(0);
    }),
  );
});
