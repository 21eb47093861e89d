/** Jobs that are told to go on while no place is free: they queue like new ones, and say so. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import { Retry } from "../../../src/index.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { ProviderFailure } from "../../../src/steps/failure.ts";
import { chainOf, gatedWork, newScript, type Work } from "../support/chains.ts";
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

const complete = { status: "complete", output: "x>first>second>third" };
const failing: Work = () =>
  Effect.fail(new ProviderFailure({ reason: "Unavailable", provider: "x", detail: "down" }));

const recordOf = (journals: MemoryJournals, jobId: string) => journals.files.get(jobId)?.job.record;

/** Jobs that rest in `failed` at their second step, whose next try is counted and waits for a gate. */
const failedJobs = Effect.fnUntraced(function* (count: number, concurrency: number) {
  const journals = new MemoryJournals();
  const script = newScript({ second: failing });
  const chain = chainOf(script, { retry: Retry.none });
  const process = yield* startProcess({ journals, pipelines: [chain], concurrency });
  const ids = yield* Effect.forEach(Array.from({ length: count }), () =>
    submitted(process, chain, "x"),
  );
  yield* until("all have failed", () => ids.every((id) => statusIn(journals, id) === "failed"));
  const counts = { now: 0, most: 0 };
  const gate = gatedWork("second");
  script.work["second"] = (input, context) => {
    counts.now += 1;
    counts.most = Math.max(counts.most, counts.now);
    const leave = Effect.sync(() => {
      counts.now -= 1;
    });
    return Effect.ensuring(gate.work(input, context), leave);
  };
  return { journals, script, chain, process, ids, counts, open: gate.open };
});

const queuedIn = (journals: MemoryJournals, ids: ReadonlyArray<string>) =>
  ids.filter((id) => recordOf(journals, id)?.detail === "queued");

/** A job that takes the only place until `open`. */
const taken = Effect.fnUntraced(function* ({
  journals,
  script,
  chain,
  process,
}: Pick<
  Effect.Success<ReturnType<typeof failedJobs>>,
  "journals" | "script" | "chain" | "process"
>) {
  const gate = gatedWork("first");
  script.work["first"] = gate.work;
  const jobId = yield* submitted(process, chain, "x");
  yield* until("it runs", () => typesOf(journalOf(journals, jobId)).includes("StepStarted first"));
  return gate.open;
});

describe("a thousand jobs redriven at once", () => {
  it.effect("run `concurrency` at a time, and those that wait say so", () =>
    Effect.gen(function* () {
      const { journals, chain, process, ids, counts, open } = yield* failedJobs(1_000, 7);
      const done = yield* within(process.catena.deadLetters.redriveAll({}));
      expect(done.done).toBe(1_000);
      yield* until("all are told", () => queuedIn(journals, ids).length === 993);
      expect(counts).toEqual({ now: 7, most: 7 });
      const [waits] = queuedIn(journals, ids);
      const record = recordOf(journals, waits ?? "");
      expect(record).toMatchObject({ status: "processing", currentStep: "second" });
      expect(record?.waiting).toMatchObject({ waitingFor: "a free slot", next: "second goes on" });
      open();
      for (const id of ids) expect(yield* outcomeOf(process, chain, id)).toEqual(complete);
      expect(counts.most).toBe(7);
    }),
  );

  it.effect("are still waiting after a crash, in which those that waited did not run", () =>
    Effect.gen(function* () {
      const { journals, script, chain, process, ids, counts, open } = yield* failedJobs(20, 3);
      yield* within(process.catena.deadLetters.redriveAll({}));
      yield* until("all are told", () => queuedIn(journals, ids).length === 17);
      yield* process.die;
      counts.most = 0;
      const next = yield* startProcess({ journals, pipelines: [chain], concurrency: 3 });
      expect(next.catena.engine.recovered).toBe(3);
      yield* until("three run", () => counts.now === 3);
      expect(queuedIn(journals, ids)).toHaveLength(17);
      open();
      for (const id of ids) expect(yield* outcomeOf(next, chain, id)).toEqual(complete);
      expect(counts.most).toBe(3);
      expect(script.callsOf("first")).toHaveLength(20);
      const suspects = ids.map((id) =>
        journalOf(journals, id).filter((entry) => entry.type === "Claimed" && entry.isTakeover),
      );
      expect(suspects.filter((claims) => claims.length > 0)).toHaveLength(3);
    }),
  );
});

