/** Limits and learned rates as jobs meet them: what waits, what it says, and what a restart makes of it. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Schema } from "effect";
import { TestClock } from "effect/testing";
import { Pipeline, Step } from "../../../src/index.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import { turns } from "../support/jobs-harness.ts";
import {
  asking,
  entriesOf,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
  type World,
} from "../support/ledger-harness.ts";
import { outOfCredit, rateLimited } from "../support/provider-failures.ts";

const openIn = (world: World): number => world.journals.openKeys.size;

/** The most predictions that were open at once while the clock ran until the claim held. */
const mostOpen = Effect.fnUntraced(function* (world: World, isOver: () => boolean) {
  let most = 0;
  while (!isOver()) {
    yield* TestClock.adjust(100);
    yield* turns;
    most = Math.max(most, openIn(world));
  }
  return most;
});

const isDone =
  (world: World, jobIds: ReadonlyArray<string>, status = "complete") =>
  (): boolean =>
    jobIds.every((jobId) => recordOf(world, jobId)?.status === status);

describe("a limit of open predictions", () => {
  it.effect("is never exceeded, and who waits for it says so until it goes on", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ runMs: 4_000 }) }));
      const limits = { fake: { models: { "fake/text": { concurrency: 2 } } } };
      const process = yield* processIn(world, [asking()], { limits });
      const jobs: Array<string> = [];
      for (let count = 0; count < 5; count += 1)
        jobs.push(yield* submit(process, asking(), `${count}`));
      yield* pass(2_000);
      expect(openIn(world)).toBe(2);
      const waiting = jobs.flatMap((jobId) => {
        const { waiting: waits } = recordOf(world, jobId) ?? {};
        return waits?.waitingFor.includes("room") === true ? [waits] : [];
      });
      expect(waiting).toHaveLength(3);
      expect(waiting[0]?.waitingFor).toBe(
        "room under the limit of 2 open predictions of fake/text",
      );
      expect(yield* process.catena.engine.providers.limits).toMatchObject([
        { provider: "fake", model: null, open: 2, waiting: 3 },
        { provider: "fake", model: "fake/text", open: 2, concurrency: 2, waiting: 3 },
      ]);
      expect(yield* mostOpen(world, isDone(world, jobs))).toBe(2);
      for (const jobId of jobs) {
        expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
        expect(entriesOf(world, jobId, "AttemptHeld").length).toBeLessThanOrEqual(1);
      }
    }),
  );

  it.effect("counts what a process that died has left open, until that has ended", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ runMs: 20_000 }) }));
      const limits = { fake: { concurrency: 1 } };
      const first = yield* processIn(world, [asking()], { limits });
      const early = yield* submit(first, asking(), "early");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      yield* first.kill;
      const second = yield* processIn(world, [asking()], { limits });
      const late = yield* submit(second, asking(), "late");
      yield* pass(5_000);
      expect(rowsOf(world)).toHaveLength(1);
      expect(recordOf(world, late)?.waiting?.waitingFor).toContain("1 open predictions of fake");
      expect(yield* mostOpen(world, isDone(world, [early, late]))).toBe(1);
    }),
  );

  it.effect("is not used up by a job that was paused while it waited", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ runMs: 4_000 }) }));
      const process = yield* processIn(world, [asking()], { limits: { fake: { concurrency: 1 } } });
      const first = yield* submit(process, asking(), "first");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      const paused = yield* submit(process, asking(), "paused");
      const last = yield* submit(process, asking(), "last");
      yield* pass(2_000);
      yield* process.catena.tell(paused, { type: "PauseRequested", by: "test" });
      yield* passUntil("the others are done", isDone(world, [first, last]), 60_000);
      expect(recordOf(world, paused)).toMatchObject({ detail: "paused" });
      expect(yield* process.catena.engine.providers.limits).toMatchObject([
        { open: 0, waiting: 0 },
      ]);
      yield* process.catena.tell(paused, { type: "ResumeRequested", by: "test" });
      yield* passUntil("it is done as well", isDone(world, [paused]), 60_000);
      expect(entriesOf(world, paused, "StepStarted")).toHaveLength(1);
      expect(entriesOf(world, paused, "PredictionIntended")).toHaveLength(1);
    }),
  );

  it.effect("gives its place back where the call is rejected, or never comes to be", () =>
    Effect.gen(function* () {
      const fates: ReadonlyArray<Fate> = [
        { answer: rateLimited(1_000) },
        { answer: "nothing" },
        { runMs: 500 },
      ];
      const fateOf = (ordinal: number): Fate => fates[ordinal - 1] ?? {};
      const world = yield* makeWorld(new FakeProvider({ fateOf }));
      const limits = { fake: { concurrency: 1 } };
      const process = yield* processIn(world, [asking()], { limits });
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ status: "complete" });
      expect(rowsOf(world).map(({ state }) => state)).toEqual(["rejected", "absent", "settled"]);
      expect(yield* process.catena.engine.providers.limits).toMatchObject([{ open: 0 }]);
    }),
  );

  it.effect(
    "gives its place back where a job is cancelled while it waits, or while its model runs",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ runMs: 60_000 }) }));
        const process = yield* processIn(world, [asking()], {
          limits: { fake: { concurrency: 1 } },
        });
        const running = yield* submit(process, asking(), "running");
        yield* pass(1_000);
        const waiting = yield* submit(process, asking(), "waiting");
        yield* pass(2_000);
        for (const jobId of [waiting, running])
          yield* process.catena.tell(jobId, { type: "CancelRequested", by: "test" });
        yield* passUntil("cancelled", isDone(world, [waiting, running], "cancelled"));
        yield* pass(5_000);
        expect(yield* process.catena.engine.providers.limits).toMatchObject([
          { open: 0, waiting: 0 },
        ]);
      }),
  );
});

