/**
 * A store in trouble, under a running Catena: who starts or submits hears a clear sentence, running jobs
 * hold their results and go on when there is room, and nothing is lost, run again or told wrongly.
 */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Latch } from "effect";
import { TestClock } from "effect/testing";
import { Catena, StoreFailure } from "../../src/index.ts";
import { MemoryJournals } from "../../src/runtime/journal-stores/memory.ts";
import { SqliteJournalStore } from "../../src/runtime/journal-stores/sqlite.ts";
import { AssetStoreFailure } from "../../src/steps/asset-store.ts";
import { MemoryAssets } from "../../src/steps/asset-stores/memory.ts";
import { temporaryFolder } from "./journal-stores/temporary-folder.ts";
import { chainOf, gatedWork, newScript } from "./support/chains.ts";
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
} from "./support/jobs-harness.ts";

const complete = { status: "complete", output: "x>first>second>third" };

const failureOf = (reason: StoreFailure["reason"], operation = "commit") =>
  new StoreFailure({ operation, reason, cause: new Error("planned by the test") });

const mute = Effect.fail(failureOf("Io", "read"));

/** A process whose store can be broken at will. */
const breakable = Effect.fnUntraced(function* (script = newScript()) {
  const journals = new MemoryJournals();
  const chain = chainOf(script);
  const broken: { reason: StoreFailure["reason"] | null; isLying: boolean; isMute: boolean } = {
    reason: null,
    isLying: false,
    isMute: false,
  };
  const process = yield* startProcess({
    journals,
    pipelines: [chain],
    wrap: (store) => ({
      ...store,
      commit: (writes) =>
        Effect.suspend(() => {
          if (broken.reason === null) return store.commit(writes);
          const failing = Effect.fail(failureOf(broken.reason));
          return broken.isLying ? Effect.andThen(store.commit(writes), failing) : failing;
        }),
      entries: (jobId) => Effect.suspend(() => (broken.isMute ? mute : store.entries(jobId))),
      entry: (jobId, seq) => Effect.suspend(() => (broken.isMute ? mute : store.entry(jobId, seq))),
      inbox: (jobId) => Effect.suspend(() => (broken.isMute ? mute : store.inbox(jobId))),
      timersOf: (owner) => Effect.suspend(() => (broken.isMute ? mute : store.timersOf(owner))),
    }),
  });
  return { journals, chain, broken, process };
});

describe("while the store takes no writes", () => {
  it.effect.each<StoreFailure["reason"]>(["Full", "Busy", "ReadOnly", "Io"])(
    "(%s) results are held, not run again, and readiness says why",
    (reason) =>
      Effect.gen(function* () {
        const first = gatedWork("first");
        const script = newScript({ first: first.work });
        const { journals, chain, broken, process } = yield* breakable(script);
        const jobId = yield* submitted(process, chain, "x");
        yield* until("first runs", () => script.calls.length === 1);
        broken.reason = reason;
        first.open();
        yield* TestClock.adjust("10 minutes");
        const readiness = process.catena.readiness();
        expect(readiness.isReady).toBe(false);
        expect(readiness.reasons[0]).toMatch(new RegExp(`could not commit \\(${reason}\\).*\\.$`));
        expect(statusIn(journals, jobId)).toBe("processing");
        expect(script.calls).toEqual(["first x #1"]);
        const refused = yield* within(Effect.flip(process.catena.submit(chain, "y")));
        expect(refused).toMatchObject({ _tag: "StoreFailure", reason });
        const tellRefused = yield* within(
          Effect.flip(process.catena.tell(jobId, { type: "CancelRequested", by: "test" })),
        );
        expect(tellRefused).toMatchObject({ _tag: "StoreFailure", reason });
        broken.reason = null;
        expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
        expect(process.catena.readiness()).toEqual({ isReady: true, reasons: [] });
        expect(script.calls).toHaveLength(3);
        expect(journals.files.size).toBe(1);
        const again = yield* submitted(process, chain, "x");
        expect(yield* outcomeOf(process, chain, again)).toEqual(complete);
      }),
  );

  it.effect("and applies them all the same, nothing is doubled and nobody is fenced", () =>
    Effect.gen(function* () {
      const first = gatedWork("first");
      const script = newScript({ first: first.work });
      const { journals, chain, broken, process } = yield* breakable(script);
      const jobId = yield* submitted(process, chain, "x");
      yield* until("first runs", () => script.calls.length === 1);
      broken.reason = "Io";
      broken.isLying = true;
      first.open();
      yield* TestClock.adjust("1 minute");
      broken.reason = null;
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      const types = typesOf(journalOf(journals, jobId));
      expect(types.filter((type) => type === "StepSucceeded first")).toHaveLength(1);
      expect(journalOf(journals, jobId).map(({ seq }) => seq)).toEqual(
        types.map((_, index) => index + 1),
      );
      expect(script.calls).toHaveLength(3);
    }),
  );

  it.effect("a job that was refused is not there afterwards", () =>
    Effect.gen(function* () {
      const { journals, chain, broken, process } = yield* breakable();
      broken.reason = "Full";
      const submits = Array.from({ length: 10 }, () =>
        Effect.flip(process.catena.submit(chain, "x")),
      );
      const refused = yield* within(Effect.all(submits, { concurrency: "unbounded" }));
      expect(refused.map(({ _tag }) => _tag)).toEqual(refused.map(() => "StoreFailure"));
      broken.reason = null;
      yield* TestClock.adjust("1 minute");
      expect(journals.files.size).toBe(0);
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
    }),
  );
});

