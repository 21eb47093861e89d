/** What becomes of jobs whose process ends: taken over at once, and given up where they take processes down. */
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { Catena } from "../../../src/index.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { StoreFailure } from "../../../src/runtime/journal-store.ts";
import { temporaryFolder } from "../journal-stores/temporary-folder.ts";
import { chainOf, newScript, type Work } from "../support/chains.ts";
import {
  ask,
  journalOf,
  outcomeOf,
  type Process,
  startProcess,
  statusIn,
  submitted,
  until,
} from "../support/jobs-harness.ts";

const complete = { status: "complete", output: "x>first>second>third" };

/** A job that runs its second step when its process ends this way, `times` in a row. */
const endedAtSecond = Effect.fnUntraced(function* (end: "die" | "stop", times: number) {
  const journals = new MemoryJournals();
  const script = newScript({ second: () => Effect.never });
  const chain = chainOf(script);
  let jobId = "";
  for (let round = 1; round <= times; round += 1) {
    const process: Process = yield* startProcess({ journals, pipelines: [chain] });
    if (round === 1) jobId = yield* submitted(process, chain, "x");
    yield* until("second runs", () => script.callsOf("second").length === round);
    yield* process[end];
  }
  delete script.work["second"];
  const last = yield* startProcess({ journals, pipelines: [chain] });
  return { journals, script, chain, jobId, last };
});

const takeovers = (journals: MemoryJournals, jobId: string) =>
  journalOf(journals, jobId).flatMap((entry) =>
    entry.type === "Claimed" ? [entry.isTakeover] : [],
  );

describe("a job whose process dies", () => {
  it.effect("is taken over and goes on at its step, with a claim that says so", () =>
    Effect.gen(function* () {
      const { journals, script, chain, jobId, last } = yield* endedAtSecond("die", 2);
      expect(yield* outcomeOf(last, chain, jobId)).toEqual(complete);
      expect(takeovers(journals, jobId)).toEqual([false, true, true]);
      expect(script.callsOf("first")).toHaveLength(1);
    }),
  );

  it.effect("for the third time in a row without a result is poison, and says where", () =>
    Effect.gen(function* () {
      const { journals, chain, jobId, last } = yield* endedAtSecond("die", 3);
      const outcome = yield* outcomeOf(last, chain, jobId);
      expect(outcome).toMatchObject({ status: "failed", step: "second", kind: "defect" });
      expect(outcome).toMatchObject({ message: "step failed" });
      const { record } = yield* last.catena.state(jobId);
      expect(record.errorMessage).toBe("the process died 3 times here");
      expect(takeovers(journals, jobId)).toEqual([false, true, true, true]);
      yield* ask(last, jobId, "RetryRequested");
      expect(yield* outcomeOf(last, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("is no poison where it got on in between", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const stuck: Work = () => Effect.never;
      const script = newScript({ first: stuck });
      const chain = chainOf(script);
      let jobId = "";
      for (const [round, step] of [
        "first",
        "first",
        "second",
        "second",
        "third",
        "third",
      ].entries()) {
        script.work["first"] =
          step === "first" ? stuck : (input) => Effect.succeed(`${input}>first`);
        script.work["second"] =
          step === "third" ? (input) => Effect.succeed(`${input}>second`) : stuck;
        script.work["third"] = stuck;
        const before = script.callsOf(step).length;
        const process = yield* startProcess({ journals, pipelines: [chain] });
        if (round === 0) jobId = yield* submitted(process, chain, "x");
        yield* until(`${step} runs`, () => script.callsOf(step).length > before);
        yield* process.die;
      }
      delete script.work["third"];
      const last = yield* startProcess({ journals, pipelines: [chain] });
      expect(yield* outcomeOf(last, chain, jobId)).toEqual(complete);
    }),
  );

  it.effect("is no poison where the process stopped by itself, however often", () =>
    Effect.gen(function* () {
      const { journals, chain, jobId, last } = yield* endedAtSecond("stop", 5);
      expect(yield* outcomeOf(last, chain, jobId)).toEqual(complete);
      expect(takeovers(journals, jobId)).toEqual([false, false, false, false, false, false]);
    }),
  );

  it.effect("in a step that may not run again rests as an outcome that nobody knows", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ second: () => Effect.never });
      const chain = chainOf(script, { isRepeatable: false });
      const process = yield* startProcess({ journals, pipelines: [chain] });
      const jobId = yield* submitted(process, chain, "x");
      yield* until("second runs", () => script.callsOf("second").length === 1);
      yield* process.die;
      delete script.work["second"];
      const next = yield* startProcess({ journals, pipelines: [chain] });
      expect(yield* outcomeOf(next, chain, jobId)).toMatchObject({
        status: "failed",
        step: "second",
        kind: "provider",
        failure: { reason: "OutcomeUnknown" },
      });
      expect(script.callsOf("second")).toHaveLength(1);
      yield* ask(next, jobId, "RetryRequested");
      expect(yield* outcomeOf(next, chain, jobId)).toEqual(complete);
      expect(script.callsOf("second")).toEqual(["second x>first #1", "second x>first #2"]);
    }),
  );
});