describe("models of one provider", () => {
  it.effect("do not wait for each other's limits", () =>
    Effect.gen(function* () {
      const fateOf = (_: number, { model }: { readonly model: string }): Fate =>
        model === "fake/slow" ? { runMs: 30_000 } : { runMs: 500 };
      const slow = Pipeline.make("slow", { version: 1, input: Schema.String })
        .step(
          Step.model("ask", {
            input: Schema.String,
            output: Schema.Json,
            model: "fake/slow",
            request: (prompt) => ({ prompt }),
          }),
        )
        .output(Schema.Json, ({ last }) => last);
      const world = yield* makeWorld(new FakeProvider({ fateOf }));
      const process = yield* processIn(world, [asking(), slow], {
        limits: { fake: { models: { "fake/slow": { concurrency: 1 } } } },
      });
      for (let count = 0; count < 4; count += 1) yield* submit(process, slow, `slow ${count}`);
      yield* pass(2_000);
      const quick: Array<string> = [];
      for (let count = 0; count < 4; count += 1)
        quick.push(yield* submit(process, asking(), `${count}`));
      expect(yield* passUntil("done", isDone(world, quick))).toBeLessThanOrEqual(3_000);
    }),
  );
});

describe("a provider at its start", () => {
  it.effect("is asked once while credit is out, however many jobs are due after a restart", () =>
    Effect.gen(function* () {
      const fateOf = (): Fate => ({ answer: outOfCredit, answerAfterMs: 700 });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [asking()]);
      const jobs: Array<string> = [];
      for (let count = 0; count < 12; count += 1)
        jobs.push(yield* submit(first, asking(), `${count}`));
      yield* passUntil("held", () =>
        jobs.every((jobId) => entriesOf(world, jobId, "AttemptHeld").length > 0),
      );
      const before = provider.creates.length;
      yield* first.kill;
      // By now every job is due.
      yield* TestClock.adjust(600_000);
      yield* processIn(world, [asking()]);
      yield* pass(50_000);
      expect(provider.creates.length - before).toBe(1);
      for (const jobId of jobs)
        expect(recordOf(world, jobId)?.waiting?.waitingFor).toContain("take calls again");
    }),
  );
});

describe("a 429 that says nothing", () => {
  it.effect("is waited out within the attempt, and the rate is lowered for a while", () =>
    Effect.gen(function* () {
      const fateOf = (ordinal: number): Fate => (ordinal <= 2 ? { answer: rateLimited() } : {});
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ status: "complete" });
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
      const [one = 0, two = 0, three = 0] = provider.creates.map(({ at }) => at);
      expect(two - one).toBeGreaterThanOrEqual(5_000);
      expect(three - two).toBeGreaterThanOrEqual(10_000);
      const [limit] = yield* process.catena.engine.providers.limits;
      expect(limit?.createsPerMinute).toBeLessThan(300);
      expect(limit?.createsPerMinute).toBeGreaterThan(150);
    }),
  );
});