describe("while the store cannot be read", () => {
  it.effect("a word to a job waits until it can be", () =>
    Effect.gen(function* () {
      const script = newScript({ first: () => Effect.never });
      const { chain, broken, process } = yield* breakable(script);
      const jobId = yield* submitted(process, chain, "x");
      yield* until("first runs", () => script.calls.length === 1);
      broken.isMute = true;
      yield* process.catena.tell(jobId, { type: "CancelRequested", by: "test" });
      yield* TestClock.adjust("1 minute");
      broken.isMute = false;
      expect(yield* outcomeOf(process, chain, jobId)).toEqual({ status: "cancelled" });
    }),
  );
});

describe("while the asset store takes nothing", () => {
  it.effect("a large result is held, not run again, and readiness says why", () =>
    Effect.gen(function* () {
      const big = "x".repeat(100_000);
      const script = newScript({ first: () => Effect.succeed(big) });
      const chain = chainOf(script);
      const memory = MemoryAssets.make();
      let isFull = true;
      const journals = new MemoryJournals();
      const process = yield* startProcess({
        journals,
        pipelines: [chain],
        assets: {
          ...memory,
          put: (stored) =>
            isFull
              ? Effect.fail(new AssetStoreFailure({ operation: "put", cause: new Error("ENOSPC") }))
              : memory.put(stored),
        },
      });
      const jobId = yield* submitted(process, chain, "x");
      yield* TestClock.adjust("1 hour");
      expect(statusIn(journals, jobId)).toBe("processing");
      const { isReady, reasons } = process.catena.readiness();
      expect(isReady).toBe(false);
      expect(reasons[0]).toMatch(/ENOSPC/);
      const refused = yield* within(Effect.flip(process.catena.submit(chain, big)));
      expect(refused).toMatchObject({ _tag: "AssetStoreFailure" });
      isFull = false;
      expect(yield* outcomeOf(process, chain, jobId)).toEqual({
        status: "complete",
        output: `${big}>second>third`,
      });
      expect(script.callsOf("first")).toHaveLength(1);
      expect(process.catena.readiness().isReady).toBe(true);
    }),
  );
});

