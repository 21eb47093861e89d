/** Cancel and timeout: asked for once they are committed, repeated until confirmed, watched on, and never deaf to a success. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { Retry } from "../../../src/index.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import { journalOf, typesOf } from "../support/jobs-harness.ts";
import {
  asking,
  bookedMicros,
  entriesOf,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
} from "../support/ledger-harness.ts";

const cancel = { type: "CancelRequested", by: "test" } as const;
const first =
  (fate: Fate) =>
  (ordinal: number): Fate =>
    ordinal === 1 ? fate : {};

/** One attempt of ten seconds, then one more. */
const patient = asking({
  timeout: "10 seconds",
  retry: Retry.fixed({ attempts: 2, delayMs: 5_000 }),
});

describe("a cancel", () => {
  it.effect("ends the prediction remotely, and the job once a look confirms it", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: first({ runMs: Infinity }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
      yield* pass(500);
      yield* process.catena.tell(jobId, cancel);
      expect((yield* outcome(process, asking(), jobId)).status).toBe("cancelled");
      const [asked] = entriesOf(world, jobId, "CancelRequested");
      // At once: what runs on is paid for.
      expect(provider.made[0]?.cancels[0]).toBe(asked?.at);
      expect(entriesOf(world, jobId, "PredictionSettled")[0]?.status).toBe("canceled");
      expect(entriesOf(world, jobId, "PredictionUnconfirmed")).toEqual([]);
    }),
  );

  it.effect(
    "is carried out by the next process where the first one died right after its commit",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({ fateOf: first({ runMs: Infinity }) });
        const world = yield* makeWorld(provider);
        const one = yield* processIn(world, [asking()]);
        const jobId = yield* submit(one, asking(), "tea");
        yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
        yield* pass(500);
        provider.isGetBroken = true;
        yield* one.catena.tell(jobId, cancel);
        yield* passUntil("cancelling", () => recordOf(world, jobId)?.detail === "cancelling");
        yield* one.kill;
        const before = provider.made[0]?.cancels.length ?? 0;
        const two = yield* processIn(world, [asking()]);
        yield* pass(2_000);
        expect(provider.made[0]?.cancels.length).toBeGreaterThan(before);
        provider.isGetBroken = false;
        expect((yield* outcome(two, asking(), jobId)).status).toBe("cancelled");
        expect(rowsOf(world)[0]?.status).toBe("canceled");
      }),
  );

  it.effect(
    "that is ignored is repeated; after the grace the job ends unconfirmed, and is booked afterwards",
    () =>
      Effect.gen(function* () {
        const fateOf = first({ runMs: 100_000, ignoresCancel: true, ignoresDeadline: true });
        const provider = new FakeProvider({ fateOf });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const jobId = yield* submit(process, asking(), "tea");
        yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
        yield* process.catena.tell(jobId, cancel);
        const tookMs = yield* passUntil(
          "cancelled",
          () => recordOf(world, jobId)?.status === "cancelled",
        );
        expect(tookMs).toBeGreaterThanOrEqual(29_000);
        expect(tookMs).toBeLessThanOrEqual(31_000);
        expect(typesOf(journalOf(world.journals, jobId)).slice(-2)).toEqual([
          "PredictionUnconfirmed ask",
          "JobCancelled",
        ]);
        expect(rowsOf(world)[0]?.isUnconfirmed).toBe(true);
        yield* pass(90_000, 1_000);
        expect(provider.made[0]?.cancels.length).toBeGreaterThan(3);
        expect(rowsOf(world)[0]).toMatchObject({ state: "settled", status: "succeeded" });
        expect(bookedMicros(world)).toBe(provider.costMicros(yield* Clock.currentTimeMillis));
        expect(recordOf(world, jobId)).toMatchObject({ status: "cancelled", costMicros: 100_000 });
      }),
  );

  it.effect(
    "that comes after the settlement but before the step's success wins by its seq, and nothing is lost",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider();
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const jobId = yield* submit(process, asking(), "tea");
        yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
        yield* pass(1_000);
        yield* process.catena.engine.jobs.post(jobId, cancel);
        const { status } = yield* outcome(process, asking(), jobId);
        const types = typesOf(journalOf(world.journals, jobId));
        const asked = types.indexOf("CancelRequested");
        const succeeded = types.indexOf("StepSucceeded ask");
        expect(status).toBe(
          asked < 0 || (succeeded >= 0 && succeeded < asked) ? "complete" : "cancelled",
        );
        expect(bookedMicros(world)).toBe(1_000);
      }),
  );
});

