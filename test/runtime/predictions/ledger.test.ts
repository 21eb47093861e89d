/**
 * The pay-once ledger: an intent is durable before it is sent, every answer closes it as what it was, and
 * what nobody knows is looked for until it is found or certainly absent. One prediction per call, ever.
 */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { Retry } from "../../../src/index.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import { journalOf, turns, typesOf, until } from "../support/jobs-harness.ts";
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
  shifted,
  submit,
} from "../support/ledger-harness.ts";

/** The first creates meet these fates; further ones go well. */
const fates =
  (...list: ReadonlyArray<Fate>) =>
  (ordinal: number): Fate =>
    list[ordinal - 1] ?? {};

const cancel = { type: "CancelRequested", by: "test" } as const;

const complete = (text: string) => ({ status: "complete", output: { text } });

describe("an intent", () => {
  it.effect("is durable before the create is sent, and carries its key and deadline", () =>
    Effect.gen(function* () {
      const seen: Array<string> = [];
      const provider = new FakeProvider({
        fateOf: (_, { key, cancelAfterMs }) => {
          const row = world.journals.predictions.get(key);
          seen.push(`${row?.state} ${cancelAfterMs}`);
          return {};
        },
      });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p1"));
      expect(seen).toEqual(["intended 60000"]);
    }),
  );

  it.effect("is never sent later than a quarter of the grace, and is then Rejected", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      let isSlow = true;
      const process = yield* processIn(world, [asking()], {}, (store) => ({
        ...store,
        job: (id) => (isSlow ? Effect.andThen(Effect.sleep(15_001), store.job(id)) : store.job(id)),
      }));
      const jobId = yield* submit(process, asking(), "tea");
      yield* passUntil("rejected", () => rowsOf(world)[0]?.state === "rejected");
      expect(provider.creates).toEqual([]);
      isSlow = false;
      expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p1"));
      expect(entriesOf(world, jobId, "PredictionRejected")).toHaveLength(1);
      // Nothing was sent: no attempt was used.
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
    }),
  );

  it.effect("is not sent by who no longer owns the job", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()], {}, (store) => ({
        ...store,
        job: (id) => {
          const file = world.journals.files.get(id);
          if (file !== undefined) world.journals.place(file, { ...file.job, owner: "another" });
          return store.job(id);
        },
      }));
      yield* submit(process, asking(), "tea");
      yield* pass(2_000);
      expect(provider.creates).toEqual([]);
      expect(new Set(rowsOf(world).map(({ state }) => state))).toEqual(new Set(["rejected"]));
    }),
  );

  it.effect("that is cancelled before it was sent is closed, not sent", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()], {}, (store) => ({
        ...store,
        job: (id) => Effect.andThen(Effect.sleep(5_000), store.job(id)),
      }));
      const jobId = yield* submit(process, asking(), "tea");
      yield* passUntil("intended", () => rowsOf(world).length === 1);
      yield* process.catena.engine.jobs.post(jobId, { type: "CancelRequested", by: "test" });
      yield* passUntil("cancelled", () => recordOf(world, jobId)?.status === "cancelled");
      expect(provider.creates).toEqual([]);
      expect(rowsOf(world)[0]?.state).toBe("rejected");
    }),
  );

  it.effect("and its cancel in one commit leave nothing open, and nothing is sent", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const late: { nudge?: (jobId: string) => void } = {};
      const process = yield* processIn(world, [asking()], {}, (store) => ({
        ...store,
        // A cancel comes with the attempt's start, and is read when the intent waits to be written.
        commit: (writes) => {
          const starting = writes.find(
            (write) =>
              write.type === "AppendEntries" &&
              write.entries.some(({ type }) => type === "StepStarted"),
          );
          if (starting?.type !== "AppendEntries") return store.commit(writes);
          const { jobId } = starting;
          const row = { id: "c", jobId, at: 0, facts: [cancel] };
          const told = Effect.sync(() => late.nudge?.(jobId));
          return Effect.tap(
            Effect.map(store.commit([...writes, { type: "PostInbox", row }]), (results) =>
              results.slice(0, -1),
            ),
            () => told,
          );
        },
        inbox: (jobId) => Effect.andThen(turns, store.inbox(jobId)),
      }));
      late.nudge = process.catena.engine.jobs.nudge;
      const jobId = yield* submit(process, asking(), "tea");
      yield* passUntil("cancelled", () => recordOf(world, jobId)?.status === "cancelled");
      const types = typesOf(journalOf(world.journals, jobId));
      expect(types.slice(4, 6)).toEqual(["PredictionIntended ask", "CancelRequested"]);
      expect(world.journals.openKeys.size).toBe(0);
      expect(provider.made).toEqual([]);
    }),
  );
});

