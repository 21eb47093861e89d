/** Which deaths of a process are held against a job: those in which something of it may have been running. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Schema } from "effect";
import { Parse, Pipeline, ProviderFailure, Retry, Step } from "../../../src/index.ts";
import type { AnyPipeline } from "../../../src/machines/pipeline.ts";
import { FakeProvider, type Fate } from "../support/fake-provider.ts";
import { ask } from "../support/jobs-harness.ts";
import {
  asking,
  entriesOf,
  makeWorld,
  outcome,
  painting,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
  type World,
} from "../support/ledger-harness.ts";

const complete = { status: "complete" };
const poisoned = { status: "failed", kind: "defect" };

/** Process after process dies once the claim holds, so often; then one comes that lives. */
const deathsOf = Effect.fnUntraced(function* (
  world: World,
  pipeline: AnyPipeline,
  { times, when }: { readonly times: number; readonly when: (nth: number) => boolean },
) {
  let jobId = "";
  for (let nth = 1; nth <= times; nth += 1) {
    const process = yield* processIn(world, [pipeline]);
    if (nth === 1) jobId = yield* submit(process, pipeline, "x");
    yield* passUntil(`death ${nth}`, () => when(nth));
    yield* process.kill;
  }
  return { jobId, last: yield* processIn(world, [pipeline]) };
});

const suspicions = (world: World, jobId: string) =>
  entriesOf(world, jobId, "Claimed").flatMap(({ isSuspect }) => isSuspect ?? []);

const waitsFor = (world: World): string | undefined =>
  [...world.journals.files.values()][0]?.job.record.waiting?.waitingFor;

describe("a job that only waits is no poison, however often its process dies:", () => {
  const innocent = Effect.fnUntraced(function* (
    fate: (ordinal: number) => Fate,
    claim: RegExp,
    pipeline = asking(),
  ) {
    const world = yield* makeWorld(new FakeProvider({ fateOf: fate }));
    const when = () => claim.test(waitsFor(world) ?? "");
    const { jobId, last } = yield* deathsOf(world, pipeline, { times: 5, when });
    expect(suspicions(world, jobId)).toEqual([false, false, false, false, false]);
    expect(yield* outcome(last, pipeline, jobId)).toMatchObject(complete);
    return world;
  });

  it.effect("for the model", () =>
    Effect.gen(function* () {
      const world = yield* innocent(() => ({ runMs: 50_000 }), /the model of ask/);
      expect(world.provider.made).toHaveLength(1);
    }),
  );

  it.effect("for the next try", () =>
    innocent(
      (ordinal) => (ordinal > 1 ? {} : { end: { status: "failed", error: "overloaded" } }),
      /the next try of ask/,
      asking({ retry: Retry.fixed({ attempts: 3, delayMs: 60_000 }) }),
    ),
  );

  it.effect("for a provider that asked for patience, or for credit", () =>
    Effect.gen(function* () {
      for (const reason of ["RateLimited", "QuotaExhausted"] as const) {
        const refusal = new ProviderFailure({
          reason,
          provider: "fake",
          detail: "no",
          retryAfterMs: 30_000,
        });
        yield* innocent(
          (ordinal) => (ordinal > 1 ? {} : { answer: refusal }),
          /the provider of ask to take calls again/,
        );
      }
    }),
  );

  it.effect(
    "for news of a call whose answer was lost, but for the death in which it was sent",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(
          new FakeProvider({
            fateOf: () => ({ answer: "lost", answerAfterMs: 5_000, runMs: 1_000 }),
          }),
        );
        world.provider.isListBroken = true;
        const pipeline = asking();
        const when = () => world.provider.creates.length === 1;
        const { jobId, last } = yield* deathsOf(world, pipeline, { times: 5, when });
        expect(suspicions(world, jobId)).toEqual([true, false, false, false, false]);
        world.provider.isListBroken = false;
        expect(yield* outcome(last, pipeline, jobId)).toMatchObject(complete);
      }),
  );

  it.effect("for a resume: nothing of it runs until then", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const calls: Array<string> = [];
      const slow = Step.make("slow", {
        input: Schema.String,
        output: Schema.String,
        run: (text) => Effect.as(Effect.sleep("10 seconds"), text),
      });
      const shout = Step.make("shout", {
        input: Schema.String,
        output: Schema.String,
        run: (text) => text.toUpperCase(),
      });
      const pipeline = Pipeline.make("paused", { version: 1, input: Schema.String })
        .step(slow)
        .step(shout, ({ last: text }) => {
          calls.push(text);
          return text;
        })
        .output(Schema.String, ({ last: text }) => text);
      const first = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(first, pipeline, "x");
      yield* pass(1_000);
      yield* ask(first, jobId, "PauseRequested");
      yield* passUntil("the step after it is held", () => waitsFor(world) === "a resume");
      yield* passUntil("slow is done", () => entriesOf(world, jobId, "StepSucceeded").length === 1);
      yield* first.kill;
      for (let deaths = 0; deaths < 4; deaths += 1) {
        const next = yield* processIn(world, [pipeline]);
        yield* pass(1_000);
        yield* next.kill;
      }
      expect(calls).toEqual([]);
      const last = yield* processIn(world, [pipeline]);
      yield* ask(last, jobId, "ResumeRequested");
      expect(yield* outcome(last, pipeline, jobId)).toMatchObject({ ...complete, output: "X" });
      expect(suspicions(world, jobId)).toEqual([false, false, false, false, false]);
    }),
  );
});

