/** A job that waits for somebody's word: nothing of it is in memory, nothing that was sent is lost or taken twice. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit, Latch, Schema } from "effect";
import { TestClock } from "effect/testing";
import {
  JobUnavailable,
  Pipeline,
  PolicyFailure,
  Step,
  TimeoutFailure,
  ValidationFailure,
} from "../../src/index.ts";
import { MemoryJournals } from "../../src/runtime/journal-stores/memory.ts";
import {
  ask,
  journalOf,
  outcomeOf,
  type Process,
  startProcess,
  statusIn,
  submitted,
  turns,
  typesOf,
  until,
} from "./support/jobs-harness.ts";

const day = 86_400_000;
const Draft = Schema.Struct({ text: Schema.String });
const Decision = Schema.Struct({ price: Schema.Int, notes: Schema.Array(Schema.String) });

const write = Step.make("write", {
  input: Schema.String,
  output: Draft,
  run: (topic) => ({ text: `about ${topic}` }),
});
const pricing = Step.signal("pricing", { input: Draft, output: Decision, timeout: "3 days" });
const publish = Step.make("publish", {
  input: Decision,
  output: Schema.String,
  run: ({ price, notes }) => `${price} ${notes.join()}`,
});
const shop = Pipeline.make("shop", { version: 1, input: Schema.String })
  .step(write)
  .step(pricing)
  .step(publish)
  .output(Schema.String, ({ outputs }) => `${outputs.write.text} at ${outputs.publish}`);

const value = { price: 5, notes: ["a", "b"] };
const complete = { status: "complete", output: "about tea at 5 a,b" };
const settings = { recoverEvery: "1 second", lookEvery: "1 second" } as const;

const started = Effect.fnUntraced(function* (
  journals = new MemoryJournals(),
  options: Partial<Parameters<typeof startProcess>[0]> = {},
) {
  return yield* startProcess({ ...settings, journals, pipelines: [shop], ...options });
});

const waiting = Effect.fnUntraced(function* (options: Parameters<typeof started>[1] = {}) {
  const journals = new MemoryJournals();
  const process = yield* started(journals, options);
  const jobId = yield* submitted(process, shop, "tea");
  yield* until("it waits", () => journalTypes(journals, jobId).includes("SignalAwaited pricing"));
  yield* turns;
  return { journals, process, jobId };
});

const journalTypes = (journals: MemoryJournals, jobId: string) =>
  typesOf(journalOf(journals, jobId));

const send = (process: Process, jobId: string, sent: unknown = value, idempotencyKey?: string) =>
  process.catena.signal(shop, jobId, {
    name: "pricing",
    // What JavaScript callers may send.
    value: sent as never,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });

describe("a job that waits for a signal", () => {
  it.effect("says so in its row, and leaves memory and its slot at once", () =>
    Effect.gen(function* () {
      const { process, jobId } = yield* waiting();
      const { record } = yield* process.catena.state(jobId);
      expect(record).toMatchObject({ status: "processing", detail: "waiting", attempt: 0 });
      expect(record.currentStep).toBe("pricing");
      expect(record.waiting).toEqual({
        waitingFor: "signal pricing",
        next: "what is sent is its output",
        since: 0,
        until: 3 * day,
      });
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 0, running: 0 });
    }),
  );

  it.effect("goes on with what was sent as the step's output", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting();
      expect(yield* send(process, jobId)).toEqual({ isNew: true });
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
      expect(journalTypes(journals, jobId).slice(4)).toEqual([
        "StepSucceeded write",
        "SignalAwaited pricing",
        "SignalReceived pricing",
        "StepSucceeded pricing",
        "StepStarted publish",
        "StepSucceeded publish",
        "JobCompleted",
      ]);
    }),
  );

  it.effect("refuses a wrong value to its sender, with every path, and waits on", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting();
      const failure = yield* Effect.flip(send(process, jobId, { price: 1.5, notes: ["a", 7] }));
      expect(failure).toBeInstanceOf(ValidationFailure);
      expect(failure).toMatchObject({
        at: "signal",
        issues: [{ path: "price" }, { path: "notes.1" }],
      });
      expect(journalTypes(journals, jobId).at(-1)).toBe("SignalAwaited pricing");
      yield* send(process, jobId);
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
    }),
  );

  it.effect("answers an equal one as received, and refuses another", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting();
      yield* send(process, jobId);
      expect(yield* send(process, jobId)).toEqual({ isNew: false });
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
      expect(yield* send(process, jobId)).toEqual({ isNew: false });
      const failure = yield* Effect.flip(send(process, jobId, { price: 6, notes: [] }));
      expect(failure).toBeInstanceOf(JobUnavailable);
      expect(failure.message).toContain(
        "its signal pricing was received already, with another value",
      );
      expect(
        journalTypes(journals, jobId).filter((type) => type === "SignalReceived pricing"),
      ).toHaveLength(1);
    }),
  );

  it.effect("takes one of many that are sent at once, and tells the others", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting();
      const other = yield* started(journals);
      const exits = yield* Effect.forEach(
        [1, 2, 3, 4],
        (price) =>
          Effect.exit(send(price % 2 === 0 ? other : process, jobId, { price, notes: [] })),
        { concurrency: "unbounded" },
      );
      expect(exits.filter(Exit.isSuccess)).toHaveLength(1);
      const taken = exits.findIndex(Exit.isSuccess) + 1;
      expect(yield* outcomeOf(process, shop, jobId)).toEqual({
        status: "complete",
        output: `about tea at ${taken} `,
      });
    }),
  );

  it.effect("has no other signal, and no other pipeline's", () =>
    Effect.gen(function* () {
      const { process, jobId } = yield* waiting();
      const none = { name: "prizing" as never, value: value as never };
      const unknown = process.catena.signal(shop, jobId, none);
      expect((yield* Effect.flip(unknown)).message).toContain(
        'the pipeline shop@1 has no signal "prizing"; it has pricing',
      );
      const missing = yield* Effect.flip(send(process, "no-such-job"));
      expect(missing.message).toContain("this store has no such job");
    }),
  );

  it.effect("is ended by a cancel, and takes no signal then", () =>
    Effect.gen(function* () {
      const { process, jobId } = yield* waiting();
      yield* ask(process, jobId, "CancelRequested");
      expect(yield* outcomeOf(process, shop, jobId)).toEqual({ status: "cancelled" });
      expect((yield* Effect.flip(send(process, jobId))).message).toContain("it is cancelled");
    }),
  );

  it.effect("journals a signal in a pause, and holds the next step until the resume", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting();
      yield* ask(process, jobId, "PauseRequested");
      yield* until("it is paused", () => journalTypes(journals, jobId).includes("PauseRequested"));
      yield* send(process, jobId);
      yield* until("it is taken", () =>
        journalTypes(journals, jobId).includes("StepSucceeded pricing"),
      );
      yield* TestClock.adjust("1 minute");
      expect(journalTypes(journals, jobId)).not.toContain("StepStarted publish");
      yield* ask(process, jobId, "ResumeRequested");
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
    }),
  );

  it.effect("is no poison, however often its process dies", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting();
      let alive = process;
      for (let deaths = 0; deaths < 5; deaths += 1) {
        yield* alive.die;
        alive = yield* started(journals);
        expect(alive.catena.engine.recovered).toBe(1);
        yield* turns;
      }
      yield* send(alive, jobId);
      expect(yield* outcomeOf(alive, shop, jobId)).toEqual(complete);
    }),
  );
});

describe("a signal that comes before its step", () => {
  it.effect("is kept and used when the step is reached", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const process = yield* started(journals, { concurrency: 1 });
      const first = yield* submitted(process, shop, "first");
      yield* until("it waits", () => journalTypes(journals, first).length > 5);
      // Nobody starts it, so that it stays in the queue.
      process.catena.engine.jobs.setIntake("none");
      const jobId = yield* submitted(process, shop, "tea");
      expect(yield* send(process, jobId)).toEqual({ isNew: true });
      expect(yield* send(process, jobId)).toEqual({ isNew: false });
      yield* TestClock.adjust("5 seconds");
      expect(statusIn(journals, jobId)).toBe("pending");
      process.catena.engine.jobs.setIntake("any");
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
    }),
  );
});

/** Days pass faster where nobody looks around every second. */
const rarely = { recoverEvery: "1 hour", lookEvery: "1 hour" } as const;

