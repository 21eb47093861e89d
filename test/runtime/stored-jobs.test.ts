/** Jobs read and told something by who owns none: nothing is taken over, and what cannot be is refused. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Latch } from "effect";
import { JobUnavailable } from "../../src/index.ts";
import { MemoryJournals, MemoryJournalStore } from "../../src/runtime/journal-stores/memory.ts";
import { storedJobs } from "../../src/runtime/stored-jobs.ts";
import { MemoryAssets } from "../../src/steps/asset-stores/memory.ts";
import { chainOf, newScript } from "./support/chains.ts";
import { asked, outcomeOf, startProcess, statusIn, submitted } from "./support/jobs-harness.ts";

const setUp = () => {
  const journals = new MemoryJournals();
  const jobs = storedJobs(MemoryJournalStore.make(journals), MemoryAssets.make());
  return { journals, jobs, script: newScript() };
};

describe("the jobs of a store", () => {
  it.effect("are read with their journal and values", () =>
    Effect.gen(function* () {
      const { journals, jobs, script } = setUp();
      const chain = chainOf(script);
      const process = yield* startProcess({ journals, pipelines: [chain] });
      const id = yield* submitted(process, chain, "x");
      yield* outcomeOf(process, chain, id);
      expect((yield* jobs.list({ status: "complete" })).map(({ jobId }) => jobId)).toEqual([id]);
      const { record, entries } = yield* jobs.state(id);
      expect(entries.at(-1)?.type).toBe("JobCompleted");
      expect(yield* jobs.value(record.normalizedOutput ?? { json: null })).toBe(
        "x>first>second>third",
      );
      expect(yield* Effect.flip(jobs.state("none"))).toBeInstanceOf(JobUnavailable);
    }),
  );

  it.effect("hear what they are told through the process that owns them", () =>
    Effect.gen(function* () {
      const { journals, jobs, script } = setUp();
      const latch = Latch.makeUnsafe(false);
      script.work["first"] = () => Effect.as(latch.await, "x");
      const chain = chainOf(script);
      const process = yield* startProcess({ journals, pipelines: [chain] });
      const id = yield* submitted(process, chain, "x");
      expect(yield* jobs.caretaker(id)).toBe("its owner");
      yield* jobs.tell(id, asked("CancelRequested"));
      expect(yield* outcomeOf(process, chain, id)).toEqual({ status: "cancelled" });
      expect(yield* jobs.caretaker(id)).toBe("some process");
      const refused = yield* Effect.flip(jobs.tell(id, asked("RetryRequested")));
      expect(refused.message).toContain("it is cancelled, there is nothing to retry");
    }),
  );

  it.effect("lie where they are when nobody runs them", () =>
    Effect.gen(function* () {
      const { journals, jobs, script } = setUp();
      script.work["second"] = () => Effect.die(new Error("a bug"));
      const chain = chainOf(script);
      const process = yield* startProcess({ journals, pipelines: [chain] });
      const id = yield* submitted(process, chain, "x");
      yield* outcomeOf(process, chain, id);
      yield* process.stop;
      expect(yield* jobs.caretaker(id)).toBe("nobody");
      yield* jobs.tell(id, asked("RetryRequested"));
      expect(statusIn(journals, id)).toBe("failed");
      delete script.work["second"];
      const next = yield* startProcess({ journals, pipelines: [chain] });
      expect(yield* outcomeOf(next, chain, id)).toMatchObject({ status: "complete" });
    }),
  );
});
