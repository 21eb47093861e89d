/**
 * Reports of a provider are hints: kept before they are answered, heard by whoever watches the prediction,
 * and followed by a look, which alone counts. The processes here poll every ten minutes at most.
 */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { FakeProvider } from "../support/fake-provider.ts";
import { journalOf, type Process, turns, typesOf } from "../support/jobs-harness.ts";
import {
  asking,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
} from "../support/ledger-harness.ts";

const rarely = { pollEvery: "10 minutes" } as const;
const slow = asking({ timeout: "2 hours" });

const keep = ({ catena }: Process, key: string) => catena.engine.hints.keep("fake", key);

describe("a report", () => {
  it.effect("on a running prediction makes us look at once", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [slow], rarely);
      const jobId = yield* submit(process, slow, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      yield* pass(5_000);
      expect(rowsOf(world)[0]?.state).toBe("accepted");
      expect(yield* keep(process, rowsOf(world)[0]?.key ?? "")).toBe("kept");
      yield* turns;
      expect(rowsOf(world)[0]?.state).toBe("settled");
      expect(yield* outcome(process, slow, jobId)).toMatchObject({ status: "complete" });
    }),
  );

  it.effect("that came before the answer to the create is looked into right after that", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => ({ runMs: 10, answerAfterMs: 3_000 }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [slow], rarely);
      yield* submit(process, slow, "tea");
      yield* passUntil("sent", () => provider.made.length === 1);
      expect(yield* keep(process, rowsOf(world)[0]?.key ?? "")).toBe("kept");
      expect(rowsOf(world)[0]?.state).toBe("intended");
      yield* pass(3_500);
      expect(rowsOf(world)[0]?.state).toBe("settled");
    }),
  );

  it.effect("on a call whose answer was lost finds it before its search would", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({
        fateOf: () => ({ answer: "lost", runMs: 10 }),
        showsKey: "in gets",
      });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [slow], rarely);
      yield* submit(process, slow, "tea");
      provider.isListBroken = true;
      // The next listing of its own would come after four seconds more.
      yield* passUntil("unknown", () => rowsOf(world)[0]?.state === "unknown");
      yield* pass(3_250);
      provider.isListBroken = false;
      yield* keep(process, rowsOf(world)[0]?.key ?? "");
      yield* pass(1_500);
      expect(rowsOf(world)[0]?.state).toBe("settled");
    }),
  );

  it.effect("reaches the other process that watches the prediction", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const first = yield* processIn(world, [slow], rarely);
      const second = yield* processIn(world, [slow], rarely);
      const jobId = yield* submit(first, slow, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      yield* pass(5_000);
      expect(yield* keep(second, rowsOf(world)[0]?.key ?? "")).toBe("kept");
      yield* pass(500);
      expect(rowsOf(world)[0]?.state).toBe("settled");
      expect(yield* outcome(first, slow, jobId)).toMatchObject({ status: "complete" });
    }),
  );

  it.effect("reaches the other process once more when it comes again, as at the end", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => ({ runMs: 60_000 }) });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [slow], rarely);
      const second = yield* processIn(world, [slow], rarely);
      yield* submit(first, slow, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      const key = rowsOf(world)[0]?.key ?? "";
      yield* pass(5_000);
      // That it has started, say; it runs on.
      expect(yield* keep(second, key)).toBe("kept");
      yield* pass(60_000);
      expect(rowsOf(world)[0]?.state).toBe("accepted");
      expect(yield* keep(second, key)).toBe("kept");
      yield* pass(500);
      expect(rowsOf(world)[0]?.state).toBe("settled");
    }),
  );

  it.effect("is not forgotten by a process that dies right after it has answered", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      // Its looks never end: it dies before it could have seen anything.
      const first = yield* processIn(world, [slow], {
        ...rarely,
        models: { ...world.provider.client, get: () => Effect.never },
      });
      const jobId = yield* submit(first, slow, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      yield* pass(5_000);
      const key = rowsOf(world)[0]?.key ?? "";
      expect(yield* keep(first, key)).toBe("kept");
      yield* first.kill;
      expect(world.journals.hints.has(key)).toBe(true);
      const second = yield* processIn(world, [slow], rarely);
      yield* pass(500);
      expect(rowsOf(world)[0]?.state).toBe("settled");
      expect(yield* outcome(second, slow, jobId)).toMatchObject({ status: "complete" });
      expect(world.provider.made).toHaveLength(1);
    }),
  );

  it.effect("while a look is under way is followed by another look, however many came", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => ({ runMs: 60_000 }) });
      const world = yield* makeWorld(provider);
      let looks = 0;
      const { client } = provider;
      const models = {
        ...client,
        get: (id: string) =>
          Effect.suspend(() => {
            looks += 1;
            return Effect.andThen(Effect.sleep(1_000), client.get(id));
          }),
      };
      const process = yield* processIn(world, [slow], { ...rarely, models });
      yield* submit(process, slow, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      const key = rowsOf(world)[0]?.key ?? "";
      for (let report = 0; report < 50; report += 1) yield* keep(process, key);
      yield* pass(5_000);
      expect(looks).toBe(2);
    }),
  );

  it.effect("on an intent that seemed absent books what was made of it as a double", () =>
    Effect.gen(function* () {
      const late = { answer: "nothing" } as const;
      const provider = new FakeProvider({
        fateOf: (ordinal) => (ordinal === 1 ? late : { runMs: 10 }),
        showsKey: "in gets",
      });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* outcome(process, asking(), jobId);
      // All looks for doubles by itself are over.
      yield* pass(900_000, 10_000);
      const absent = rowsOf(world).find(({ state }) => state === "absent");
      const [created] = provider.creates;
      if (absent === undefined || created === undefined) throw new Error("nothing was absent");
      const double = provider.makeForeign(created.request.input, absent.intendedAt, {
        runMs: 60_000,
      });
      Object.assign(double, { request: created.request });
      expect(yield* keep(process, absent.key)).toBe("kept");
      yield* pass(30_000);
      const booked = rowsOf(world).find(({ key }) => key.startsWith(`${absent.key}#`));
      expect(booked).toMatchObject({ predictionId: double.id, state: "settled" });
      expect(world.journals.hints.has(absent.key)).toBe(false);
    }),
  );

  it.effect("on nothing, on another provider's, or on what is over, writes nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* outcome(process, asking(), jobId);
      const key = rowsOf(world)[0]?.key ?? "";
      const { commits } = world.journals;
      const { hints } = process.catena.engine;
      expect(yield* hints.keep("fake", "nobody's")).toBe("unknown");
      expect(yield* hints.keep("another", key)).toBe("unknown");
      expect(yield* hints.keep("fake", key)).toBe("late");
      expect(world.journals.commits).toBe(commits);
      expect(recordOf(world, jobId)?.status).toBe("complete");
    }),
  );

  it.effect("that is refused by the store is not answered as kept", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [slow], rarely, (store) => ({
        ...store,
        commit: (writes) =>
          writes.some(({ type }) => type === "HintPrediction")
            ? Effect.die(new Error("a disk of another kind"))
            : store.commit(writes),
      }));
      const jobId = yield* submit(process, slow, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      const exit = yield* Effect.exit(keep(process, rowsOf(world)[0]?.key ?? ""));
      expect(exit._tag).toBe("Failure");
      expect(typesOf(journalOf(world.journals, jobId)).at(-1)).toBe("PredictionAccepted ask");
    }),
  );
});