describe("an answer that was lost", () => {
  it.effect("leaves the intent unknown, and the prediction is adopted, not made again", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answer: "lost" }), listLagMs: 2_000 });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* until("unknown", () => recordOf(world, jobId)?.detail === "unknown");
      expect(recordOf(world, jobId)?.status).toBe("processing");
      expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p1"));
      expect(provider.creates).toHaveLength(1);
      expect(entriesOf(world, jobId, "PredictionAccepted")[0]?.isAdopted).toBe(true);
    }),
  );

  it.effect.each(["everywhere", "in gets", undefined] as const)(
    "is found with keys shown %s, each of two equal ones once",
    (showsKey) =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: fates({ answer: "lost" }, { answer: "lost" }),
          ...(showsKey === undefined ? {} : { showsKey }),
        });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const jobs = [
          yield* submit(process, asking(), "tea"),
          yield* submit(process, asking(), "tea"),
        ];
        for (const jobId of jobs) yield* outcome(process, asking(), jobId);
        expect(provider.creates).toHaveLength(2);
        expect(new Set(rowsOf(world).map(({ predictionId }) => predictionId)).size).toBe(2);
        if (showsKey !== undefined)
          for (const row of rowsOf(world))
            expect(provider.made.find(({ id }) => id === row.predictionId)?.request.key).toBe(
              row.key,
            );
      }),
  );

  it.effect(
    "never adopts an unequal input, another's key, the web's, or what is out of its time",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: fates({ answer: "nothing" }),
          showsKey: "in gets",
        });
        const world = yield* makeWorld(provider);
        const now = yield* Clock.currentTimeMillis;
        provider.makeForeign({ prompt: "coffee" }, now);
        provider.makeForeign({ prompt: "tea" }, now, { source: "web" });
        provider.makeForeign({ prompt: "tea" }, now - 120_000);
        const others = provider.makeForeign({ prompt: "tea" }, now);
        Object.assign(others.request, { key: "the key of somebody else" });
        const process = yield* processIn(world, [asking()]);
        const jobId = yield* submit(process, asking(), "tea");
        expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p5"));
        expect(entriesOf(world, jobId, "PredictionAbsent")).toHaveLength(1);
        yield* pass(700_000, 5_000);
        expect(provider.made.flatMap(({ cancels }) => cancels)).toEqual([]);
      }),
  );

  it.effect("is Absent only after the grace and two complete listings ten seconds apart", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answer: "nothing" }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* outcome(process, asking(), jobId);
      const [intent] = entriesOf(world, jobId, "PredictionIntended");
      const [absent] = entriesOf(world, jobId, "PredictionAbsent");
      expect(absent?.isCertain).toBe(true);
      expect((absent?.at ?? 0) - (intent?.at ?? 0)).toBeGreaterThanOrEqual(60_000);
      const until = provider.listings.filter((at) => at <= (absent?.at ?? 0));
      expect((until.at(-1) ?? 0) - (until[0] ?? 0)).toBeGreaterThanOrEqual(10_000);
      expect(provider.creates).toHaveLength(2);
    }),
  );

  it.effect("is not Absent by listings that broke off, however many", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answer: "lost" }) });
      provider.isListBroken = true;
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* pass(300_000, 1_000);
      expect(recordOf(world, jobId)?.detail).toBe("unknown");
      provider.isListBroken = false;
      expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p1"));
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("is not Absent by one listing after the grace", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answer: "nothing" }) });
      provider.isListBroken = true;
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* pass(100_000, 1_000);
      provider.isListBroken = false;
      yield* passUntil("a listing", () => provider.listings.length === 1);
      expect(entriesOf(world, jobId, "PredictionAbsent")).toEqual([]);
      yield* passUntil("absent", () => entriesOf(world, jobId, "PredictionAbsent").length === 1);
      expect((provider.listings[1] ?? 0) - (provider.listings[0] ?? 0)).toBeGreaterThanOrEqual(
        10_000,
      );
    }),
  );

  it.effect("is not given up early by a clock that jumps ahead", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answer: "lost" }), listLagMs: 40_000 });
      const world = yield* makeWorld(provider);
      const jump = { ms: 0 };
      const jumping = shifted(yield* Clock.Clock, () => jump.ms);
      const process = yield* Effect.provideService(
        processIn(world, [asking()]),
        Clock.Clock,
        jumping,
      );
      const jobId = yield* submit(process, asking(), "tea");
      yield* pass(3_000);
      jump.ms = 3_600_000;
      yield* pass(30_000);
      expect(entriesOf(world, jobId, "PredictionAbsent")).toEqual([]);
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect(
    "is not given up early by a clock that jumps ahead while the create is on its way",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: fates({ answer: "lost", answerAfterMs: 5_000 }),
        });
        const world = yield* makeWorld(provider);
        const jump = { ms: 0 };
        const jumping = shifted(yield* Clock.Clock, () => jump.ms);
        const process = yield* Effect.provideService(
          processIn(world, [asking()]),
          Clock.Clock,
          jumping,
        );
        const jobId = yield* submit(process, asking(), "tea");
        yield* passUntil("sent", () => provider.made.length === 1);
        // Not listed for 40 s.
        provider.forgotten.add("p1");
        yield* pass(2_000);
        jump.ms = 120_000;
        yield* pass(38_000);
        expect(entriesOf(world, jobId, "PredictionAbsent")).toEqual([]);
        provider.forgotten.delete("p1");
        yield* passUntil("adopted", () => rowsOf(world)[0]?.predictionId === "p1");
        expect(provider.creates).toHaveLength(1);
      }),
  );

  it.effect(
    "of a provider that cannot list is Absent at once, and says that this is not certain",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({ fateOf: fates({ answer: "lost" }), canFind: false });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const jobId = yield* submit(process, asking(), "tea");
        expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p2"));
        expect(entriesOf(world, jobId, "PredictionAbsent")[0]?.isCertain).toBe(false);
        expect(provider.listings).toEqual([]);
      }),
  );

  it.effect(
    "is taken up by the next process where the first one died, without a second create",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: fates({ answer: "lost", answerAfterMs: 20_000 }),
        });
        const world = yield* makeWorld(provider);
        const first = yield* processIn(world, [asking()]);
        const jobId = yield* submit(first, asking(), "tea");
        yield* passUntil("sent", () => provider.creates.length === 1);
        yield* first.kill;
        const second = yield* processIn(world, [asking()]);
        expect(yield* outcome(second, asking(), jobId)).toEqual(complete("p1"));
        expect(provider.creates).toHaveLength(1);
      }),
  );

  it.effect(
    "is looked for among what was made in its time, not among all that was made since",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: fates({ answer: "lost", answerAfterMs: 20_000, runMs: Infinity }),
        });
        const world = yield* makeWorld(provider);
        const first = yield* processIn(world, [asking()]);
        const jobId = yield* submit(first, asking(), "tea");
        yield* passUntil("sent", () => provider.creates.length === 1);
        yield* first.kill;
        yield* pass(7_200_000, 600_000);
        const now = yield* Clock.currentTimeMillis;
        for (let count = 0; count < 50; count += 1)
          provider.makeForeign({ prompt: `${count}` }, now - count * 60_000);
        const second = yield* processIn(world, [asking()]);
        yield* passUntil(
          "adopted",
          () => entriesOf(world, jobId, "PredictionAccepted").length === 1,
        );
        expect(second).toBeDefined();
        expect(provider.listed).toBe(1);
      }),
  );

  it.effect("that comes while the process stops is still written down", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answerAfterMs: 2_000, runMs: 60_000 }) });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [asking()]);
      yield* submit(first, asking(), "tea");
      yield* passUntil("sent", () => provider.creates.length === 1);
      const stopped = yield* Effect.forkChild(first.stop);
      yield* pass(3_000);
      expect(stopped.pollUnsafe()).toBeDefined();
      expect(rowsOf(world)[0]?.predictionId).toBe("p1");
    }),
  );
});