describe("a job whose process dies three times of it rests:", () => {
  it.effect("of copying its files, which nobody tries again but its RETRY", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(
        new FakeProvider({ fateOf: () => ({ end: { status: "succeeded", output: fileUrl } }) }),
      );
      const file = world.provider.file;
      world.provider.file = () => Effect.never;
      const pipeline = painting();
      const when = (nth: number) => world.provider.downloads === nth;
      const { jobId, last } = yield* deathsOf(world, pipeline, { times: 3, when });
      expect(yield* outcome(last, pipeline, jobId)).toMatchObject(poisoned);
      expect(recordOf(world, jobId)?.errorMessage).toBe("the process died 3 times here");
      yield* passUntil("it is settled", () => rowsOf(world)[0]?.state === "settled");
      expect(world.provider.downloads).toBe(3);
      world.provider.file = file;
      yield* ask(last, jobId, "RetryRequested");
      expect(yield* outcome(last, pipeline, jobId)).toMatchObject(complete);
      expect(world.provider.made).toHaveLength(1);
    }),
  );

  it.effect("of copying what a cancelled job left: the fourth process settles it without", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(
        new FakeProvider({
          fateOf: () => ({
            runMs: 5_000,
            ignoresCancel: true,
            end: { status: "succeeded", output: fileUrl },
          }),
        }),
      );
      world.provider.file = () => Effect.never;
      const pipeline = painting();
      let process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "x");
      yield* passUntil("it runs", () => rowsOf(world)[0]?.state === "accepted");
      yield* ask(process, jobId, "CancelRequested");
      for (let deaths = 1; deaths <= 3; deaths += 1) {
        yield* passUntil("it is copied", () => world.provider.downloads === deaths);
        yield* process.kill;
        process = yield* processIn(world, [pipeline]);
      }
      yield* passUntil("it is settled", () => rowsOf(world)[0]?.state === "settled");
      expect(world.provider.downloads).toBe(3);
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ status: "cancelled" });
    }),
  );

  it.effect("a process that stopped by itself while it copied did not die of it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(
        new FakeProvider({ fateOf: () => ({ end: { status: "succeeded", output: fileUrl } }) }),
      );
      const file = world.provider.file;
      world.provider.file = () => Effect.never;
      const pipeline = painting();
      let jobId = "";
      for (let stops = 1; stops <= 4; stops += 1) {
        const process = yield* processIn(world, [pipeline]);
        if (stops === 1) jobId = yield* submit(process, pipeline, "x");
        yield* passUntil("it is copied", () => world.provider.downloads === stops);
        yield* process.stop;
      }
      world.provider.file = file;
      const last = yield* processIn(world, [pipeline]);
      expect(yield* outcome(last, pipeline, jobId)).toMatchObject(complete);
    }),
  );

  it.effect(
    "of sending its call, although each process first makes sure that nothing was sent",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld(
          new FakeProvider({ fateOf: () => ({ answer: "nothing", answerAfterMs: 1e9 }) }),
        );
        const pipeline = asking({ timeout: "30 minutes" });
        const when = (nth: number) => world.provider.creates.length === nth;
        const { jobId, last } = yield* deathsOf(world, pipeline, { times: 3, when });
        expect(yield* outcome(last, pipeline, jobId)).toMatchObject(poisoned);
        expect(suspicions(world, jobId)).toEqual([true, true, true]);
      }),
  );

  it.effect("of a model that runs in the process, though not where another process ran it", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(
        new FakeProvider({ runsHere: true, fateOf: () => ({ runMs: 50_000 }) }),
      );
      const pipeline = asking();
      const when = () => rowsOf(world)[0]?.state === "accepted";
      const { jobId, last } = yield* deathsOf(world, pipeline, { times: 2, when });
      expect(yield* outcome(last, pipeline, jobId)).toMatchObject(complete);
      expect(suspicions(world, jobId)).toEqual([true, false]);
    }),
  );

  it.effect("of reading its answer", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      let reads = 0;
      let kill = (): void => undefined;
      const pipeline = asking({
        parse: (output) => {
          reads += 1;
          if (reads <= 3) kill();
          return Parse.json(output);
        },
      });
      const reader = yield* dyingProcesses(world, pipeline, (die) => {
        kill = die;
      });
      expect(yield* outcome(reader.last, pipeline, reader.jobId)).toMatchObject(poisoned);
      expect(reads).toBe(3);
      yield* ask(reader.last, reader.jobId, "RetryRequested");
      expect(yield* outcome(reader.last, pipeline, reader.jobId)).toMatchObject(complete);
      expect(world.provider.made).toHaveLength(1);
    }),
  );

  it.effect("of a function that leaves it no time to write its start down, after a back-off", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      let runs = 0;
      let kill = (): void => undefined;
      const deadly = Step.make("deadly", {
        input: Schema.String,
        output: Schema.String,
        fails: ["provider"],
        retry: Retry.fixed({ attempts: 5, delayMs: 1_000 }),
        run: () => {
          runs += 1;
          if (runs > 1) kill();
          const detail = "for the first time";
          return Effect.fail(new ProviderFailure({ reason: "Unavailable", provider: "x", detail }));
        },
      });
      const pipeline = Pipeline.make("deadly", { version: 1, input: Schema.String })
        .step(deadly)
        .output(Schema.String, ({ last: text }) => text);
      const { jobId, last } = yield* dyingProcesses(world, pipeline, (die) => {
        kill = die;
      });
      expect(yield* outcome(last, pipeline, jobId)).toMatchObject(poisoned);
      expect(runs).toBe(4);
    }),
  );
});