describe("a signal that does not come in time", () => {
  it.effect("fails the step, and RETRY waits for it again", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting(rarely);
      yield* TestClock.adjust("3 days");
      expect(yield* outcomeOf(process, shop, jobId)).toEqual({
        status: "failed",
        step: "pricing",
        kind: "timeout",
        failure: new TimeoutFailure({ timeoutMs: 3 * day, awaited: "signal" }),
        message: "What the job waited for did not come in time.",
      });
      expect((yield* Effect.flip(send(process, jobId))).message).toContain("before it is retried");
      yield* ask(process, jobId, "RetryRequested");
      yield* until("it waits again", () => statusIn(journals, jobId) === "processing");
      yield* turns;
      const { record } = yield* process.catena.state(jobId);
      expect(record.waiting).toMatchObject({ waitingFor: "signal pricing", until: 6 * day });
      yield* send(process, jobId);
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
    }),
  );

  it.effect("is in time where it was sent in time, although nobody read it until after", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting(rarely);
      yield* process.die;
      const reader = yield* started(journals, { ...rarely, intake: "none" });
      yield* TestClock.adjust("2 days");
      yield* send(reader, jobId);
      yield* TestClock.adjust("2 days");
      const next = yield* started(journals, rarely);
      expect(yield* outcomeOf(next, shop, jobId)).toEqual(complete);
    }),
  );

  it.effect("is in time where it is read while the step looks for it one last time", () =>
    Effect.gen(function* () {
      const looking = Latch.makeUnsafe(false);
      let reads = 0;
      let isDue = false;
      const { journals, jobId, process } = yield* waiting({
        ...rarely,
        wrap: (store) => ({
          ...store,
          // The step looks first when the job wakes, then the owner: the step's rows are on their way for a while.
          inbox: (id) =>
            Effect.tap(store.inbox(id), () => {
              if (isDue) reads += 1;
              return reads === 1 ? looking.await : Effect.void;
            }),
        }),
      });
      isDue = true;
      yield* TestClock.adjust("3 days");
      yield* until("the step looks", () => reads > 0);
      yield* send(process, jobId);
      yield* until("the owner has read it", () =>
        typesOf(journalOf(journals, jobId)).includes("SignalReceived pricing"),
      );
      looking.openUnsafe();
      expect(yield* outcomeOf(process, shop, jobId)).toEqual(complete);
    }),
  );

  it.effect("wakes the next process at its time, not at a new one", () =>
    Effect.gen(function* () {
      const { journals, process, jobId } = yield* waiting(rarely);
      yield* TestClock.adjust("2 days");
      yield* process.die;
      yield* started(journals, rarely);
      yield* TestClock.adjust(day - 60_000);
      expect(statusIn(journals, jobId)).toBe("processing");
      yield* TestClock.adjust("2 minutes");
      expect(statusIn(journals, jobId)).toBe("failed");
    }),
  );
});