describe("onUnknown", () => {
  it.effect("fail: the job rests on OutcomeUnknown and nothing is paid", () =>
    Effect.gen(function* () {
      const pipeline = asking({ onUnknown: "fail" });
      const provider = new FakeProvider({ fateOf: fates({ answer: "nothing" }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({
        status: "failed",
        kind: "provider",
        failure: { reason: "OutcomeUnknown" },
      });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect.each(["RetryRequested", "CancelRequested"] as const)(
    "ask: waits for a decision, %s ends the waiting",
    (type) =>
      Effect.gen(function* () {
        const pipeline = asking({ onUnknown: "ask" });
        const provider = new FakeProvider({ fateOf: fates({ answer: "nothing" }) });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [pipeline]);
        const jobId = yield* submit(process, pipeline, "tea");
        yield* passUntil("absent", () => entriesOf(world, jobId, "PredictionAbsent").length === 1);
        yield* pass(300_000, 5_000);
        expect(recordOf(world, jobId)).toMatchObject({
          status: "processing",
          detail: "unknown",
          waiting: { waitingFor: "a decision" },
        });
        expect(provider.creates).toHaveLength(1);
        const fact =
          type === "RetryRequested" ? { type, by: "t", isFresh: false } : { type, by: "t" };
        yield* process.catena.tell(jobId, fact);
        const end = yield* outcome(process, pipeline, jobId);
        expect(end.status).toBe(type === "RetryRequested" ? "complete" : "cancelled");
        expect(provider.creates).toHaveLength(type === "RetryRequested" ? 2 : 1);
      }),
  );

  it.effect("ask: a RETRY while it is still looked for decides nothing", () =>
    Effect.gen(function* () {
      const pipeline = asking({ onUnknown: "ask" });
      const provider = new FakeProvider({ fateOf: fates({ answer: "lost" }), listLagMs: 20_000 });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* until("unknown", () => recordOf(world, jobId)?.detail === "unknown");
      yield* process.catena.tell(jobId, { type: "RetryRequested", by: "t", isFresh: false });
      expect(yield* outcome(process, pipeline, jobId)).toEqual(complete("p1"));
      expect(provider.creates).toHaveLength(1);
      expect(entriesOf(world, jobId, "RetryRequested")).toEqual([]);
    }),
  );
});

describe("a double", () => {
  it.effect.each(["everywhere", "in gets", undefined] as const)(
    "that appears after Absent is cancelled and booked as duplicate, keys shown %s",
    (showsKey) =>
      Effect.gen(function* () {
        const late: Fate = { answer: "lost", appearsAfterMs: 75_000, runMs: Infinity };
        const provider = new FakeProvider({
          fateOf: fates(late),
          ...(showsKey === undefined ? {} : { showsKey }),
        });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const jobId = yield* submit(process, asking(), "tea");
        expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p2"));
        yield* pass(60_000, 1_000);
        const row = rowsOf(world).find(({ key }) => key.includes("#p1"));
        expect(row).toMatchObject({ predictionId: "p1", status: "canceled" });
        expect(row?.settledAt).not.toBeNull();
        expect(provider.made[0]?.cancels.length).toBeGreaterThan(0);
        expect(bookedMicros(world)).toBe(provider.costMicros(yield* Clock.currentTimeMillis));
        expect(world.journals.openKeys.size).toBe(0);
      }),
  );

  it.effect("is looked for again after two and after ten minutes", () =>
    Effect.gen(function* () {
      const late: Fate = { answer: "lost", appearsAfterMs: 400_000, runMs: Infinity };
      const provider = new FakeProvider({ fateOf: fates(late), showsKey: "everywhere" });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* outcome(process, asking(), jobId);
      const absentAt = entriesOf(world, jobId, "PredictionAbsent")[0]?.at ?? 0;
      yield* pass(650_000, 2_000);
      const after = provider.listings.map((at) => at - absentAt).filter((ms) => ms > 0);
      expect(after.map((ms) => Math.round(ms / 1_000))).toEqual([30, 120, 600]);
      expect(provider.made[0]?.cancels.length).toBeGreaterThan(0);
    }),
  );

  it.effect("is looked for by the next process, though its job has long come to rest", () =>
    Effect.gen(function* () {
      const late: Fate = { answer: "lost", appearsAfterMs: 400_000, runMs: Infinity };
      const provider = new FakeProvider({ fateOf: fates(late), showsKey: "everywhere" });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [asking()]);
      const jobId = yield* submit(first, asking(), "tea");
      expect(yield* outcome(first, asking(), jobId)).toEqual(complete("p2"));
      yield* first.kill;
      yield* processIn(world, [asking()]);
      yield* pass(650_000, 2_000);
      expect(rowsOf(world).find(({ key }) => key.includes("#p1"))).toMatchObject({
        predictionId: "p1",
        status: "canceled",
      });
      expect(provider.made[0]?.cancels.length).toBeGreaterThan(0);
    }),
  );

  it.effect("is nothing that was made long after the intent, however equal", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: fates({ answer: "nothing" }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* outcome(process, asking(), jobId);
      yield* pass(50_000, 1_000);
      provider.makeForeign({ prompt: "tea" }, yield* Clock.currentTimeMillis, { runMs: Infinity });
      yield* pass(650_000, 2_000);
      expect(provider.made.flatMap(({ cancels }) => cancels)).toEqual([]);
    }),
  );

  it.effect.each([
    ["here", false],
    ["in another process", true],
  ] as const)(
    "by input is left alone while another intent of equal input is unknown %s",
    ([_, isElsewhere]) =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: (ordinal) => {
            if (ordinal === 1) return { answer: "nothing" };
            return ordinal === 3 ? { answer: "lost", answerAfterMs: 10_000 } : {};
          },
          canFind: true,
        });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const first = yield* submit(process, asking(), "tea");
        yield* outcome(process, asking(), first);
        const absentAt = entriesOf(world, first, "PredictionAbsent")[0]?.at ?? 0;
        const now = yield* Clock.currentTimeMillis;
        yield* pass(absentAt + 25_000 - now);
        const other = isElsewhere ? yield* processIn(world, [asking()]) : process;
        const second = yield* submit(other, asking(), "tea");
        yield* outcome(other, asking(), second);
        expect(provider.made.flatMap(({ cancels }) => cancels)).toEqual([]);
        expect(provider.creates).toHaveLength(3);
      }),
  );

  it.effect("under the same key as the adopted one is cancelled and booked", () =>
    Effect.gen(function* () {
      const fateOf = fates({ answer: "lost", copies: 2, runMs: 100_000 });
      const provider = new FakeProvider({ fateOf, showsKey: "in gets" });
      const pipeline = asking({ timeout: "5 minutes" });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* outcome(process, pipeline, jobId);
      expect(provider.made.filter(({ cancels }) => cancels.length > 0)).toHaveLength(1);
      expect(bookedMicros(world)).toBe(provider.costMicros(yield* Clock.currentTimeMillis));
      expect(rowsOf(world).map(({ state }) => state)).toEqual(["settled", "settled"]);
    }),
  );

  it.effect("that the sender itself learns of too late is cancelled and booked", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({
        fateOf: fates({ answerAfterMs: 200_000, appearsAfterMs: 190_000, runMs: Infinity }),
      });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [asking()]);
      const jobId = yield* submit(first, asking(), "tea");
      yield* passUntil("sent", () => provider.creates.length === 1);
      yield* first.declareDead;
      const second = yield* processIn(world, [asking()]);
      expect(yield* outcome(second, asking(), jobId)).toEqual(complete("p2"));
      yield* pass(210_000, 1_000);
      expect(provider.made[0]?.cancels.length).toBeGreaterThan(0);
      expect(rowsOf(world).find(({ key }) => key.includes("#p1"))?.status).toBe("canceled");
    }),
  );

  it.effect("of a job that nobody owns is watched on by the next process", () =>
    Effect.gen(function* () {
      const late: Fate = {
        answer: "lost",
        appearsAfterMs: 75_000,
        runMs: Infinity,
        ignoresCancel: true,
        ignoresDeadline: true,
      };
      const provider = new FakeProvider({ fateOf: fates(late), showsKey: "everywhere" });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [asking()]);
      const jobId = yield* submit(first, asking(), "tea");
      yield* outcome(first, asking(), jobId);
      yield* passUntil("booked", () => rowsOf(world).some(({ state }) => state === "duplicate"));
      yield* first.kill;
      const cancels = provider.made[0]?.cancels.length ?? 0;
      yield* processIn(world, [asking()]);
      yield* pass(5_000);
      expect(provider.made[0]?.cancels.length).toBeGreaterThan(cancels);
    }),
  );
});