/** Three processes in a row that the job itself kills, before anything else it does is written; then one that lives. */
const dyingProcesses = Effect.fnUntraced(function* (
  world: World,
  pipeline: AnyPipeline,
  setKill: (kill: () => void) => void,
) {
  let jobId = "";
  for (let nth = 1; nth <= 3; nth += 1) {
    const life = { isOver: false };
    setKill(() => {
      life.isOver = true;
    });
    const process = yield* processIn(world, [pipeline], {}, (store) => ({
      ...store,
      commit: (writes) => (life.isOver ? Effect.never : store.commit(writes)),
    }));
    if (nth === 1) jobId = yield* submit(process, pipeline, "x");
    yield* passUntil(`death ${nth}`, () => life.isOver);
    yield* process.kill;
  }
  setKill(() => undefined);
  return { jobId, last: yield* processIn(world, [pipeline]) };
});

const fileUrl = "https://files.example/one.png";

describe("that files are copied", () => {
  it.effect("is written down before the first one, once, and not at all where there are none", () =>
    Effect.gen(function* () {
      const marks = Effect.fnUntraced(function* (pipeline: AnyPipeline, fate: Fate) {
        const world = yield* makeWorld(new FakeProvider({ fateOf: () => fate }));
        let count = 0;
        const process = yield* processIn(world, [pipeline], {}, (store) => ({
          ...store,
          commit: (writes) => {
            count += writes.filter(
              (write) => write.type === "ChangePrediction" && write.change.copying != null,
            ).length;
            return store.commit(writes);
          },
        }));
        const jobId = yield* submit(process, pipeline, "x");
        expect(yield* outcome(process, pipeline, jobId)).toMatchObject(complete);
        return count;
      });
      const file: Fate = { end: { status: "succeeded", output: fileUrl } };
      expect(yield* marks(painting(), file)).toBe(1);
      expect(yield* marks(asking(), {})).toBe(0);
    }),
  );

  const copiers = Effect.fnUntraced(function* (file: FakeProvider["file"], count: number) {
    const world = yield* makeWorld(
      new FakeProvider({
        fateOf: () => ({ end: { status: "succeeded", output: [fileUrl, `${fileUrl}?2`] } }),
      }),
    );
    world.provider.file = file;
    const pipeline = painting();
    const process = yield* processIn(world, [pipeline]);
    for (let nth = 0; nth < count; nth += 1) yield* submit(process, pipeline, `${nth}`);
    return { world, process, pipeline };
  });

  const suspectsAfter = Effect.fnUntraced(function* ({
    world,
    process,
    pipeline,
  }: Effect.Success<ReturnType<typeof copiers>>) {
    yield* process.kill;
    yield* processIn(world, [pipeline]);
    const claims = [...world.journals.files.keys()].flatMap((id) =>
      entriesOf(world, id, "Claimed"),
    );
    return claims.filter(({ isSuspect }) => isSuspect).length;
  });

  it.effect("is not held against those whose files wait for their turn", () =>
    Effect.gen(function* () {
      const copying = yield* copiers(() => Effect.never, 40);
      yield* passUntil("many are copied", () => copying.world.provider.downloads === 32);
      yield* pass(20_000);
      expect(yield* suspectsAfter(copying)).toBe(32);
    }),
  );

  it.effect("is not held against those that wait to try it again", () =>
    Effect.gen(function* () {
      const detail = "the host of the files is down";
      const down = new ProviderFailure({ reason: "Unavailable", provider: "fake", detail });
      const copying = yield* copiers(() => Effect.fail(down), 5);
      yield* passUntil("all have tried", () => copying.world.provider.downloads >= 5);
      yield* pass(20_000);
      expect(yield* suspectsAfter(copying)).toBe(0);
    }),
  );
});
