/** What has failed for good waits as a letter until somebody goes on with it or leaves it at that. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { ProviderFailure } from "../../src/index.ts";
import { memoryChannel } from "../../src/runtime/notification-channels/memory.ts";
import { type Work, chainOf, newScript } from "./support/chains.ts";
import { FakeProvider } from "./support/fake-provider.ts";
import {
  outcomeOf,
  type Process,
  statusIn,
  submitted,
  turns,
  typesOf,
  journalOf,
} from "./support/jobs-harness.ts";
import { makeWorld, pass, processIn, type World } from "./support/ledger-harness.ts";

const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });

/** A chain whose second step fails until it is mended. */
const breaking = () => {
  const state = { isMended: false, runs: 0 };
  const work: Work = (input) => {
    state.runs += 1;
    return state.isMended ? Effect.succeed(`${input}!`) : Effect.fail(down);
  };
  return { state, chain: chainOf(newScript({ second: work })) };
};

const letters = ({ catena }: Process) => catena.deadLetters;

const failed = Effect.fnUntraced(function* (
  process: Process,
  chain: ReturnType<typeof chainOf>,
  count: number,
) {
  const ids: Array<string> = [];
  for (let index = 0; index < count; index += 1) ids.push(yield* submitted(process, chain, "x"));
  yield* pass(1_000);
  return ids;
});

const statuses = ({ journals }: World, ids: ReadonlyArray<string>) =>
  ids.map((id) => statusIn(journals, id));

describe("a dead letter", () => {
  it.effect("is there once its job has failed for good, and says at which step and why", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain } = breaking();
      const process = yield* processIn(world, [chain]);
      const [id] = yield* failed(process, chain, 1);
      expect(yield* letters(process).list()).toMatchObject([
        {
          id,
          source: "job",
          pipeline: "chain",
          step: "second",
          kind: "provider",
          message: "A model provider could not finish the work.",
          reason: "acme: Unavailable: down",
          deaths: 1,
        },
      ]);
    }),
  );

  it.effect(
    "is closed at once when it is redriven, and its job goes on at the step that failed",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(new FakeProvider());
        const { chain, state } = breaking();
        const process = yield* processIn(world, [chain]);
        const [id = ""] = yield* failed(process, chain, 1);
        state.isMended = true;
        yield* letters(process).redrive({ id });
        expect(yield* letters(process).list()).toEqual([]);
        expect(yield* outcomeOf(process, chain, id)).toMatchObject({ status: "complete" });
        const starts = typesOf(journalOf(world.journals, id));
        expect(starts.filter((type) => type === "StepStarted first")).toHaveLength(1);
      }),
  );

  it.effect("is closed by a plain retry as well", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain } = breaking();
      const process = yield* processIn(world, [chain]);
      const [id = ""] = yield* failed(process, chain, 1);
      yield* process.catena.tell(id, { type: "RetryRequested", by: "test", isFresh: false });
      expect(yield* letters(process).count()).toBe(0);
    }),
  );

  it.effect("opens again when the job dies again, and counts the deaths", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain } = breaking();
      const process = yield* processIn(world, [chain]);
      const [id = ""] = yield* failed(process, chain, 1);
      for (const deaths of [2, 3]) {
        yield* letters(process).redrive({ id });
        yield* pass(1_000);
        expect(yield* letters(process).list()).toMatchObject([{ id, deaths }]);
      }
    }),
  );

  it.effect("is redriven once, however many ask for it at once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain, state } = breaking();
      const process = yield* processIn(world, [chain]);
      const [id = ""] = yield* failed(process, chain, 1);
      const asked = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => Effect.result(letters(process).redrive({ id })),
        { concurrency: "unbounded" },
      );
      yield* pass(1_000);
      expect(asked.filter(({ _tag }) => _tag === "Success")).toHaveLength(1);
      expect(state.runs).toBe(2);
    }),
  );

  it.effect("that was discarded is gone; its job stays failed and can still be retried", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain, state } = breaking();
      const process = yield* processIn(world, [chain]);
      const [id = ""] = yield* failed(process, chain, 1);
      yield* letters(process).discard({ id });
      expect(yield* letters(process).list()).toEqual([]);
      expect(statusIn(world.journals, id)).toBe("failed");
      const again = yield* Effect.flip(letters(process).discard({ id }));
      expect(again.message).toContain(`Dead letter ${id}: there is none open`);
      state.isMended = true;
      yield* process.catena.tell(id, { type: "RetryRequested", by: "test", isFresh: false });
      expect(yield* outcomeOf(process, chain, id)).toMatchObject({ status: "complete" });
    }),
  );

  it.effect("of a pipeline that is not deployed is left where it is, and says so", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain } = breaking();
      const process = yield* processIn(world, [chain]);
      const [id = ""] = yield* failed(process, chain, 1);
      yield* process.stop;
      const other = yield* processIn(world, [chainOf(newScript(), {}, "other")]);
      const refused = yield* Effect.flip(letters(other).redrive({ id }));
      expect(refused.message).toContain("its pipeline chain@1 is not deployed in this process");
      const all = yield* letters(other).redriveAll({});
      expect(all).toMatchObject({ done: 0, skipped: 1, isComplete: true });
      expect(all.reasons).toEqual([
        "Dead letter …: its pipeline chain@1 is not deployed in this process",
      ]);
      expect(yield* letters(other).count()).toBe(1);
    }),
  );
});