describe("settlement", () => {
  it.effect("is made from a look of our own, once, whoever looks", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* outcome(process, asking(), jobId);
      expect(provider.made[0]?.gets).toBeGreaterThan(0);
      expect(
        typesOf(journalOf(world.journals, jobId)).filter((one) =>
          one.startsWith("PredictionSettled"),
        ),
      ).toHaveLength(1);
      yield* turns;
      expect(bookedMicros(world)).toBe(1_000);
      expect(recordOf(world, jobId)?.costMicros).toBe(1_000);
    }),
  );

  it.effect(
    "of a prediction that the provider forgets is a failure with unknown cost, paid again by policy only",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({ fateOf: fates({ runMs: 30_000 }) });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        const jobId = yield* submit(process, asking(), "tea");
        yield* passUntil("made", () => provider.made.length === 1);
        provider.forgotten.add("p1");
        expect(yield* outcome(process, asking(), jobId)).toEqual(complete("p2"));
        expect(rowsOf(world)[0]).toMatchObject({ state: "settled", status: "failed" });
        expect(rowsOf(world)[0]?.receipt?.basis).toContain("unknown");
        expect(entriesOf(world, jobId, "AttemptFailed")).toHaveLength(1);
      }),
  );

  it.effect("at most one prediction per step and call is open at any time", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({
        fateOf: fates({ end: { status: "failed" } }, { answer: "lost" }, { runMs: 5_000 }),
      });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      let most = 0;
      yield* passUntil("complete", () => {
        most = Math.max(most, world.journals.openKeys.size);
        return recordOf(world, jobId)?.status === "complete";
      });
      expect(most).toBe(1);
    }),
  );
});

describe("a provider that answers no create, and makes nothing of it", () => {
  it.effect("uses up attempts, so that the job comes to rest and says why", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => ({ answer: "nothing" }) });
      const world = yield* makeWorld(provider);
      const pipeline = asking({ retry: Retry.fixed({ attempts: 2, delayMs: 1_000 }) });
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({
        status: "failed",
        failure: { _tag: "ProviderFailure", reason: "Unavailable" },
      });
      expect(entriesOf(world, jobId, "AttemptFailed")).toHaveLength(1);
    }),
  );
});