describe("recovery", () => {
  it.effect("takes up fifty unfinished jobs; one whose journal is broken keeps none of them", () =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ second: () => Effect.never });
      const chain = chainOf(script);
      const old = yield* startProcess({ journals, pipelines: [chain] });
      const ids = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        submitted(old, chain, "x"),
      );
      yield* until("all are at second", () => script.callsOf("second").length === 50);
      yield* old.die;
      delete script.work["second"];
      const next = yield* startProcess({
        journals,
        pipelines: [chain],
        wrap: (store) => ({
          ...store,
          entries: (jobId) =>
            jobId === ids[7]
              ? Effect.fail(
                  new StoreFailure({
                    operation: "read",
                    reason: "Broken",
                    cause: new Error("bad"),
                  }),
                )
              : store.entries(jobId),
        }),
      });
      for (const [index, id] of ids.entries())
        if (index !== 7) expect(yield* outcomeOf(next, chain, id)).toEqual(complete);
      expect(statusIn(journals, ids[7] ?? "")).toBe("processing");
      expect(script.callsOf("first")).toHaveLength(50);
    }),
  );

  it.effect.each([
    ["fits no machine of this process", 1, 2],
    ["misses an entry that the machine could do without", 3, 1],
    ["misses its end", 5, 2],
  ] as const)("leaves a job whose journal %s as it is", ([, at, count]) =>
    Effect.gen(function* () {
      const journals = new MemoryJournals();
      const script = newScript({ second: () => Effect.never });
      const chain = chainOf(script);
      const old = yield* startProcess({ journals, pipelines: [chain] });
      const jobId = yield* submitted(old, chain, "x");
      yield* until("second runs", () => journalOf(journals, jobId).length === 6);
      yield* old.die;
      delete script.work["second"];
      journals.files.get(jobId)?.entries.splice(at, count);
      const next = yield* startProcess({ journals, pipelines: [chain] });
      const fresh = yield* submitted(next, chain, "x");
      expect(yield* outcomeOf(next, chain, fresh)).toEqual(complete);
      expect(statusIn(journals, jobId)).toBe("processing");
      expect(script.callsOf("second")).toHaveLength(2);
    }),
  );

  it.effect(
    "takes up all of them although the store answers some questions at the second try",
    () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const script = newScript({ second: () => Effect.never });
        const chain = chainOf(script);
        let failures = 0;
        const busy = (operation: string) =>
          Effect.suspend(() => {
            failures += 1;
            return new StoreFailure({ operation, reason: "Busy", cause: new Error("locked") });
          });
        const asked = new Set<string>();
        const atSecondTry = (operation: string, jobId: string | undefined) => {
          const isFirst = jobId !== undefined && !asked.has(`${operation} ${jobId}`);
          asked.add(`${operation} ${jobId}`);
          return isFirst ? busy(operation) : Effect.void;
        };
        const ids: Array<string> = [];
        const next = yield* startProcess({
          journals,
          pipelines: [chain],
          wrap: (store) => ({
            ...store,
            // In the midst of claiming the others, and after its own claim.
            entries: (jobId) =>
              Effect.andThen(
                jobId === ids[1]
                  ? Effect.andThen(Effect.yieldNow, atSecondTry("entries", jobId))
                  : Effect.void,
                store.entries(jobId),
              ),
            predictions: (jobId) =>
              Effect.andThen(
                jobId === ids[2] ? atSecondTry("predictions", jobId) : Effect.void,
                store.predictions(jobId),
              ),
          }),
        });
        const old = yield* startProcess({ journals, pipelines: [chain] });
        for (let count = 0; count < 4; count += 1) ids.push(yield* submitted(old, chain, "x"));
        yield* until("all are at second", () => script.callsOf("second").length === 4);
        yield* old.die;
        delete script.work["second"];
        for (const id of ids) expect(yield* outcomeOf(next, chain, id)).toEqual(complete);
        expect(failures).toBe(2);
      }),
  );

  it.live("over one SQLite file: a second Catena takes up what the first one left", () =>
    Effect.gen(function* () {
      const store = join(yield* temporaryFolder, "shared.db");
      const script = newScript({ second: () => Effect.never });
      const chain = chainOf(script);
      const options = {
        pipelines: [chain],
        store,
        durability: "normal",
        lookEvery: "5 millis",
      } as const;
      const outcomes = yield* Effect.promise(async () => {
        await using second = await Catena.start({ ...options, recoverEvery: "20 millis" });
        const first = await Catena.start(options);
        const jobs = await Promise.all(Array.from({ length: 20 }, () => first.submit(chain, "x")));
        while (script.callsOf("second").length < 20) await new Promise(setImmediate);
        delete script.work["second"];
        await first.stop();
        const again = await Promise.all(jobs.map(({ id }) => second.job(chain, id)));
        return await Promise.all(again.map((job) => job.outcome()));
      });
      expect(outcomes).toEqual(outcomes.map(() => complete));
      expect(script.callsOf("first")).toHaveLength(20);
    }),
  );
});
