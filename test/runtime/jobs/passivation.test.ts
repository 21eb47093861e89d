/** Jobs that only wait are rows and no memory; they wake by their timer or by a word, whatever the clock does. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Duration, Effect, Latch } from "effect";
import { TestClock } from "effect/testing";
import { ProviderFailure, Retry } from "../../../src/index.ts";
import { StoreFailure } from "../../../src/runtime/journal-store.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { SleepingTimers } from "../../../src/runtime/jobs/sleeping-timers.ts";
import { chainOf, gatedWork, newScript, type Script } from "../support/chains.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { asking, makeWorld, processIn } from "../support/ledger-harness.ts";
import {
  ask,
  asked,
  outcomeOf,
  startProcess,
  statusIn,
  submitted,
  turns,
  typesOf,
  journalOf,
  until,
} from "../support/jobs-harness.ts";

const hour = 3_600_000;
const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });
const complete = { status: "complete", output: "x>first>second>third" };
const retry = Retry.fixed({ attempts: 2, delayMs: hour });
const settings = { passivateAfter: "1 second", recoverEvery: "1 second" } as const;

/** Fails its first attempt and then waits an hour. */
const waitingScript = (): Script => {
  const script = newScript();
  script.work["first"] = (input, { attempt }) =>
    attempt === 1 ? Effect.fail(down) : Effect.succeed(`${input}>first`);
  return script;
};

const asleep = Effect.fnUntraced(function* (
  options: Partial<Parameters<typeof startProcess>[0]> = {},
  clock?: Clock.Clock,
) {
  const journals = new MemoryJournals();
  const script = waitingScript();
  const chain = chainOf(script, { retry });
  const process = yield* Effect.provideService(
    startProcess({ ...settings, journals, pipelines: [chain], ...options }),
    Clock.Clock,
    clock ?? (yield* Clock.Clock),
  );
  const jobId = yield* submitted(process, chain, "x");
  yield* until("it backs off", () =>
    typesOf(journalOf(journals, jobId)).includes("AttemptFailed first"),
  );
  yield* TestClock.adjust("10 seconds");
  return { journals, script, chain, process, jobId };
});

/** The look that unloads it begins in this turn of the loop; the word comes so many turns later. */
const toldWhileLeaving = Effect.fnUntraced(function* (
  process: Effect.Success<ReturnType<typeof startProcess>>,
  jobId: string,
  { turn, word }: { readonly turn: number; readonly word: "CancelRequested" | "ResumeRequested" },
) {
  const leaving = yield* Effect.forkChild(TestClock.adjust("3 seconds"), {
    startImmediately: true,
  });
  for (let one = 0; one < turn; one += 1) yield* Effect.yieldNow;
  yield* process.catena.engine.jobs.post(jobId, asked(word));
  yield* turns;
  yield* TestClock.adjust("1 second");
  leaving.interruptUnsafe();
});