describe("a notification that nobody took", () => {
  it.effect("is a letter, which is closed when it is sent again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const channel = memoryChannel();
      channel.answer("refuseForGood");
      const chain = chainOf(newScript());
      const process = yield* processIn(world, [chain], { notifications: { orders: { channel } } });
      const jobId = yield* submitted(process, chain, "x");
      yield* pass(1_000);
      const [letter] = yield* letters(process).list({ source: "notification" });
      expect(letter).toMatchObject({
        jobId,
        pipeline: "chain",
        step: "orders",
        kind: "undeliverable",
        reason: "job.complete to orders: refused, as the test wants it",
      });
      channel.answer("take");
      yield* letters(process).redrive({ id: letter?.id ?? "" });
      expect(yield* letters(process).list()).toEqual([]);
      yield* pass(1_000);
      expect(channel.received.map(({ id }) => id)).toEqual([letter?.id]);
    }),
  );

  it.effect("says why where this process cannot send it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const channel = memoryChannel();
      channel.answer("refuseForGood");
      const chain = chainOf(newScript());
      const process = yield* processIn(world, [chain], { notifications: { orders: { channel } } });
      yield* submitted(process, chain, "x");
      yield* pass(1_000);
      yield* process.stop;
      const other = yield* processIn(world, [chain]);
      const done = yield* letters(other).redriveAll({ kind: "undeliverable" });
      expect(done).toMatchObject({ done: 0, skipped: 1 });
      expect(done.reasons[0]).toContain('this process has no subscription "orders"');
      expect(yield* letters(other).discardAll({})).toMatchObject({ done: 1 });
    }),
  );
});

describe("letters by the many", () => {
  it.effect("are counted as one cause, and redriven by it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain, state } = breaking();
      const bug = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }), {}, "buggy");
      const process = yield* processIn(world, [chain, bug]);
      const ids = yield* failed(process, chain, 5);
      const [buggy = ""] = yield* failed(process, bug, 1);
      const causes = yield* letters(process).causes();
      expect(causes).toMatchObject([
        { pipeline: "chain", step: "second", kind: "provider", letters: 5, deaths: 5 },
        { pipeline: "buggy", step: "first", kind: "defect", letters: 1, examples: [buggy] },
      ]);
      state.isMended = true;
      const cause = causes[0]?.cause ?? "";
      expect(yield* letters(process).redriveAll({ cause })).toEqual({
        done: 5,
        skipped: 0,
        reasons: [],
        isComplete: true,
      });
      yield* pass(1_000);
      expect(new Set(statuses(world, ids))).toEqual(new Set(["complete"]));
      expect(yield* letters(process).list()).toMatchObject([{ id: buggy }]);
    }),
  );

  it.effect("are a thousand at a time, the newest first, and it says that there are more", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const { chain } = breaking();
      const process = yield* processIn(world, [chain], { concurrency: 2_000 });
      const ids = yield* failed(process, chain, 1_003);
      const done = yield* letters(process).discardAll({ pipeline: "chain" });
      expect(done).toMatchObject({ done: 1_000, isComplete: false });
      const left = (yield* letters(process).list()).map(({ id }) => id);
      expect(left.toSorted()).toEqual(ids.slice(0, 3).toSorted());
      const rest = yield* letters(process).discardAll({ pipeline: "chain" });
      expect(rest).toMatchObject({ done: 3, isComplete: true });
    }),
  );

  it.effect("are what is left of poison: a job that took its process down three times", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const deadly = chainOf(newScript({ first: () => Effect.never }), {}, "deadly");
      const first = yield* processIn(world, [deadly]);
      const id = yield* submitted(first, deadly, "x");
      yield* pass(1_000);
      let process = first;
      for (let deaths = 0; deaths < 3; deaths += 1) {
        yield* process.kill;
        process = yield* processIn(world, [deadly]);
        yield* pass(1_000);
      }
      yield* turns;
      expect(yield* letters(process).list()).toMatchObject([
        { id, kind: "defect", message: "step failed", reason: "the process died 3 times here" },
      ]);
    }),
  );
});
