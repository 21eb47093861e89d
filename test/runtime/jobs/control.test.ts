/** Words to a job, from whichever process: cancel, pause, resume, retry, at every phase and twice. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import {
  JobUnavailable,
  ProviderFailure,
  Retry,
  type RetryPolicy,
  StoreFailure,
} from "../../../src/index.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { chainOf, gatedWork, newScript } from "../support/chains.ts";
import {
  ask,
  type Asked,
  asked,
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

const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });
const complete = { status: "complete", output: "x>first>second>third" };
const withRetry = { retry: Retry.fixed({ attempts: 2, delayMs: 60_000 }) };

const has = (journals: MemoryJournals, jobId: string, type: string) =>
  typesOf(journalOf(journals, jobId)).includes(type);

describe("a word to a job", () => {
  describe.each(["its owner", "another process"])("through %s", (whose) => {
    const two = Effect.fnUntraced(function* (
      journals: MemoryJournals,
      script: ReturnType<typeof newScript>,
      options?: { readonly retry: RetryPolicy },
    ) {
      const chain = chainOf(script, options);
      const owner = yield* startProcess({ journals, pipelines: [chain], concurrency: 1 });
      const other = yield* startProcess({ journals, pipelines: [chain], concurrency: 1 });
      return { chain, owner, speaker: whose === "its owner" ? owner : other };
    });

    it.effect("cancels a running step, whose signal is aborted", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const signals: Array<AbortSignal> = [];
        const script = newScript({
          first: (_, { signal }) => {
            signals.push(signal);
            return Effect.never;
          },
        });
        const { chain, owner, speaker } = yield* two(journals, script);
        const jobId = yield* submitted(owner, chain, "x");
        yield* until("first runs", () => signals.length === 1);
        yield* ask(speaker, jobId, "CancelRequested");
        expect(yield* outcomeOf(owner, chain, jobId)).toEqual({ status: "cancelled" });
        expect(yield* outcomeOf(speaker, chain, jobId)).toEqual({ status: "cancelled" });
        expect(signals[0]?.aborted).toBe(true);
        expect(script.calls).toEqual(["first x #1"]);
      }),
    );

    it.effect("cancels a pending job, which never starts", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const script = newScript({ first: () => Effect.never });
        const { chain, owner, speaker } = yield* two(journals, script);
        yield* submitted(owner, chain, "x");
        // The other process has no slot either.
        yield* until("one runs", () => script.calls.length === 1);
        yield* submitted(speaker === owner ? owner : speaker, chain, "y");
        const jobId = yield* submitted(owner, chain, "z");
        if (statusIn(journals, jobId) !== "pending") return;
        yield* ask(speaker, jobId, "CancelRequested");
        expect(yield* outcomeOf(owner, chain, jobId)).toEqual({ status: "cancelled" });
        expect(script.calls).not.toContain("first z #1");
      }),
    );

    it.effect("pauses between steps: the present one ends, the next is held until the resume", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const gated = gatedWork("first");
        const script = newScript({ first: gated.work });
        const { chain, owner, speaker } = yield* two(journals, script);
        const jobId = yield* submitted(owner, chain, "x");
        yield* until("first runs", () => script.calls.length === 1);
        yield* ask(speaker, jobId, "PauseRequested");
        yield* TestClock.adjust("1 second");
        const { record } = yield* speaker.catena.state(jobId);
        expect(record).toMatchObject({ status: "processing", detail: "paused" });
        expect(record.waiting?.waitingFor).toBe("a resume");
        gated.open();
        yield* TestClock.adjust("10 minutes");
        expect(has(journals, jobId, "StepSucceeded first")).toBe(true);
        expect(script.calls).toEqual(["first x #1"]);
        yield* ask(speaker, jobId, "ResumeRequested");
        expect(yield* outcomeOf(owner, chain, jobId)).toEqual(complete);
        expect(script.calls).toHaveLength(3);
      }),
    );

    it.effect("holds the next attempt of a paused job that backs off", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const script = newScript({ first: () => Effect.fail(down) });
        const { chain, owner, speaker } = yield* two(journals, script, withRetry);
        const jobId = yield* submitted(owner, chain, "x");
        yield* until("it backs off", () => has(journals, jobId, "AttemptFailed first"));
        yield* ask(speaker, jobId, "PauseRequested");
        yield* TestClock.adjust("10 minutes");
        expect(script.calls).toEqual(["first x #1"]);
        delete script.work["first"];
        yield* ask(speaker, jobId, "ResumeRequested");
        expect(yield* outcomeOf(owner, chain, jobId)).toEqual(complete);
        expect(script.callsOf("first")).toEqual(["first x #1", "first x #2"]);
      }),
    );

    it.effect("keeps a paused job paused over a restart", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const gated = gatedWork("first");
        const script = newScript({ first: gated.work });
        const { chain, owner, speaker } = yield* two(journals, script);
        const jobId = yield* submitted(owner, chain, "x");
        yield* until("first runs", () => script.calls.length === 1);
        yield* ask(speaker, jobId, "PauseRequested");
        yield* TestClock.adjust("1 second");
        gated.open();
        yield* TestClock.adjust("1 second");
        yield* owner.die;
        const next = yield* startProcess({ journals, pipelines: [chain] });
        yield* TestClock.adjust("10 minutes");
        expect(script.calls).toEqual(["first x #1"]);
        yield* ask(next, jobId, "ResumeRequested");
        expect(yield* outcomeOf(next, chain, jobId)).toEqual(complete);
        expect(script.callsOf("first")).toHaveLength(1);
      }),
    );

    it.effect("cancels a paused job", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const script = newScript({ first: () => Effect.never });
        const { chain, owner, speaker } = yield* two(journals, script);
        const jobId = yield* submitted(owner, chain, "x");
        yield* until("first runs", () => script.calls.length === 1);
        yield* ask(speaker, jobId, "PauseRequested");
        yield* ask(speaker, jobId, "CancelRequested");
        expect(yield* outcomeOf(owner, chain, jobId)).toEqual({ status: "cancelled" });
      }),
    );

    it.effect(
      "retries from the failed step: outputs kept, attempts never reused, rounds counted",
      () =>
        Effect.gen(function* () {
          const journals = new MemoryJournals();
          const script = newScript({ second: () => Effect.fail(down) });
          const { chain, owner, speaker } = yield* two(journals, script, withRetry);
          const jobId = yield* submitted(owner, chain, "x");
          expect(yield* outcomeOf(owner, chain, jobId)).toMatchObject({
            status: "failed",
            step: "second",
            kind: "provider",
            message: "A model provider could not finish the work.",
          });
          yield* ask(speaker, jobId, "RetryRequested");
          // What is asked right after the word is answered with what comes of it.
          expect(yield* outcomeOf(speaker, chain, jobId)).toMatchObject({ status: "failed" });
          expect(script.callsOf("second").map((call) => call.slice(-1))).toEqual([
            "1",
            "2",
            "3",
            "4",
          ]);
          delete script.work["second"];
          yield* ask(speaker, jobId, "RetryRequested");
          expect(yield* outcomeOf(speaker, chain, jobId)).toEqual(complete);
          expect(script.callsOf("first")).toHaveLength(1);
          const starts = journalOf(journals, jobId).flatMap((entry) =>
            entry.type === "StepStarted" && entry.path === "second"
              ? [[entry.attempt, entry.round]]
              : [],
          );
          expect(starts).toEqual([
            [1, 1],
            [2, 1],
            [3, 2],
            [4, 2],
            [5, 3],
          ]);
          expect((yield* owner.catena.state(jobId)).record).toMatchObject({
            errorMessage: null,
            failureKind: null,
          });
        }),
    );

    it.effect("cancels a failed job, which then cannot be retried", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const { chain, owner, speaker } = yield* two(
          journals,
          newScript({ first: () => Effect.fail(down) }),
        );
        const jobId = yield* submitted(owner, chain, "x");
        yield* outcomeOf(owner, chain, jobId);
        yield* ask(speaker, jobId, "CancelRequested");
        expect(yield* outcomeOf(speaker, chain, jobId)).toEqual({ status: "cancelled" });
        expect(yield* refusal(ask(speaker, jobId, "RetryRequested"))).toMatch(
          /it is cancelled, there is nothing to retry/,
        );
      }),
    );
  });

  it.effect("is taken once where it comes twice", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ second: () => Effect.fail(down) });
      const chain = chainOf(script);
      const process = yield* startProcess({ journals, pipelines: [chain] });
      const jobId = yield* submitted(process, chain, "x");
      yield* outcomeOf(process, chain, jobId);
      delete script.work["second"];
      const twice = [ask(process, jobId, "RetryRequested"), ask(process, jobId, "RetryRequested")];
      yield* Effect.all(twice, { concurrency: "unbounded" });
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      expect(script.callsOf("second")).toHaveLength(2);
      expect(typesOf(journalOf(journals, jobId))).toHaveLength(
        new Set(journalOf(journals, jobId).map(({ seq }) => seq)).size,
      );
      expect(journals.unread.size).toBe(0);
    }),
  );

  it.effect("is refused with a clear sentence where the job has no use for it", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const chain = chainOf(newScript());
      const process = yield* startProcess({ journals, pipelines: [chain], concurrency: 1 });
      const jobId = yield* submitted(process, chain, "x");
      yield* outcomeOf(process, chain, jobId);
      const words: ReadonlyArray<Asked> = [
        "CancelRequested",
        "PauseRequested",
        "ResumeRequested",
        "RetryRequested",
      ];
      for (const word of words)
        expect(yield* refusal(ask(process, jobId, word))).toBe(
          `Job ${jobId}: it is complete, there is nothing to ${word.replace("Requested", "").toLowerCase()}`,
        );
      expect(yield* refusal(ask(process, "nobody", "CancelRequested"))).toBe(
        "Job nobody: this store has no such job",
      );
    }),
  );

  it.effect("that a pending job has no use for does not keep it from its turn", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const gated = gatedWork("first");
      const script = newScript({ first: gated.work });
      const chain = chainOf(script);
      const process = yield* startProcess({ journals, pipelines: [chain], concurrency: 1 });
      yield* submitted(process, chain, "w");
      const jobId = yield* submitted(process, chain, "x");
      yield* process.catena.engine.jobs.post(jobId, asked("ResumeRequested"));
      yield* turns;
      gated.open();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("reaches a job of a process that cannot read its store for a while", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ first: () => Effect.never });
      const chain = chainOf(script);
      let isDeaf = false;
      const owner = yield* startProcess({
        journals,
        pipelines: [chain],
        wrap: (store) => ({
          ...store,
          jobsWithInbox: (whose) => (isDeaf ? Effect.fail(unreadable) : store.jobsWithInbox(whose)),
        }),
      });
      const other = yield* startProcess({ journals, pipelines: [chain] });
      const jobId = yield* submitted(owner, chain, "x");
      yield* TestClock.adjust("5 seconds");
      isDeaf = true;
      yield* ask(other, jobId, "CancelRequested");
      yield* TestClock.adjust("5 seconds");
      expect(statusIn(journals, jobId)).toBe("processing");
      isDeaf = false;
      const outcome = other.catena.outcome(chain, jobId);
      expect(yield* within(outcome, { limitMs: 10_000 })).toEqual({ status: "cancelled" });
    }),
  );
});

const unreadable = new StoreFailure({
  operation: "look for messages",
  reason: "Busy",
  cause: new Error("planned by the test"),
});

const refusal = (effect: Effect.Effect<void, unknown>) =>
  Effect.map(Effect.flip(effect), (error) => {
    expect(error).toBeInstanceOf(JobUnavailable);
    return error instanceof Error ? error.message : "";
  });
