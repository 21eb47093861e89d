/**
 * Two processes whose jobs end in every way, whose receiver fails by chance, and who are killed, stopped or
 * held for dead at any moment. The invariant: what is told is what happened. Each time a job comes to rest
 * there is one notification; it arrives at least once, always with the same body, and nothing else arrives.
 */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import { ProviderFailure, Retry } from "../../../src/index.ts";
import { makeDriver } from "../../../src/machines/advance.ts";
import type { Entry } from "../../../src/machines/entry.ts";
import { statusOf } from "../../../src/runtime/jobs/state-record.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { memoryChannel } from "../../../src/runtime/notification-channels/memory.ts";
import { type Dice, seededDice } from "../../machines/seeded-dice.ts";
import { chainOf, newScript, type Work } from "../support/chains.ts";
import {
  ask,
  journalOf,
  type Process,
  startProcess,
  submitted,
  turns,
  within,
} from "../support/jobs-harness.ts";

const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });

const workWith =
  (dice: Dice, step: string): Work =>
  (input) => {
    const roll = dice.roll();
    if (roll < 0.3) return Effect.fail(down);
    const done = Effect.succeed(`${input}>${step}`);
    return roll < 0.5 ? Effect.delay(done, Math.floor(dice.roll() * 2_000)) : done;
  };

const settings = { concurrency: 3, recoverEvery: "1 second", lookEvery: "500 millis" } as const;

const world = Effect.fnUntraced(function* (seed: number) {
  const dice = seededDice(seed);
  const journals = new MemoryJournals();
  const channel = memoryChannel();
  const script = newScript();
  for (const step of ["first", "second", "third"]) script.work[step] = workWith(dice, step);
  const chain = chainOf(script, { retry: Retry.fixed({ attempts: 2, delayMs: 500 }) });
  const notifications = { orders: { channel } };
  const start = startProcess({ ...settings, journals, pipelines: [chain], notifications });
  const processes: Array<Process> = [yield* start, yield* start];
  const ids: Array<string> = [];
  for (let round = 0; round < 30; round += 1) {
    const index = Math.floor(dice.roll() * processes.length);
    const speaker = processes[index];
    if (speaker === undefined) break;
    channel.answer(dice.pick(["take", "take", "refuse", "hang"]));
    if (ids.length < 6) ids.push(yield* submitted(speaker, chain, `x${round}`));
    const jobId = ids[Math.floor(dice.roll() * ids.length)] ?? "";
    if (dice.roll() < 0.4)
      yield* Effect.exit(ask(speaker, jobId, dice.pick(["RetryRequested", "CancelRequested"])));
    if (dice.roll() < 0.3) {
      yield* within(dice.pick([speaker.die, speaker.stop, speaker.declareDead]));
      processes[index] = yield* start;
    }
    yield* turns;
    yield* TestClock.adjust(Math.floor(dice.roll() * 700));
  }
  channel.answer("take");
  yield* within(Effect.sleep("8 minutes"), { byMs: 10_000, limitMs: 3_600_000 });
  yield* turns;
  return { journals, channel, ids, driver: makeDriver(chain.plan) };
});

type World = Effect.Success<ReturnType<typeof world>>;

/** The id of each notification that the journal of the job calls for. */
const calledFor = ({ journals, driver }: World, jobId: string): ReadonlyArray<string> => {
  const entries: ReadonlyArray<Entry> = journalOf(journals, jobId);
  const statuses = entries.map((_, index) => statusOf(driver.fold(entries.slice(0, index + 1))));
  return statuses.flatMap((status, index) => {
    const isRest = status === "complete" || status === "failed" || status === "cancelled";
    return isRest && status !== statuses[index - 1] ? [`evt_${jobId}_${index + 1}_orders`] : [];
  });
};

const wanted = process.env["CATENA_SEED"];
const seeds =
  wanted === undefined ? Array.from({ length: 8 }, (_, seed) => seed + 1) : [Number(wanted)];

describe("notifications of two processes under random ends", () => {
  it.effect.each(seeds)("tell what happened, and nothing else (seed %i)", (seed) =>
    Effect.gen(function* () {
      const lived = yield* world(seed);
      const { channel, ids, journals } = lived;
      const due = ids.flatMap((jobId) => calledFor(lived, jobId)).sort();
      expect(due.length).toBeGreaterThanOrEqual(ids.length);
      const bodies = new Map<string, Set<string>>();
      for (const { id, ...told } of channel.received)
        bodies.set(id, (bodies.get(id) ?? new Set()).add(JSON.stringify(told)));
      expect([...bodies.keys()].sort()).toEqual(due);
      for (const [id, told] of bodies) expect([id, told.size]).toEqual([id, 1]);
      const rows = journals.outbox.list({ limit: 999 });
      expect(rows.map(({ id }) => id).sort()).toEqual(due);
      expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(["delivered"]));
    }),
  );
});