describe("on a SQLite file", () => {
  it.live("that is full, jobs wait and go on when there is room", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "full.db");
      const script = newScript();
      const text = "y".repeat(20_000);
      const gate = Latch.makeUnsafe(false);
      script.work["first"] = () => Effect.as(gate.await, text);
      const chain = chainOf(script);
      const waiting = yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteJournalStore.make({
            path,
            maxPages: 60,
            synchronous: "NORMAL",
          });
          const catena = yield* Effect.promise(() => Catena.start({ pipelines: [chain], store }));
          yield* Effect.addFinalizer(() => Effect.promise(() => catena.stop()));
          const jobs = yield* Effect.promise(() =>
            Promise.all(Array.from({ length: 40 }, () => catena.submit(chain, "x"))),
          );
          gate.openUnsafe();
          yield* untilLive(() => !catena.readiness().isReady);
          expect(catena.readiness().reasons[0]).toMatch(/\(Full\).*Free some space/);
          yield* untilLive(() => script.callsOf("first").length === 40);
          return jobs.map(({ id }) => id);
        }),
      );
      // The next process has a larger disk.
      const after = yield* Effect.promise(() =>
        Catena.start({
          pipelines: [chain],
          store: path,
          durability: "normal",
          lookEvery: "5 millis",
        }),
      );
      const outcomes = yield* Effect.promise(async () => {
        const jobs = await Promise.all(waiting.map((id) => after.job(chain, id)));
        const ended = await Promise.all(jobs.map((job) => job.outcome()));
        await after.stop();
        return ended;
      });
      expect(outcomes).toHaveLength(40);
      expect(outcomes.every(({ status }) => status === "complete")).toBe(true);
    }),
  );

  it.live("that is moved away under a running process, nothing is taken that would be lost", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "moved.db");
      const chain = chainOf(newScript());
      yield* Effect.promise(async () => {
        await using catena = await Catena.start({
          pipelines: [chain],
          store: path,
          durability: "normal",
          lookEvery: "1 millis",
        });
        const before = await catena.submit(chain, "x");
        expect(await before.outcome()).toEqual(complete);
        renameSync(path, `${path}.away`);
        /** What the first submit says that comes to an end like this. */
        const answer = async (isAwaited: (said: unknown) => boolean) => {
          while (true) {
            const said: unknown = await catena.submit(chain, "y").catch((error: unknown) => error);
            if (isAwaited(said)) return said;
            // Time for the look that notices it.
            await new Promise(setImmediate);
          }
        };
        const refused = await answer((said) => said instanceof StoreFailure);
        expect(String(refused)).toMatch(/moved\.db was deleted or moved away .*put it back/);
        expect(catena.readiness().isReady).toBe(false);
        writeFileSync(path, "");
        await expect(catena.submit(chain, "y")).rejects.toThrow(StoreFailure);
        renameSync(`${path}.away`, path);
        await answer((said) => !(said instanceof StoreFailure));
        expect(catena.readiness()).toEqual({ isReady: true, reasons: [] });
      });
    }),
  );

  it.live("that cannot be used, the start says what to do", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const chain = chainOf(newScript());
      const refused = (store: string) =>
        Effect.promise(() =>
          Catena.start({ pipelines: [chain], store }).then(
            () => "it started",
            (error: unknown) => String(error),
          ),
        );
      const garbage = join(folder, "garbage.db");
      writeFileSync(garbage, "no database at all, but long enough to be looked at".repeat(40));
      expect(yield* refused(garbage)).toMatch(/Broken.*Restore the file from a copy/);
      expect(yield* refused(join(folder, "missing", "x.db"))).toMatch(/could not open .*missing/);
      expect(yield* refused(folder)).toMatch(/could not open/);
      const readOnly = join(folder, "read-only");
      mkdirSync(readOnly);
      chmodSync(readOnly, 0o555);
      if (process.getuid?.() !== 0)
        expect(yield* refused(join(readOnly, "x.db"))).toMatch(/could not open/);
      chmodSync(readOnly, 0o755);
    }),
  );
});

const untilLive = (claim: () => boolean) =>
  Effect.promise(async () => {
    const endsAt = performance.now() + 8_000;
    while (!claim() && performance.now() < endsAt) await new Promise(setImmediate);
    expect(claim()).toBe(true);
  });

describe("while a commit takes its time", () => {
  /** A process whose store has applied a batch, and answers only when the latch is open. */
  const slow = Effect.fnUntraced(function* (work: Parameters<typeof newScript>[0] = {}) {
    const journals = new MemoryJournals();
    const script = newScript(work);
    const chain = chainOf(script);
    const answers = yield* Latch.make(true);
    const process = yield* startProcess({
      journals,
      pipelines: [chain],
      wrap: (store) => ({
        ...store,
        commit: (writes) => Effect.tap(store.commit(writes), () => answers.await),
      }),
    });
    return { journals, script, chain, answers, process };
  });

  it.effect("a job whose submitter goes away meanwhile runs all the same", () =>
    Effect.gen(function* () {
      const { journals, chain, answers, process } = yield* slow();
      answers.closeUnsafe();
      const submitter = yield* Effect.forkChild(process.catena.submit(chain, "x"));
      yield* until("the job is written", () => journals.files.size === 1);
      yield* Fiber.interrupt(submitter);
      answers.openUnsafe();
      const [jobId = "none"] = journals.files.keys();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("a message whose sender goes away meanwhile is read all the same", () =>
    Effect.gen(function* () {
      const first = gatedWork("first");
      const { journals, script, chain, answers, process } = yield* slow({ first: first.work });
      const jobId = yield* submitted(process, chain, "x");
      yield* until("first runs", () => script.calls.length === 1);
      yield* turns;
      answers.closeUnsafe();
      const sender = yield* Effect.forkChild(ask(process, jobId, "CancelRequested"));
      yield* until(
        "the message is written",
        () => (journals.files.get(jobId)?.inbox.size ?? 0) > 0,
      );
      yield* Fiber.interrupt(sender);
      answers.openUnsafe();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual({ status: "cancelled" });
    }),
  );
});
