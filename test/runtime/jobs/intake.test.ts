/** Which jobs a process takes up: everybody's, its own, or none beside those it has. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { chainOf, gatedWork, newScript } from "../support/chains.ts";
import {
  ask,
  outcomeOf,
  startProcess,
  statusIn,
  submitted,
  turns,
  until,
} from "../support/jobs-harness.ts";

const later = Effect.andThen(TestClock.adjust("1 minute"), turns);

const setUp = () => {
  const journals = new MemoryJournals();
  const gate = gatedWork("first");
  const script = newScript({ first: gate.work });
  return { journals, gate, script, pipelines: [chainOf(script)] as const };
};

describe("a process of own jobs", () => {
  it.effect("runs what is submitted to it, and nothing that waits or was left behind", () =>
    Effect.gen(function* () {
      const { journals, gate, pipelines } = setUp();
      const [chain] = pipelines;
      const dead = yield* startProcess({ journals, pipelines, concurrency: 1 });
      const left = yield* submitted(dead, chain, "left");
      const waiting = yield* submitted(dead, chain, "waiting");
      yield* dead.die;
      const own = yield* startProcess({ journals, pipelines, intake: "own" });
      const mine = yield* submitted(own, chain, "mine");
      gate.open();
      expect(yield* outcomeOf(own, chain, mine)).toMatchObject({ status: "complete" });
      yield* later;
      expect(own.catena.engine.recovered).toBe(0);
      expect([statusIn(journals, left), statusIn(journals, waiting)]).toEqual([
        "processing",
        "pending",
      ]);
    }),
  );

  it.effect("runs the job of a dead process that it is given, once", () =>
    Effect.gen(function* () {
      const { journals, gate, script, pipelines } = setUp();
      const [chain] = pipelines;
      const dead = yield* startProcess({ journals, pipelines });
      const left = yield* submitted(dead, chain, "left");
      yield* until("it began", () => script.callsOf("first").length === 1);
      yield* dead.die;
      const own = yield* startProcess({ journals, pipelines, intake: "own" });
      yield* own.catena.engine.jobs.takeUp(left);
      yield* own.catena.engine.jobs.takeUp(left);
      gate.open();
      expect(yield* outcomeOf(own, chain, left)).toMatchObject({ status: "complete" });
      expect(script.callsOf("first")).toHaveLength(2);
    }),
  );

  it.effect("leaves the job of a living process to it", () =>
    Effect.gen(function* () {
      const { journals, gate, script, pipelines } = setUp();
      const [chain] = pipelines;
      const living = yield* startProcess({ journals, pipelines });
      const id = yield* submitted(living, chain, "x");
      const own = yield* startProcess({ journals, pipelines, intake: "own" });
      yield* own.catena.engine.jobs.takeUp(id);
      gate.open();
      expect(yield* outcomeOf(own, chain, id)).toMatchObject({ status: "complete" });
      expect(script.callsOf("first")).toHaveLength(1);
    }),
  );
});

describe("a process that takes no job", () => {
  it.effect("keeps what it is given for others, as rows", () =>
    Effect.gen(function* () {
      const { journals, gate, pipelines } = setUp();
      const [chain] = pipelines;
      const none = yield* startProcess({ journals, pipelines, intake: "none" });
      const id = yield* submitted(none, chain, "x");
      yield* later;
      expect(statusIn(journals, id)).toBe("pending");
      gate.open();
      const other = yield* startProcess({ journals, pipelines });
      expect(yield* outcomeOf(other, chain, id)).toMatchObject({ status: "complete" });
    }),
  );

  it.effect("finishes those it has while another takes the new ones", () =>
    Effect.gen(function* () {
      const { journals, gate, script, pipelines } = setUp();
      const [chain] = pipelines;
      const old = yield* startProcess({ journals, pipelines });
      const flying = yield* submitted(old, chain, "flying");
      yield* until("it began", () => script.callsOf("first").length === 1);
      const young = newScript();
      const [changed] = [chainOf(young)];
      const next = yield* startProcess({ journals, pipelines: [changed], intake: "none" });
      old.catena.engine.jobs.setIntake("none");
      next.catena.engine.jobs.setIntake("any");
      const fresh = yield* submitted(next, changed, "fresh");
      expect(yield* outcomeOf(next, changed, fresh)).toMatchObject({ status: "complete" });
      gate.open();
      expect(yield* outcomeOf(old, chain, flying)).toMatchObject({ status: "complete" });
      expect(young.calls.map((call) => call.split(" ")[1]?.split(">")[0])).not.toContain("flying");
      expect(yield* old.catena.engine.store.jobsOf(old.catena.engine.owner)).toEqual([]);
    }),
  );

  it.effect("hears, once it takes jobs, what was said to resting ones meanwhile", () =>
    Effect.gen(function* () {
      const { journals, gate, script, pipelines } = setUp();
      const [chain] = pipelines;
      gate.open();
      script.work["second"] = () => Effect.die(new Error("a bug"));
      const process = yield* startProcess({ journals, pipelines });
      const id = yield* submitted(process, chain, "x");
      expect(yield* outcomeOf(process, chain, id)).toMatchObject({ status: "failed" });
      delete script.work["second"];
      process.catena.engine.jobs.setIntake("none");
      yield* ask(process, id, "RetryRequested");
      yield* later;
      expect(statusIn(journals, id)).toBe("failed");
      process.catena.engine.jobs.setIntake("any");
      expect(yield* outcomeOf(process, chain, id)).toMatchObject({ status: "complete" });
    }),
  );
});
