/** The order of writing: advance, one transaction, adopt, then services; and what a fenced owner may still do. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Latch, Logger } from "effect";
import { TestClock } from "effect/testing";
import type { Observation } from "../../../src/index.ts";
import {
  type AppendEntries,
  StoreFailure,
  type Write,
} from "../../../src/runtime/journal-store.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { ProviderFailure, Retry } from "../../../src/index.ts";
import { chainOf, gatedWork, newScript } from "../support/chains.ts";
import { entryTypes, holds, makeGate } from "../support/gated-store.ts";
import {
  ask,
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

const appendsIn = (writes: ReadonlyArray<Write>): ReadonlyArray<AppendEntries> =>
  writes.filter((write) => write.type === "AppendEntries");

const complete = { status: "complete", output: "x>first>second>third" };

describe("the owner of a job", () => {
  it.effect("starts no step before the success of the one before it is committed", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript();
      const chain = chainOf(script);
      const gate = makeGate();
      const process = yield* startProcess({ journals, pipelines: [chain], wrap: gate.wrap });
      gate.hold(holds("StepSucceeded"));
      const jobId = yield* submitted(process, chain, "x");
      yield* until("the first result waits", () => gate.waiting() === 1);
      yield* turns;
      expect(script.calls).toEqual(["first x #1"]);
      expect(typesOf(journalOf(journals, jobId))).not.toContain("StepSucceeded first");
      expect((yield* process.catena.state(jobId)).record.currentStep).toBe("first");
      gate.open();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      expect(script.calls).toEqual(["first x #1", "second x>first #1", "third x>first>second #1"]);
    }),
  );

  it.effect("commits the start of a step that may not run again before it runs", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript();
      const chain = chainOf(script, { isRepeatable: false });
      const gate = makeGate();
      const process = yield* startProcess({ journals, pipelines: [chain], wrap: gate.wrap });
      gate.hold(holds("StepStarted"));
      const jobId = yield* submitted(process, chain, "x");
      yield* until("the start waits", () => gate.waiting() === 1);
      yield* turns;
      expect(script.calls).toEqual([]);
      gate.open();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("has one batch in flight and puts what comes meanwhile into the next", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ second: gatedWork("second").work });
      const chain = chainOf(script);
      const gate = makeGate();
      const process = yield* startProcess({ journals, pipelines: [chain], wrap: gate.wrap });
      gate.hold((writes) => appendsIn(writes).length > 0);
      const jobId = yield* submitted(process, chain, "x");
      yield* until("the first batch waits", () => gate.waiting() === 1);
      yield* Effect.forkChild(ask(process, jobId, "PauseRequested"));
      yield* turns;
      expect(gate.waiting()).toBe(1);
      gate.open();
      yield* until("both are written", () =>
        journalOf(journals, jobId).some(({ type }) => type === "PauseRequested"),
      );
      const seqs = journalOf(journals, jobId).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }),
  );

  it.effect("reads again what is said while it reads, without anybody's further word", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ second: gatedWork("second").work });
      const chain = chainOf(script);
      const reading = Latch.makeUnsafe(true);
      let reads = 0;
      const process = yield* startProcess({
        journals,
        pipelines: [chain],
        wrap: (store) => ({
          ...store,
          // The rows of one instant, on their way for a while.
          inbox: (jobId) =>
            Effect.tap(store.inbox(jobId), () => {
              reads += 1;
              return reading.await;
            }),
        }),
      });
      const jobId = yield* submitted(process, chain, "x");
      yield* until("the second step runs", () => script.callsOf("second").length === 1);
      reading.closeUnsafe();
      const before = reads;
      yield* ask(process, jobId, "PauseRequested");
      yield* until("it reads", () => reads > before);
      yield* ask(process, jobId, "CancelRequested");
      reading.openUnsafe();
      // The clock stands still: nothing but the job itself looks into its inbox.
      yield* until("it has heard both", () => statusIn(journals, jobId) === "cancelled");
      expect(typesOf(journalOf(journals, jobId)).slice(-2)).toEqual([
        "PauseRequested",
        "CancelRequested",
      ]);
    }),
  );

  it.effect("writes entries, record, timers and the consumed message in one transaction", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });
      const script = newScript({ first: () => Effect.fail(down) });
      const retry = Retry.fixed({ attempts: 2, delayMs: 60_000 });
      const chain = chainOf(script, { retry });
      const gate = makeGate();
      const process = yield* startProcess({ journals, pipelines: [chain], wrap: gate.wrap });
      const jobId = yield* submitted(process, chain, "x");
      yield* until("it backs off", () => entryTypesOf(gate).includes("AttemptFailed"));
      const backOff = appendOf(gate, "AttemptFailed");
      expect(backOff.timers).toEqual([{ path: "first", wakeAt: 60_000, delayMs: 60_000 }]);
      expect(backOff.record).toMatchObject({ status: "processing", detail: "backingOff" });
      yield* ask(process, jobId, "PauseRequested");
      yield* until("it is paused", () => entryTypesOf(gate).includes("PauseRequested"));
      const paused = appendOf(gate, "PauseRequested");
      expect(paused.consumed).toHaveLength(1);
      expect(paused.record.detail).toBe("paused");
      expect(paused.entries).toHaveLength(1);
      expect(paused.afterSeq).toBe(backOff.afterSeq + backOff.entries.length);
      expect(journals.unread.size).toBe(0);
    }),
  );

  it.effect("throws away what conflicts: nobody hears of it, and nothing starts", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript();
      const chain = chainOf(script);
      const gate = makeGate();
      const seen: Array<Observation> = [];
      const inspect = (observation: Observation) => seen.push(observation);
      const old = yield* startProcess({ journals, pipelines: [chain], wrap: gate.wrap, inspect });
      gate.hold(holds("StepSucceeded"));
      const jobId = yield* submitted(old, chain, "x");
      yield* until("the first result waits", () => gate.waiting() === 1);
      yield* old.declareDead;
      const script2 = newScript();
      const chain2 = chainOf(script2);
      const next = yield* startProcess({ journals, pipelines: [chain2] });
      expect(next.catena.engine.recovered).toBe(1);
      expect(yield* outcomeOf(next, chain2, jobId)).toEqual(complete);
      const written = journalOf(journals, jobId);
      gate.open();
      yield* turns;
      yield* TestClock.adjust("1 second");
      expect(gate.commits.at(-1)?.results).toEqual([{ type: "Conflict", over: "Job" }]);
      expect(journalOf(journals, jobId)).toEqual(written);
      expect(script.calls).toEqual(["first x #1"]);
      const heard = seen.flatMap(({ entries }) => entries.map(({ type }) => type));
      expect(heard).not.toContain("StepSucceeded");
      expect(old.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
    }),
  );

  it.effect("answers who waits at a fenced process with what the new owner made of the job", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const slow = gatedWork("second");
      const chain = chainOf(newScript({ second: slow.work }));
      // No look around finds the new owner in time: the fenced one says it.
      const old = yield* startProcess({ journals, pipelines: [chain], recoverEvery: "1 hour" });
      const jobId = yield* submitted(old, chain, "x");
      yield* until("it is at second", () => statusIn(journals, jobId) === "processing");
      const waiting = yield* Effect.forkChild(outcomeOf(old, chain, jobId));
      yield* turns;
      yield* old.declareDead;
      const chain2 = chainOf(newScript({ second: (input) => Effect.succeed(`${input}>other`) }));
      const next = yield* startProcess({ journals, pipelines: [chain2] });
      yield* outcomeOf(next, chain2, jobId);
      slow.open();
      yield* turns;
      expect(yield* within(Fiber.join(waiting))).toEqual({
        status: "complete",
        output: "x>first>other>third",
      });
    }),
  );

  it.effect("owns a job again that it had let go, before it goes on with it", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const fails = Latch.makeUnsafe(false);
      const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });
      const script = newScript({
        first: () => Effect.andThen(fails.await, Effect.fail(down)),
      });
      const chain = chainOf(script);
      const gate = makeGate();
      const reads = Latch.makeUnsafe(true);
      const old = yield* startProcess({
        journals,
        pipelines: [chain],
        wrap: (store) => ({
          ...gate.wrap(store),
          inbox: (jobId) => Effect.andThen(reads.await, store.inbox(jobId)),
        }),
      });
      const jobId = yield* submitted(old, chain, "x");
      gate.hold(holds("StepFailed"));
      fails.openUnsafe();
      yield* until("the failure waits", () => gate.waiting() === 1);
      // Something for the owner to read while it lets the job go, and a RETRY while it reads.
      old.catena.engine.jobs.nudge(jobId);
      reads.closeUnsafe();
      gate.open();
      yield* until("it has failed", () => statusIn(journals, jobId) === "failed");
      yield* turns;
      yield* ask(old, jobId, "RetryRequested");
      script.work["first"] = () => Effect.never;
      reads.openUnsafe();
      yield* until("it runs again", () => script.calls.length === 2);
      expect(journals.files.get(jobId)?.job.owner).toBe(old.catena.engine.owner);
      yield* old.die;
      const chain2 = chainOf(newScript());
      const next = yield* startProcess({ journals, pipelines: [chain2] });
      expect(next.catena.engine.recovered).toBe(1);
      expect(yield* outcomeOf(next, chain2, jobId)).toEqual(complete);
    }),
  );

  it.effect("goes on with a job that was another's meanwhile, also where nobody had told it", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const gates = { old: gatedWork("second"), next: gatedWork("second") };
      const script = newScript({ second: gates.old.work });
      const chain = chainOf(script);
      const old = yield* startProcess({ journals, pipelines: [chain] });
      const jobId = yield* submitted(old, chain, "x");
      yield* until("second runs", () => script.callsOf("second").length === 1);
      // Frozen, taken over, and awake again before it has anything to say.
      yield* old.declareDead;
      const chain2 = chainOf(newScript({ second: gates.next.work }));
      const next = yield* startProcess({ journals, pipelines: [chain2] });
      const ownerOf = () => journals.files.get(jobId)?.job.owner;
      expect(ownerOf()).toBe(next.catena.engine.owner);
      yield* next.die;
      yield* within(old.catena.engine.jobs.recover);
      expect(ownerOf()).toBe(old.catena.engine.owner);
      gates.old.open();
      expect(yield* outcomeOf(old, chain, jobId)).toEqual(complete);
      expect(old.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
    }),
  );

  it.effect("lets the services of a fenced job go: their signal is aborted", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const signals: Array<AbortSignal> = [];
      const script = newScript({
        first: (_, { signal }) => {
          signals.push(signal);
          return Effect.never;
        },
      });
      const chain = chainOf(script);
      const old = yield* startProcess({ journals, pipelines: [chain] });
      const jobId = yield* submitted(old, chain, "x");
      yield* until("first runs", () => signals.length === 1);
      yield* old.declareDead;
      const chain2 = chainOf(newScript());
      const next = yield* startProcess({ journals, pipelines: [chain2] });
      yield* outcomeOf(next, chain2, jobId);
      yield* Effect.exit(
        old.catena.engine.jobs.post(jobId, { type: "PauseRequested", by: "test" }),
      );
      yield* until("first is let go", () => signals[0]?.aborted === true);
    }),
  );

  it.effect("that a bug has ended keeps no slot, and is not woken to meet it again", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript();
      const chain = chainOf(script);
      const isBad = (write: Write) =>
        write.type === "AppendEntries" && JSON.stringify(write.entries).includes("bad>first");
      const process = yield* startProcess({
        journals,
        pipelines: [chain],
        concurrency: 1,
        wrap: (store) => ({
          ...store,
          commit: (writes) =>
            writes.some(isBad) ? Effect.die(new Error("no such write")) : store.commit(writes),
        }),
      });
      const lost = yield* submitted(process, chain, "bad");
      yield* until("it is lost", () => process.catena.engine.jobs.counts().running === 0);
      const jobId = yield* submitted(process, chain, "x");
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      yield* ask(process, lost, "CancelRequested");
      yield* TestClock.adjust("1 minute");
      expect(script.callsOf("first")).toEqual(["first bad #1", "first x #1"]);
      expect(statusIn(journals, lost)).toBe("processing");
    }).pipe(Effect.provide(Logger.layer([]))),
  );

  it.effect("that cannot make sense of its messages leaves them to the next process", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ first: (input) => (input === "x" ? Effect.never : done(input)) });
      const done = (input: string) => Effect.succeed(`${input}>first`);
      const chain = chainOf(script);
      const cause = new Error("a message of a version that is not known here");
      const broken = new StoreFailure({ operation: "read an inbox", reason: "Broken", cause });
      const process = yield* startProcess({
        journals,
        pipelines: [chain],
        concurrency: 1,
        wrap: (store) => ({
          ...store,
          inbox: (id) =>
            Effect.flatMap(store.inbox(id), (rows) =>
              rows.length === 0 ? Effect.succeed(rows) : Effect.fail(broken),
            ),
        }),
      });
      const jobId = yield* submitted(process, chain, "x");
      yield* until("first runs", () => script.calls.length === 1);
      yield* ask(process, jobId, "CancelRequested");
      const other = yield* submitted(process, chain, "y");
      expect(yield* outcomeOf(process, chain, other)).toMatchObject({ status: "complete" });
      expect(statusIn(journals, jobId)).toBe("processing");
      yield* process.stop;
      const next = yield* startProcess({ journals, pipelines: [chain] });
      expect(yield* outcomeOf(next, chain, jobId)).toEqual({ status: "cancelled" });
    }).pipe(Effect.provide(Logger.layer([]))),
  );
});

const entryTypesOf = (gate: ReturnType<typeof makeGate>) =>
  gate.commits.flatMap(({ writes, results }) => (results === undefined ? [] : entryTypes(writes)));

const appendOf = (gate: ReturnType<typeof makeGate>, type: string): AppendEntries => {
  const found = gate.commits
    .flatMap(({ writes }) => appendsIn(writes))
    .find(({ entries }) => entries.some((entry) => entry.type === type));
  if (found === undefined) throw new Error(`no append holds a ${type}`);
  return found;
};