describe("an attempt that times out", () => {
  it.effect(
    "is cancelled remotely only after AttemptTimedOut, and tried again once that is confirmed",
    () =>
      Effect.gen(function* () {
        const fateOf = first({ runMs: Infinity, ignoresDeadline: true });
        const provider = new FakeProvider({ fateOf });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [patient]);
        const jobId = yield* submit(process, patient, "tea");
        expect(yield* outcome(process, patient, jobId)).toMatchObject({ status: "complete" });
        const types = typesOf(journalOf(world.journals, jobId)).filter((one) =>
          one.endsWith(" ask"),
        );
        expect(types).toEqual([
          "StepStarted ask",
          "PredictionIntended ask",
          "PredictionAccepted ask",
          "AttemptTimedOut ask",
          "PredictionSettled ask",
          "AttemptFailed ask",
          "StepStarted ask",
          "PredictionIntended ask",
          "PredictionAccepted ask",
          "PredictionSettled ask",
          "StepSucceeded ask",
        ]);
        const [timedOut] = entriesOf(world, jobId, "AttemptTimedOut");
        expect(provider.made[0]?.cancels[0]).toBeGreaterThanOrEqual(timedOut?.at ?? Infinity);
        expect(entriesOf(world, jobId, "AttemptFailed")[0]?.failure).toMatchObject({
          _tag: "TimeoutFailure",
          timeoutMs: 10_000,
          awaited: "attempt",
        });
      }),
  );

  it.effect("looks before it judges: an end that no poll has seen yet counts", () =>
    Effect.gen(function* () {
      // It ends between the last poll before the deadline and the deadline.
      const provider = new FakeProvider({ fateOf: first({ runMs: 9_500 }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [patient]);
      const jobId = yield* submit(process, patient, "tea");
      expect(yield* outcome(process, patient, jobId)).toMatchObject({ output: { text: "p1" } });
      expect(entriesOf(world, jobId, "AttemptTimedOut")).toEqual([]);
    }),
  );

  it.effect("still takes a success that comes before the end is confirmed", () =>
    Effect.gen(function* () {
      const fateOf = first({ runMs: 15_000, ignoresDeadline: true, ignoresCancel: true });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [patient]);
      const jobId = yield* submit(process, patient, "tea");
      expect(yield* outcome(process, patient, jobId)).toMatchObject({ output: { text: "p1" } });
      expect(entriesOf(world, jobId, "AttemptTimedOut")).toHaveLength(1);
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect(
    "takes a success that comes after it was given up, while nothing has been asked since",
    () =>
      Effect.gen(function* () {
        // Given up after 10 + 30 s; the next attempt would begin 60 s later.
        const slow = asking({
          timeout: "10 seconds",
          retry: Retry.fixed({ attempts: 2, delayMs: 60_000 }),
        });
        const fateOf = first({ runMs: 55_000, ignoresDeadline: true, ignoresCancel: true });
        const provider = new FakeProvider({ fateOf });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [slow]);
        const jobId = yield* submit(process, slow, "tea");
        expect(yield* outcome(process, slow, jobId)).toMatchObject({ output: { text: "p1" } });
        expect(entriesOf(world, jobId, "PredictionUnconfirmed")).toHaveLength(1);
        expect(provider.creates).toHaveLength(1);
        expect(recordOf(world, jobId)?.costMicros).toBe(55_000);
      }),
  );

  it.effect("books a success that comes after a later intent, and does no more with it", () =>
    Effect.gen(function* () {
      const fateOf = (ordinal: number): Fate =>
        ordinal === 1
          ? { runMs: 50_000, ignoresDeadline: true, ignoresCancel: true }
          : { runMs: 9_000 };
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [patient]);
      const jobId = yield* submit(process, patient, "tea");
      expect(yield* outcome(process, patient, jobId)).toMatchObject({ output: { text: "p2" } });
      yield* pass(60_000, 1_000);
      expect(rowsOf(world).map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
      expect(bookedMicros(world)).toBe(59_000);
    }),
  );

  it.effect("does not decode that success for a still later attempt either", () =>
    Effect.gen(function* () {
      const fateOf = (ordinal: number): Fate => {
        if (ordinal === 1) return { runMs: 50_000, ignoresDeadline: true, ignoresCancel: true };
        return ordinal === 2 ? { runMs: 9_000, end: { status: "failed" } } : {};
      };
      const pipeline = asking({
        timeout: "10 seconds",
        retry: Retry.fixed({ attempts: 3, delayMs: 5_000 }),
      });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ output: { text: "p3" } });
      expect(recordOf(world, jobId)?.costMicros).toBe(60_000);
    }),
  );

  it.effect("answers a RETRY with the late success that came while the job had failed", () =>
    Effect.gen(function* () {
      const once = asking({ timeout: "10 seconds", retry: Retry.none });
      const fateOf = first({ runMs: 60_000, ignoresDeadline: true, ignoresCancel: true });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [once]);
      const jobId = yield* submit(process, once, "tea");
      expect(yield* outcome(process, once, jobId)).toMatchObject({
        status: "failed",
        kind: "timeout",
      });
      yield* pass(60_000, 1_000);
      yield* process.catena.tell(jobId, { type: "RetryRequested", by: "test", isFresh: false });
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("by the provider's own deadline is a TimeoutFailure, whenever it is judged", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: first({ runMs: Infinity }) });
      const world = yield* makeWorld(provider);
      const one = yield* processIn(world, [patient]);
      const jobId = yield* submit(one, patient, "tea");
      yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
      yield* one.kill;
      yield* pass(200_000, 10_000);
      const two = yield* processIn(world, [patient]);
      yield* outcome(two, patient, jobId);
      expect(entriesOf(world, jobId, "AttemptFailed")[0]?.failure._tag).toBe("TimeoutFailure");
      expect(entriesOf(world, jobId, "AttemptTimedOut")).toEqual([]);
    }),
  );

  it.effect(
    "ended by somebody else long before its deadline is Canceled, even where that is seen late",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({ fateOf: first({ end: { status: "canceled" } }) });
        const world = yield* makeWorld(provider);
        const one = yield* processIn(world, [patient]);
        const jobId = yield* submit(one, patient, "tea");
        yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
        yield* one.kill;
        yield* pass(200_000, 10_000);
        const two = yield* processIn(world, [patient]);
        yield* outcome(two, patient, jobId);
        expect(entriesOf(world, jobId, "AttemptFailed")[0]?.failure).toMatchObject({
          _tag: "ProviderFailure",
          reason: "Canceled",
        });
      }),
  );

  it.effect("waiting for the boot names it, and a prediction that runs is not held to it", () =>
    Effect.gen(function* () {
      const booting = asking({
        timeout: { attempt: "60 seconds", boot: "5 seconds" },
        retry: Retry.fixed({ attempts: 2, delayMs: 0 }),
      });
      const fateOf = (ordinal: number): Fate =>
        ordinal === 1 ? { bootMs: 30_000 } : { bootMs: 4_000, runMs: 20_000 };
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [booting]);
      const jobId = yield* submit(process, booting, "tea");
      expect(yield* outcome(process, booting, jobId)).toMatchObject({ output: { text: "p2" } });
      expect(entriesOf(world, jobId, "AttemptTimedOut").map(({ awaited }) => awaited)).toEqual([
        "boot",
      ]);
      expect(entriesOf(world, jobId, "AttemptFailed")[0]?.failure).toMatchObject({
        timeoutMs: 5_000,
        awaited: "boot",
      });
      // Aborted before it ran: free.
      expect(rowsOf(world)[0]).toMatchObject({ status: "aborted", receipt: { costMicros: 0 } });
    }),
  );

  it.effect("by the step's own time is not tried again, whatever attempts are left", () =>
    Effect.gen(function* () {
      const bounded = asking({
        timeout: { attempt: "60 seconds", step: "20 seconds" },
        retry: Retry.fixed({ attempts: 9, delayMs: 1_000 }),
      });
      const fateOf = (): Fate => ({ runMs: 8_000, end: { status: "failed" } });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [bounded]);
      const jobId = yield* submit(process, bounded, "tea");
      expect(yield* outcome(process, bounded, jobId)).toMatchObject({
        status: "failed",
        failure: { _tag: "TimeoutFailure", timeoutMs: 20_000, awaited: "step" },
      });
      const ended = entriesOf(world, jobId, "StepFailed")[0]?.at ?? 0;
      const began = entriesOf(world, jobId, "StepStarted")[0]?.at ?? 0;
      expect(ended - began).toBeLessThanOrEqual(21_000);
      expect(provider.creates.length).toBeLessThanOrEqual(3);
      expect(provider.creates.at(-1)?.request.cancelAfterMs).toBeLessThan(20_000);
    }),
  );
});

