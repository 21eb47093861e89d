/**
 * A crash at any commit of a job that waits for signals: whoever sends them sends again until told that they
 * are received, and each is taken once, in whichever process and whether it was early or in time.
 */
import { describe, it } from "@effect/vitest";
import { Effect, type Fiber, Schema } from "effect";
import { TestClock } from "effect/testing";
import { expect } from "vitest";
import { Functions, Pipeline, Step } from "../../src/index.ts";
import { type Engine, keyOf } from "../../src/runtime/engine.ts";
import { MemoryJournals } from "../../src/runtime/journal-stores/memory.ts";
import { sendSignal } from "../../src/runtime/signals.ts";
import { optionsFor } from "./prefix-resume/life.ts";
import { type Death, startProcess } from "./prefix-resume/mortal-process.ts";

const text = { input: Schema.String, output: Schema.String };
const pipeline = Pipeline.make("asking", { version: 1, input: Schema.String })
  .step(Step.make("begin", { ...text, run: (topic) => `${topic}, begun` }))
  .step(Step.signal("word", { ...text, timeout: "1 hour" }))
  .step(Step.make("go-on", { ...text, run: (word) => `${word}, gone on` }))
  .step(Step.approval("review", { input: Schema.String, timeout: "1 hour" }))
  .output(Schema.String, ({ last }) => last);

const jobId = "job-1";
const words = [
  { path: "review", value: { approved: true }, id: "click-1" },
  { path: "word", value: "a word", id: "click-2" },
] as const;

/** Sends both, the later one first, each until it is received. */
const sendAll = ({ signals }: Engine) =>
  Effect.forEach(words, (word) =>
    Effect.eventually(
      Effect.tapError(sendSignal(signals, { ...word, jobId, by: "test" }), () =>
        Effect.sleep("1 second"),
      ),
    ),
  );

const live = Effect.fnUntraced(function* (death: Death | null) {
  const journals = new MemoryJournals();
  const client = Functions.client({ models: {} });
  const options = optionsFor({ pipeline, orphanGraceMs: 60_000 });
  const first = yield* Effect.orDie(startProcess({ journals, client, options, death }));
  const deployed = first.engine.deployed.get(keyOf(pipeline.plan));
  if (deployed === undefined) return yield* Effect.die("the pipeline is not deployed");
  const submission = { deployed, input: "tea", idempotencyKey: null };
  const { jobs } = first.engine;
  const straight = Effect.orDie(
    jobs
      .submit(submission)
      .pipe(Effect.andThen(sendAll(first.engine)), Effect.andThen(jobs.rested(jobId))),
  );
  if (death === null) yield* straight;
  else {
    yield* Effect.raceFirst(first.died, Effect.andThen(straight, Effect.never));
    const second = yield* Effect.orDie(startProcess({ journals, client, options, death: null }));
    yield* sendAll(second.engine);
    yield* Effect.orDie(second.engine.jobs.rested(jobId));
    yield* second.bury;
  }
  yield* first.bury;
  const file = journals.files.get(jobId);
  return { record: file?.job.record, entries: file?.entries ?? [], commits: first.commits() };
});

/** Lets time pass until the fiber is done. */
const underTestClock = Effect.fnUntraced(function* <A>(fiber: Fiber.Fiber<A>) {
  while (true) {
    const exit = fiber.pollUnsafe();
    if (exit !== undefined) return yield* exit;
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
    yield* TestClock.adjust("250 millis");
  }
});

const lived = (death: Death | null) =>
  Effect.flatMap(Effect.forkChild(live(death)), underTestClock);

describe("a job that waits for signals and whose process dies", () => {
  it.effect("at any commit comes to the same end, and takes each signal once", () =>
    Effect.gen(function* () {
      const straight = yield* lived(null);
      expect(straight.record).toMatchObject({
        status: "complete",
        normalizedOutput: { json: "a word, gone on" },
      });
      const deaths = Array.from({ length: straight.commits }, (_, index) => index + 1).flatMap(
        (commit): ReadonlyArray<Death> => [
          { commit, before: "answer" },
          { commit, before: "next" },
        ],
      );
      expect(deaths.length).toBeGreaterThan(10);
      for (const death of deaths.slice(0, -1)) {
        const at = `commit ${death.commit}, before its ${death.before}`;
        const { record, entries } = yield* lived(death);
        expect(record?.status, at).toBe("complete");
        expect(record?.normalizedOutput, at).toEqual(straight.record?.normalizedOutput);
        const taken = entries.flatMap((entry) =>
          entry.type === "SignalReceived" ? [`${entry.path} ${entry.id}`] : [],
        );
        expect(taken.toSorted(), at).toEqual(["review click-1", "word click-2"]);
        const done = entries.flatMap((entry) =>
          entry.type === "StepSucceeded" ? [entry.path] : [],
        );
        expect(done, at).toEqual(["begin", "word", "go-on", "review"]);
      }
    }),
  );
});