const review = Step.approval("review", { input: Draft });
const approved = Pipeline.make("approved", { version: 1, input: Schema.String })
  .step(write)
  .step(review)
  .output(Draft, ({ last }) => last);

describe("an approval", () => {
  const begun = Effect.fnUntraced(function* () {
    const journals = new MemoryJournals();
    const process = yield* startProcess({ ...settings, journals, pipelines: [approved] });
    const jobId = yield* submitted(process, approved, "tea");
    yield* turns;
    const say = (approved_: boolean, idempotencyKey: string) =>
      process.catena.signal(approved, jobId, {
        name: "review",
        value: { approved: approved_, by: "eve" },
        idempotencyKey,
      });
    return { journals, process, jobId, say };
  });

  it.effect("hands on what was approved", () =>
    Effect.gen(function* () {
      const { process, jobId, say } = yield* begun();
      yield* say(true, "click-1");
      const output = { text: "about tea" };
      expect(yield* outcomeOf(process, approved, jobId)).toEqual({ status: "complete", output });
    }),
  );

  it.effect(
    "that is a no blocks the job; RETRY asks anew, and the old word does not count twice",
    () =>
      Effect.gen(function* () {
        const { journals, process, jobId, say } = yield* begun();
        yield* say(false, "click-1");
        const refused = yield* outcomeOf(process, approved, jobId);
        expect(refused).toMatchObject({
          status: "failed",
          kind: "policy",
          failure: new PolicyFailure({ rule: "approval" }),
        });
        const tooLate = yield* Effect.flip(say(true, "click-0"));
        expect(tooLate.message).toContain(
          "has failed and takes no signal review before it is retried",
        );
        yield* ask(process, jobId, "RetryRequested");
        yield* until("it asks again", () => statusIn(journals, jobId) === "processing");
        yield* turns;
        expect(yield* say(false, "click-1")).toEqual({ isNew: false });
        expect((yield* Effect.flip(say(true, "click-1"))).message).toContain("with another value");
        expect(yield* say(true, "click-2")).toEqual({ isNew: true });
        expect(yield* outcomeOf(process, approved, jobId)).toMatchObject({ status: "complete" });
      }),
  );
});