describe("a call that was given up as unconfirmed", () => {
  it.effect("is looked at before a RETRY pays again", () =>
    Effect.gen(function* () {
      const once = asking({ timeout: "10 seconds", retry: Retry.none });
      const provider = new FakeProvider({ fateOf: first({ runMs: 8_000 }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [once]);
      const jobId = yield* submit(process, once, "tea");
      provider.isGetBroken = true;
      expect(yield* outcome(process, once, jobId)).toMatchObject({ kind: "timeout" });
      expect(entriesOf(world, jobId, "PredictionUnconfirmed")).toHaveLength(1);
      provider.isGetBroken = false;
      yield* process.catena.tell(jobId, { type: "RetryRequested", by: "test", isFresh: false });
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(1);
      expect(recordOf(world, jobId)?.normalizedOutput).toEqual({ json: { text: "p1" } });
    }),
  );
});

describe("a boot that nobody can look at", () => {
  it.effect("is not over before a look has shown so", () =>
    Effect.gen(function* () {
      const booting = asking({
        timeout: { attempt: "60 seconds", boot: "5 seconds" },
        retry: Retry.fixed({ attempts: 2, delayMs: 0 }),
      });
      const provider = new FakeProvider({ fateOf: first({ bootMs: 4_500, runMs: 10_000 }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [booting]);
      const jobId = yield* submit(process, booting, "tea");
      yield* pass(4_000);
      provider.isGetBroken = true;
      yield* pass(3_000);
      provider.isGetBroken = false;
      expect(yield* outcome(process, booting, jobId)).toMatchObject({ output: { text: "p1" } });
      expect(entriesOf(world, jobId, "AttemptTimedOut")).toEqual([]);
      expect(provider.creates).toHaveLength(1);
    }),
  );
});