describe("a job that is retried while no place is free", () => {
  const queued = Effect.fnUntraced(function* () {
    const world = yield* failedJobs(1, 1);
    const free = yield* taken(world);
    const [jobId = ""] = world.ids;
    yield* ask(world.process, jobId, "RetryRequested");
    yield* until("it queues", () => recordOf(world.journals, jobId)?.detail === "queued");
    return { ...world, jobId, free };
  });

  it.effect("goes on once there is one, before who came later", () =>
    Effect.gen(function* () {
      const { chain, process, jobId, free, open, script } = yield* queued();
      const later = yield* submitted(process, chain, "x");
      open();
      free();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
      expect(yield* outcomeOf(process, chain, later)).toEqual(complete);
      // Its failure, who had the place, itself, and who came later.
      expect(script.callsOf("second").map((call) => call.at(-1))).toEqual(["1", "1", "2", "1"]);
    }),
  );

  it.effect("can be cancelled at once, and nothing of it has run", () =>
    Effect.gen(function* () {
      const { chain, process, jobId, script } = yield* queued();
      yield* ask(process, jobId, "CancelRequested");
      expect(yield* outcomeOf(process, chain, jobId)).toMatchObject({ status: "cancelled" });
      expect(script.callsOf("second")).toHaveLength(1);
    }),
  );

  it.effect("can be paused, and queues again once it is resumed", () =>
    Effect.gen(function* () {
      const { journals, chain, process, jobId, free, open } = yield* queued();
      yield* ask(process, jobId, "PauseRequested");
      yield* until("it is paused", () => recordOf(journals, jobId)?.detail === "paused");
      yield* ask(process, jobId, "ResumeRequested");
      yield* until("it queues", () => recordOf(journals, jobId)?.detail === "queued");
      open();
      free();
      expect(yield* outcomeOf(process, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("rests paused, whatever becomes of its process, and is resumed by the next", () =>
    Effect.gen(function* () {
      const { journals, chain, process, jobId, open, script } = yield* queued();
      yield* ask(process, jobId, "PauseRequested");
      yield* until("it is paused", () => recordOf(journals, jobId)?.detail === "paused");
      yield* process.die;
      delete script.work["first"];
      const next = yield* startProcess({ journals, pipelines: [chain], concurrency: 1 });
      yield* turns;
      expect(recordOf(journals, jobId)?.detail).toBe("paused");
      open();
      yield* ask(next, jobId, "ResumeRequested");
      expect(yield* outcomeOf(next, chain, jobId)).toEqual(complete);
    }),
  );
});

describe("jobs that are resumed together", () => {
  it.effect("run `concurrency` at a time", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const first = gatedWork("first");
      const counts = { now: 0, most: 0 };
      const script = newScript({
        first: first.work,
        second: (input) =>
          Effect.gen(function* () {
            counts.now += 1;
            counts.most = Math.max(counts.most, counts.now);
            yield* Effect.sleep("1 second");
            counts.now -= 1;
            return `${input}>second`;
          }),
      });
      const chain = chainOf(script);
      const before = yield* startProcess({ journals, pipelines: [chain], concurrency: 12 });
      const ids = yield* Effect.forEach(Array.from({ length: 12 }), () =>
        submitted(before, chain, "x"),
      );
      yield* until("all run", () => script.callsOf("first").length === 12);
      for (const id of ids) yield* ask(before, id, "PauseRequested");
      yield* until("all are paused", () =>
        ids.every((id) => recordOf(journals, id)?.detail === "paused"),
      );
      first.open();
      yield* until("all are held", () =>
        ids.every((id) => typesOf(journalOf(journals, id)).includes("StepSucceeded first")),
      );
      yield* before.stop;
      const process = yield* startProcess({ journals, pipelines: [chain], concurrency: 2 });
      // Long enough for them to leave memory.
      yield* TestClock.adjust("10 minutes");
      yield* turns;
      expect(process.catena.engine.jobs.counts().resident).toBe(0);
      for (const id of ids) yield* ask(process, id, "ResumeRequested");
      for (const id of ids) expect(yield* outcomeOf(process, chain, id)).toEqual(complete);
      expect(counts.most).toBe(2);
    }),
  );
});
