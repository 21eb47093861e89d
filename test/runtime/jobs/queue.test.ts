/** The durable queue of jobs that nobody has started: bounded, oldest first, and never forgotten. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Latch } from "effect";
import { TestClock } from "effect/testing";
import { StoreFailure } from "../../../src/runtime/journal-store.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { chainOf, newScript } from "../support/chains.ts";
import {
  journalOf,
  outcomeOf,
  startProcess,
  statusIn,
  submitted,
  turns,
  typesOf,
  until,
  within,
} from "../support/jobs-harness.ts";

const complete = (input: string) => ({ status: "complete", output: `${input}>first>second>third` });

/** A chain whose first step waits for `open`, with the most that ever were in it at once. */
const countedChain = () => {
  const latch = Latch.makeUnsafe(false);
  const counts = { now: 0, most: 0 };
  const script = newScript({
    first: (input) => {
      counts.now += 1;
      counts.most = Math.max(counts.most, counts.now);
      const leave = Effect.sync(() => {
        counts.now -= 1;
      });
      return Effect.ensuring(Effect.as(latch.await, `${input}>first`), leave);
    },
  });
  return { chain: chainOf(script), script, counts, open: () => latch.openUnsafe() };
};

describe("the queue of pending jobs", () => {
  it.effect("runs no more jobs at once than there are slots, oldest first", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const { chain, script, counts, open } = countedChain();
      const process = yield* startProcess({ journals, pipelines: [chain], concurrency: 3 });
      const ids = yield* Effect.forEach(
        Array.from({ length: 60 }, (_, index) => `j${index}`),
        (input) => submitted(process, chain, input),
      );
      yield* until("three run", () => counts.now === 3);
      expect(ids.filter((id) => statusIn(journals, id) === "pending")).toHaveLength(57);
      open();
      for (const [index, id] of ids.entries())
        expect(yield* outcomeOf(process, chain, id)).toEqual(complete(`j${index}`));
      expect(counts.most).toBe(3);
      expect(script.callsOf("first").map((call) => call.split(" ")[1])).toEqual(
        ids.map((_, index) => `j${index}`),
      );
    }),
  );

  it.effect("lets no new job pass one that waits, not even while the queue is being read", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const before = countedChain();
      const old = yield* startProcess({ journals, pipelines: [before.chain], concurrency: 1 });
      yield* submitted(old, before.chain, "a");
      yield* submitted(old, before.chain, "b");
      yield* old.die;
      const { chain, script, counts, open } = countedChain();
      const reading = Latch.makeUnsafe(false);
      const next = yield* startProcess({
        journals,
        pipelines: [chain],
        concurrency: 2,
        wrap: (store) => ({
          ...store,
          pending: (pipelines, limit) =>
            Effect.tap(store.pending(pipelines, limit), () => reading.await),
        }),
      });
      yield* turns;
      const late = yield* submitted(next, chain, "c");
      yield* turns;
      reading.openUnsafe();
      yield* until("two run", () => counts.now === 2);
      expect(script.calls).toEqual(["first a #1", "first b #1"]);
      expect(statusIn(journals, late)).toBe("pending");
      open();
      expect(yield* outcomeOf(next, chain, late)).toEqual(complete("c"));
      expect(counts.most).toBe(2);
    }),
  );

  it.effect("is looked at once for all who wait for its jobs, however many they are", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const { chain, open } = countedChain();
      let looks = 0;
      const process = yield* startProcess({
        journals,
        pipelines: [chain],
        concurrency: 1,
        wrap: (store) => ({
          ...store,
          changeCount: Effect.suspend(() => {
            looks += 1;
            return store.changeCount;
          }),
        }),
      });
      const jobs = yield* Effect.forEach(Array.from({ length: 100 }), () =>
        submitted(process, chain, "x"),
      );
      const waiting = yield* Effect.forkChild(
        Effect.forEach(jobs, (jobId) => process.catena.outcome(chain, jobId), {
          concurrency: "unbounded",
        }),
      );
      yield* TestClock.adjust("1 second");
      looks = 0;
      yield* TestClock.adjust("4 seconds");
      expect(looks).toBeLessThan(60);
      open();
      const outcomes = yield* within(Fiber.join(waiting));
      expect(outcomes).toEqual(jobs.map(() => complete("x")));
    }),
  );

  it.effect("keeps what waits over a restart", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const before = countedChain();
      const old = yield* startProcess({ journals, pipelines: [before.chain], concurrency: 2 });
      const ids = yield* Effect.forEach(["a", "b", "c", "d", "e"], (input) =>
        submitted(old, before.chain, input),
      );
      yield* old.die;
      const { chain, counts, open } = countedChain();
      const next = yield* startProcess({ journals, pipelines: [chain], concurrency: 2 });
      expect(next.catena.engine.recovered).toBe(2);
      yield* until("two run", () => counts.now === 2);
      expect(ids.map((id) => statusIn(journals, id))).toEqual([
        "processing",
        "processing",
        "pending",
        "pending",
        "pending",
      ]);
      open();
      for (const [index, id] of ids.entries())
        expect(yield* outcomeOf(next, chain, id)).toEqual(complete("abcde"[index] ?? ""));
      expect(counts.most).toBe(2);
    }),
  );

  it.effect("starts a job that came right after the start", () =>
    Effect.gen(function* () {
      const { chain, open } = countedChain();
      open();
      const process = yield* startProcess({ journals: new MemoryJournals(), pipelines: [chain] });
      const [one, two] = yield* Effect.all(
        [submitted(process, chain, "a"), submitted(process, chain, "b")],
        { concurrency: "unbounded" },
      );
      expect(yield* outcomeOf(process, chain, one)).toEqual(complete("a"));
      expect(yield* outcomeOf(process, chain, two)).toEqual(complete("b"));
    }),
  );

  it.effect("makes one job of one idempotency key, however many submit it at once", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript();
      const chain = chainOf(script);
      const one = yield* startProcess({ journals, pipelines: [chain] });
      const two = yield* startProcess({ journals, pipelines: [chain] });
      const submits = Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? one : two).catena.submit(chain, `x${index}`, { idempotencyKey: "k" }),
      );
      const answers = yield* Effect.all(submits, { concurrency: "unbounded" });
      expect(new Set(answers.map(({ jobId }) => jobId)).size).toBe(1);
      expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
      yield* outcomeOf(one, chain, answers[0]?.jobId ?? "");
      expect(script.callsOf("first")).toHaveLength(1);
      expect(
        one.catena.engine.jobs.counts().running + two.catena.engine.jobs.counts().running,
      ).toBe(0);
      const again = yield* one.catena.submit(chain, "other", { idempotencyKey: "k" });
      expect(again).toEqual({ jobId: answers[0]?.jobId, isNew: false });
    }),
  );

  it.effect("takes the same idempotency key in another pipeline for another job", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const [a, b] = [chainOf(newScript(), {}, "a"), chainOf(newScript(), {}, "b")];
      const process = yield* startProcess({ journals, pipelines: [a, b] });
      const one = yield* process.catena.submit(a, "x", { idempotencyKey: "k" });
      const two = yield* process.catena.submit(b, "x", { idempotencyKey: "k" });
      expect(two.isNew).toBe(true);
      expect(two.jobId).not.toBe(one.jobId);
    }),
  );

  it.effect("passes over a job whose journal is broken, even where it stands first", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const before = countedChain();
      const old = yield* startProcess({ journals, pipelines: [before.chain], concurrency: 1 });
      const ids = yield* Effect.forEach(["a", "b", "c", "d"], (input) =>
        submitted(old, before.chain, input),
      );
      yield* old.die;
      const broken = new Set([ids[0], ids[1]]);
      const { chain, open } = countedChain();
      open();
      const next = yield* startProcess({
        journals,
        pipelines: [chain],
        concurrency: 1,
        wrap: (store) => ({
          ...store,
          entries: (jobId) =>
            broken.has(jobId) ? Effect.fail(brokenJournal(jobId)) : store.entries(jobId),
        }),
      });
      expect(yield* outcomeOf(next, chain, ids[2] ?? "")).toEqual(complete("c"));
      expect(yield* outcomeOf(next, chain, ids[3] ?? "")).toEqual(complete("d"));
      expect(statusIn(journals, ids[1] ?? "")).toBe("pending");
      const fresh = yield* submitted(next, chain, "e");
      expect(yield* outcomeOf(next, chain, fresh)).toEqual(complete("e"));
    }),
  );

  it.effect("leaves jobs of pipelines that this process does not run to others", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const [mine, other] = [chainOf(newScript(), {}, "mine"), chainOf(newScript(), {}, "other")];
      const both = yield* startProcess({ journals, pipelines: [mine, other], concurrency: 1 });
      yield* both.declareDead;
      const process = yield* startProcess({ journals, pipelines: [mine] });
      const jobId = yield* submitted(process, mine, "x");
      expect(yield* outcomeOf(process, mine, jobId)).toEqual({
        status: "complete",
        output: "x>first>second>third",
      });
    }),
  );

  it.effect("runs a job whose submit was refused although the store had applied it", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const { chain, counts, open } = countedChain();
      let isLying = false;
      const process = yield* startProcess({
        journals,
        pipelines: [chain],
        concurrency: 1,
        wrap: (store) => ({
          ...store,
          commit: (writes) => {
            const committed = store.commit(writes);
            return isLying && writes.some(({ type }) => type === "CreateJob")
              ? Effect.andThen(committed, Effect.fail(unclear))
              : committed;
          },
        }),
      });
      yield* submitted(process, chain, "a");
      yield* until("one runs", () => counts.now === 1);
      isLying = true;
      const refused = yield* within(Effect.flip(process.catena.submit(chain, "b")));
      expect(refused).toMatchObject({ _tag: "StoreFailure" });
      isLying = false;
      yield* TestClock.adjust("10 seconds");
      open();
      const ids = [...journals.files.keys()];
      expect(ids).toHaveLength(2);
      expect(yield* outcomeOf(process, chain, ids[1] ?? "")).toEqual(complete("b"));
      expect(counts.most).toBe(1);
    }),
  );

  it.effect("takes up to one job in each of two processes, and every job once", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript();
      const chain = chainOf(script);
      const options = {
        journals,
        pipelines: [chain],
        concurrency: 1,
        lookEvery: "50 millis",
      } as const;
      const one = yield* startProcess(options);
      const two = yield* startProcess(options);
      const ids = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, index) => `j${index}`),
        (input) => submitted(one, chain, input),
      );
      for (const [index, id] of ids.entries())
        expect(yield* outcomeOf(two, chain, id)).toEqual(complete(`j${index}`));
      expect(script.callsOf("first")).toHaveLength(30);
      const owners = ids.map(
        (id) => typesOf(journalOf(journals, id)).filter((type) => type === "Claimed").length,
      );
      expect(owners.every((count) => count === 1)).toBe(true);
    }),
  );
});

const brokenJournal = (jobId: string) =>
  new StoreFailure({
    operation: `read the journal of ${jobId}`,
    reason: "Broken",
    cause: new Error("planned by the test"),
  });

const unclear = new StoreFailure({
  operation: "commit",
  reason: "Io",
  cause: new Error("planned by the test"),
});