describe("a job that waits for an hour", () => {
  it.effect("leaves memory, and its row says what it waits for", () =>
    Effect.gen(function* () {
      const { process, jobId } = yield* asleep();
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
      const { record } = yield* process.catena.state(jobId);
      expect(record).toMatchObject({ status: "processing", detail: "backingOff" });
      expect(record.waiting).toEqual({
        waitingFor: "the next try of first",
        next: "attempt 2",
        since: 0,
        until: hour,
      });
    }),
  );

  it.effect("wakes by its timer, not earlier, and goes on", () =>
    Effect.gen(function* () {
      const { process, chain, jobId, script } = yield* asleep();
      yield* TestClock.setTime(hour - 1);
      expect(script.callsOf("first")).toHaveLength(1);
      yield* TestClock.adjust("1 second");
      yield* turns;
      expect(script.callsOf("first")).toHaveLength(2);
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("gives its slot to others while it sleeps", () =>
    Effect.gen(function* () {
      const { process, chain } = yield* asleep({ concurrency: 1 });
      const next = yield* submitted(process, chain, "y");
      yield* TestClock.adjust("1 second");
      expect((yield* process.catena.state(next)).record.status).toBe("processing");
    }),
  );

  it.effect("hears a word in its sleep", () =>
    Effect.gen(function* () {
      const { process, chain, jobId } = yield* asleep();
      yield* ask(process, jobId, "CancelRequested");
      expect(yield* outcomeOf(process, chain, jobId)).toEqual({ status: "cancelled" });
    }),
  );

  it.effect("hears a word of another process, and of two at once", () =>
    Effect.gen(function* () {
      const { journals, chain, jobId, process } = yield* asleep();
      const other = yield* startProcess({ ...settings, journals, pipelines: [chain] });
      yield* Effect.all(
        [ask(other, jobId, "PauseRequested"), ask(process, jobId, "CancelRequested")],
        {
          concurrency: "unbounded",
        },
      );
      expect(yield* outcomeOf(other, chain, jobId)).toEqual({ status: "cancelled" });
      expect(journals.unread.size).toBe(0);
    }),
  );

  it.effect("hears a word that comes in any turn of its leaving", () =>
    Effect.gen(function* () {
      for (let turn = 0; turn < 30; turn += 1) {
        const journals = new MemoryJournals();
        const chain = chainOf(waitingScript(), { retry });
        const process = yield* startProcess({ ...settings, journals, pipelines: [chain] });
        const jobId = yield* submitted(process, chain, "x");
        yield* until("it backs off", () =>
          typesOf(journalOf(journals, jobId)).includes("AttemptFailed first"),
        );
        yield* toldWhileLeaving(process, jobId, { turn, word: "CancelRequested" });
        expect(statusIn(journals, jobId), `after ${turn} turns`).toBe("cancelled");
        yield* process.stop;
      }
    }),
  );

  it.effect("that another process took over meanwhile is still told of where somebody waits", () =>
    Effect.gen(function* () {
      const { journals, process, chain, jobId } = yield* asleep({ passivateAfter: "1 minute" });
      const waiting = yield* Effect.forkChild(process.catena.outcome(chain, jobId));
      yield* TestClock.adjust("2 minutes");
      expect(process.catena.engine.jobs.counts().resident).toBe(0);
      yield* process.declareDead;
      const next = yield* startProcess({ ...settings, journals, pipelines: [chain] });
      yield* ask(next, jobId, "CancelRequested");
      expect(yield* outcomeOf(next, chain, jobId)).toEqual({ status: "cancelled" });
      yield* TestClock.adjust("10 seconds");
      yield* turns;
      expect(waiting.pollUnsafe()).toMatchObject({
        _tag: "Success",
        value: { status: "cancelled" },
      });
    }),
  );

  it.effect("wakes on time after a restart, waiting only what is left", () =>
    Effect.gen(function* () {
      const { journals, script, process, chain, jobId } = yield* asleep();
      yield* process.die;
      yield* TestClock.setTime(hour / 2);
      const next = yield* startProcess({ ...settings, journals, pipelines: [chain] });
      yield* TestClock.setTime(hour - 1_000);
      expect(script.callsOf("first")).toHaveLength(1);
      yield* TestClock.adjust("2 seconds");
      expect(yield* outcomeOf(next, chain, jobId)).toEqual(complete);
      expect(script.callsOf("first")).toEqual(["first x #1", "first x #2"]);
    }),
  );

  it.effect("wakes although its timers could not be read when it fell asleep", () =>
    Effect.gen(function* () {
      let isMute = true;
      const unreadable = new StoreFailure({
        operation: "read timers",
        reason: "Busy",
        cause: new Error("planned by the test"),
      });
      const { process, chain, jobId } = yield* asleep({
        wrap: (store) => ({
          ...store,
          timersOf: (owner) =>
            Effect.suspend(() => (isMute ? Effect.fail(unreadable) : store.timersOf(owner))),
        }),
      });
      isMute = false;
      yield* TestClock.setTime(hour + 1_000);
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );
});

/** The clock, off by so much, with another sleep. */
const clockOver = (
  clock: Clock.Clock,
  { offMs, sleep }: { readonly offMs: () => number } & Pick<Clock.Clock, "sleep">,
): Clock.Clock => {
  const millis = () => clock.currentTimeMillisUnsafe() + offMs();
  const nanos = () => BigInt(millis()) * 1_000_000n;
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep,
  };
};

describe("a job that is leaving memory", () => {
  it.effect("hears what it is told before it has left", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock;
      const leaving = Latch.makeUnsafe(false);
      let isLeaving = false;
      const held = Effect.suspend(() => {
        isLeaving = true;
        return leaving.await;
      });
      // Whoever waits an hour takes its time to let go of that.
      const slow = clockOver(clock, {
        offMs: () => 0,
        sleep: (duration) =>
          Duration.toMillis(duration) === hour
            ? Effect.onInterrupt(clock.sleep(duration), () => held)
            : clock.sleep(duration),
      });
      const { process, chain, journals, jobId } = yield* asleep({}, slow);
      yield* until("it leaves", () => isLeaving);
      expect(process.catena.engine.jobs.counts().resident).toBe(1);
      yield* ask(process, jobId, "CancelRequested");
      leaving.openUnsafe();
      // No look around helps it: the clock stands still.
      yield* until("it hears", () => statusIn(journals, jobId) === "cancelled");
      expect(yield* outcomeOf(process, chain, jobId)).toEqual({ status: "cancelled" });
    }),
  );
});

describe("a paused job", () => {
  const pausedBetweenSteps = Effect.fnUntraced(function* () {
    const journals = new MemoryJournals();
    const gated = gatedWork("first");
    const script = newScript({ first: gated.work });
    const chain = chainOf(script);
    const process = yield* startProcess({
      ...settings,
      journals,
      pipelines: [chain],
      concurrency: 1,
    });
    const jobId = yield* submitted(process, chain, "x");
    yield* until("first runs", () => script.calls.length === 1);
    yield* ask(process, jobId, "PauseRequested");
    gated.open();
    yield* until("first is done", () =>
      typesOf(journalOf(journals, jobId)).includes("StepSucceeded first"),
    );
    yield* TestClock.adjust("5 seconds");
    return { journals, script, chain, process, jobId };
  });

  it.effect("between two steps gives its slot to others, and goes on when it is resumed", () =>
    Effect.gen(function* () {
      const { process, script, chain, jobId } = yield* pausedBetweenSteps();
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
      const next = yield* submitted(process, chain, "x");
      expect(yield* outcomeOf(process, chain, next)).toEqual(complete);
      expect((yield* process.catena.state(jobId)).record.detail).toBe("paused");
      yield* ask(process, jobId, "ResumeRequested");
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      expect(script.calls).toHaveLength(6);
    }),
  );

  it.effect("hears a cancel in its sleep", () =>
    Effect.gen(function* () {
      const { process, chain, jobId } = yield* pausedBetweenSteps();
      yield* ask(process, jobId, "CancelRequested");
      expect(yield* outcomeOf(process, chain, jobId)).toEqual({ status: "cancelled" });
    }),
  );

  it.effect("goes on whichever turn of its leaving the resume comes in", () =>
    Effect.gen(function* () {
      for (let turn = 0; turn < 30; turn += 1) {
        const journals = new MemoryJournals();
        const gated = gatedWork("first");
        const script = newScript({ first: gated.work });
        const chain = chainOf(script);
        const process = yield* startProcess({ ...settings, journals, pipelines: [chain] });
        const jobId = yield* submitted(process, chain, "x");
        yield* until("first runs", () => script.calls.length === 1);
        yield* ask(process, jobId, "PauseRequested");
        gated.open();
        yield* toldWhileLeaving(process, jobId, { turn, word: "ResumeRequested" });
        expect(statusIn(journals, jobId), `after ${turn} turns`).toBe("complete");
        yield* process.stop;
      }
    }),
  );

  it.effect("that is resumed while it is told to leave goes on", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const gated = gatedWork("first");
      const chain = chainOf(newScript({ first: gated.work }));
      const letters = Latch.makeUnsafe(true);
      const process = yield* startProcess({
        ...settings,
        journals,
        pipelines: [chain],
        wrap: (store) => ({
          ...store,
          inbox: (id) => Effect.andThen(letters.await, store.inbox(id)),
        }),
      });
      const jobId = yield* submitted(process, chain, "x");
      yield* ask(process, jobId, "PauseRequested");
      gated.open();
      yield* turns;
      letters.closeUnsafe();
      yield* ask(process, jobId, "ResumeRequested");
      // The resume is being read when the look that unloads the job begins.
      yield* TestClock.adjust("3 seconds");
      letters.openUnsafe();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("stays in memory while the function of its step runs", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const gated = gatedWork("first");
      const script = newScript({ first: gated.work });
      const chain = chainOf(script);
      const process = yield* startProcess({ ...settings, journals, pipelines: [chain] });
      const jobId = yield* submitted(process, chain, "x");
      yield* until("first runs", () => script.calls.length === 1);
      yield* ask(process, jobId, "PauseRequested");
      yield* TestClock.adjust("10 seconds");
      expect(process.catena.engine.jobs.counts().running).toBe(1);
      yield* ask(process, jobId, "ResumeRequested");
      gated.open();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      expect(script.callsOf("first")).toHaveLength(1);
    }),
  );

  it.effect("is not loaded again for a next attempt that is due while it is paused", () =>
    Effect.gen(function* () {
      let loads = 0;
      const { process, script, chain, jobId } = yield* asleep({
        wrap: (store) => ({
          ...store,
          entries: (id) =>
            Effect.suspend(() => {
              loads += 1;
              return store.entries(id);
            }),
        }),
      });
      yield* ask(process, jobId, "PauseRequested");
      yield* TestClock.adjust("10 seconds");
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
      const before = loads;
      yield* TestClock.setTime(2 * hour);
      yield* turns;
      expect(loads).toBe(before);
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
      expect(script.callsOf("first")).toHaveLength(1);
      yield* ask(process, jobId, "ResumeRequested");
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );
});

describe("a job that waits for a model", () => {
  it.effect("does not leave with the answer in its hands, told to leave while it read it", () =>
    Effect.gen(function* () {
      const output = JSON.stringify({ text: "x".repeat(100_000) });
      const end = { status: "succeeded", output } as const;
      const provider = new FakeProvider({ fateOf: () => ({ runMs: 50_000, end }) });
      const world = yield* makeWorld(provider);
      const [letters, files] = [Latch.makeUnsafe(true), Latch.makeUnsafe(true)];
      const assets: typeof world.assets = {
        ...world.assets,
        get: (reference) => Effect.andThen(files.await, world.assets.get(reference)),
      };
      const pipeline = asking({ timeout: "1 hour" });
      const process = yield* processIn(
        { ...world, assets },
        [pipeline],
        { passivateAfter: "60 seconds", recoverEvery: "1 second" },
        (store) => ({ ...store, inbox: (id) => Effect.andThen(letters.await, store.inbox(id)) }),
      );
      const jobId = yield* submitted(process, pipeline, "x");
      yield* TestClock.adjust("40 seconds");
      yield* turns;
      letters.closeUnsafe();
      files.closeUnsafe();
      yield* TestClock.adjust("60 seconds");
      yield* turns;
      letters.openUnsafe();
      yield* turns;
      files.openUnsafe();
      expect(yield* outcomeOf(process, pipeline, jobId)).toMatchObject({ status: "complete" });
    }),
  );
});

describe("a clock that jumps", () => {
  /** The test clock, with a wall that can be moved against it. */
  const jumpingClock = Effect.gen(function* () {
    const clock = yield* Clock.Clock;
    const wall = { offMs: 0 };
    const offMs = () => wall.offMs;
    const jumping = clockOver(clock, { offMs, sleep: (duration) => clock.sleep(duration) });
    return { wall, jumping };
  });

  const scenario = Effect.fnUntraced(function* (
    offMs: number,
    options: { readonly inMemory: boolean },
  ) {
    const { wall, jumping } = yield* jumpingClock;
    const startedAt = yield* Clock.currentTimeMillis;
    wall.offMs = 100 * hour;
    const { process, script, chain, jobId } = yield* asleep(
      options.inMemory ? { passivateAfter: "2 hours" } : {},
      jumping,
    );
    expect(process.catena.engine.jobs.counts().resident).toBe(options.inMemory ? 1 : 0);
    wall.offMs += offMs;
    let waited = 0;
    while (script.callsOf("first").length < 2 && waited < 10 * hour) {
      yield* TestClock.adjust("1 minute");
      yield* turns;
      waited = (yield* Clock.currentTimeMillis) - startedAt;
    }
    expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    return waited;
  });

  it.effect("back by two days makes a job in memory wait no longer", () =>
    Effect.gen(function* () {
      expect(yield* scenario(-48 * hour, { inMemory: true })).toBeLessThan(hour + 120_000);
    }),
  );

  it.effect("back by a year keeps no paused job in memory", () =>
    Effect.gen(function* () {
      const { wall, jumping } = yield* jumpingClock;
      wall.offMs = 10_000 * hour;
      const { process, jobId } = yield* asleep({ passivateAfter: "2 hours" }, jumping);
      yield* ask(process, jobId, "PauseRequested");
      yield* turns;
      wall.offMs = 1_000 * hour;
      expect(process.catena.engine.jobs.counts().running).toBe(1);
      yield* TestClock.adjust("3 seconds");
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
    }),
  );

  it.effect("back by two days makes a sleeping job wait its delay once more at most", () =>
    Effect.gen(function* () {
      expect(yield* scenario(-48 * hour, { inMemory: false })).toBeLessThan(2 * hour + 120_000);
    }),
  );

  it.effect("forward by two days wakes a sleeping job within two minutes", () =>
    Effect.gen(function* () {
      expect(yield* scenario(48 * hour, { inMemory: false })).toBeLessThan(180_000);
    }),
  );

  it("never makes a sleeping timer due later than its delay after it was first seen", () => {
    const sleeping = new SleepingTimers();
    const timer = { jobId: "a", path: "p", wakeAt: 10_000, delayMs: 5_000 };
    expect(sleeping.look([timer], { now: 6_000, running: 0 })).toEqual({ due: [], nextMs: 4_000 });
    expect(sleeping.look([timer], { now: -90_000, running: 1_000 })).toEqual({
      due: [],
      nextMs: 3_000,
    });
    expect(sleeping.look([timer], { now: -86_000, running: 4_000 })).toEqual({
      due: ["a"],
      nextMs: null,
    });
    expect(sleeping.look([timer], { now: 20_000, running: 4_000 })).toEqual({
      due: ["a"],
      nextMs: null,
    });
    const other = { ...timer, wakeAt: 30_000 };
    expect(sleeping.look([other], { now: 20_000, running: 4_000 })).toEqual({
      due: [],
      nextMs: 5_000,
    });
  });

  it("is looked at once a minute, so that a jump forward is noticed", () => {
    const timer = { jobId: "a", path: "p", wakeAt: 24 * hour, delayMs: 24 * hour };
    const { nextMs } = new SleepingTimers().look([timer], { now: 0, running: 0 });
    expect(nextMs).toBe(60_000);
  });
});
