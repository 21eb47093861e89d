/** What was paid once is read again before anything is paid again: answers, files, and answers that only a bug keeps back. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Result } from "effect";
import { PolicyFailure, Retry } from "../../../src/index.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";
import { AssetStoreFailure } from "../../../src/steps/asset-store.ts";
import type { Parse } from "../../../src/steps/parse.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import {
  asking,
  bookedMicros,
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
} from "../support/ledger-harness.ts";
import { damagedFile, outputExpired, unavailable } from "../support/provider-failures.ts";

const retry = (isFresh: boolean) => ({ type: "RetryRequested", by: "test", isFresh }) as const;

/** A parser that a deployment mends. */
const breakable = () => {
  const state = { isBroken: true, how: "refuses" as "refuses" | "throws" };
  const parse: Parse = () => {
    if (!state.isBroken) return Result.succeed({ text: "mended" });
    if (state.how === "throws") throw new TypeError("a bug in the parser");
    return Result.fail([{ path: "text", message: "not as expected" }]);
  };
  return { state, parse };
};

describe("an answer that does not decode", () => {
  it.effect.each(["refuses", "throws"] as const)(
    "is durable before the parser sees it, and a RETRY reads it again with the mended one: %s",
    (how) =>
      Effect.gen(function* () {
        const { state, parse } = breakable();
        state.how = how;
        const pipeline = asking({ parse });
        const provider = new FakeProvider();
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [pipeline]);
        const jobId = yield* submit(process, pipeline, "tea");
        expect(yield* outcome(process, pipeline, jobId)).toMatchObject({
          status: "failed",
          kind: how === "throws" ? "defect" : "validation",
        });
        expect(rowsOf(world)[0]?.raw).toMatchObject({ json: { output: '{"text":"p1"}' } });
        yield* process.catena.tell(jobId, retry(false));
        yield* passUntil("failed again", () => entriesOf(world, jobId, "StepStarted").length === 2);
        state.isBroken = false;
        yield* pass(30_000, 1_000);
        yield* process.catena.tell(jobId, retry(false)).pipe(Effect.ignore);
        yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
        expect(recordOf(world, jobId)?.normalizedOutput).toEqual({ json: { text: "mended" } });
        // A bug is not paid for again; an output that was refused may be asked for anew.
        expect(provider.creates.length).toBe(how === "throws" ? 1 : 2);
      }),
  );

  it.effect("is read again without a create where the parser was mended before the RETRY", () =>
    Effect.gen(function* () {
      const { state, parse } = breakable();
      const pipeline = asking({ parse });
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* outcome(process, pipeline, jobId);
      state.isBroken = false;
      yield* process.catena.tell(jobId, retry(false));
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(1);
      expect(bookedMicros(world)).toBe(1_000);
    }),
  );

  it.effect("is not read again where the RETRY asks for a fresh one", () =>
    Effect.gen(function* () {
      const { state, parse } = breakable();
      const pipeline = asking({ parse });
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* outcome(process, pipeline, jobId);
      state.isBroken = false;
      yield* process.catena.tell(jobId, retry(true));
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(2);
    }),
  );

  it.effect("is asked for again as often as `repair` says, with what was wrong in the prompt", () =>
    Effect.gen(function* () {
      const fateOf = (ordinal: number): Fate =>
        ordinal < 3 ? { end: { status: "succeeded", output: "no JSON" } } : {};
      const pipeline = asking({ repair: 2 });
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ output: { text: "p3" } });
      expect(
        entriesOf(world, jobId, "PredictionIntended").map(({ call, repair }) => [call, repair]),
      ).toEqual([
        [1, 0],
        [2, 1],
        [3, 2],
      ]);
      expect(provider.creates[1]?.request.input["prompt"]).toContain("could not be used");
    }),
  );

  it.effect("is remembered although a later call of the step failed", () =>
    Effect.gen(function* () {
      const { state, parse } = breakable();
      const pipeline = asking({ parse, repair: 1, retry: Retry.none });
      const fateOf = (ordinal: number): Fate =>
        ordinal === 2 ? { end: { status: "failed" } } : {};
      const provider = new FakeProvider({ fateOf });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ kind: "provider" });
      state.isBroken = false;
      yield* process.catena.tell(jobId, retry(false));
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(2);
    }),
  );

  it.effect("that is blocked by the step's own verdict is a PolicyFailure, never tried again", () =>
    Effect.gen(function* () {
      const pipeline = asking({ refuse: () => new PolicyFailure({ rule: "no-tea" }) });
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ kind: "policy" });
      expect(provider.creates).toHaveLength(1);
    }),
  );
});

const url = "https://files.fake/picture.png";
const picture = (): Fate => ({ end: { status: "succeeded", output: url } });

describe("an output file", () => {
  it.effect("is copied before the step's output exists", () =>
    Effect.gen(function* () {
      const pipeline = painting();
      const provider = new FakeProvider({ fateOf: picture });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ status: "complete" });
      expect(entriesOf(world, jobId, "PredictionSettled")[0]?.files).toHaveLength(1);
      expect(provider.downloads).toBe(1);
    }),
  );

  it.effect("that comes damaged is fetched again before anything is paid again", () =>
    Effect.gen(function* () {
      const pipeline = painting();
      const provider = new FakeProvider({ fateOf: picture });
      const whole = provider.file;
      provider.file = () => (provider.downloads < 4 ? Effect.fail(damagedFile) : whole());
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ status: "complete" });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("is waited for through minutes in which the file host is away", () =>
    Effect.gen(function* () {
      const pipeline = painting();
      const provider = new FakeProvider({ fateOf: picture });
      const whole = provider.file;
      let isAway = true;
      provider.file = () => (isAway ? Effect.fail(unavailable(503)) : whole());
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* pass(120_000, 1_000);
      isAway = false;
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ status: "complete" });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect(
    "that stayed damaged at settlement is looked for once more before the next attempt pays",
    () =>
      Effect.gen(function* () {
        const pipeline = painting();
        const provider = new FakeProvider({ fateOf: picture });
        const whole = provider.file;
        provider.file = () => (provider.downloads <= 5 ? Effect.fail(damagedFile) : whole());
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [pipeline]);
        const jobId = yield* submit(process, pipeline, "tea");
        expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ status: "complete" });
        expect(entriesOf(world, jobId, "AttemptFailed")).toHaveLength(1);
        expect(provider.creates).toHaveLength(1);
      }),
  );

  it.effect.each([
    ["the policy allows it", 2, "complete", 2],
    ["it does not", 1, "failed", 1],
  ] as const)("that expired is paid for again where %s", ([_, attempts, status, creates]) =>
    Effect.gen(function* () {
      const pipeline = painting(Retry.fixed({ attempts, delayMs: 1_000 }));
      const provider = new FakeProvider({ fateOf: picture });
      const whole = provider.file;
      provider.file = () => (provider.downloads === 1 ? Effect.fail(outputExpired) : whole());
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ status });
      expect(provider.creates).toHaveLength(creates);
      expect(entriesOf(world, jobId, "PredictionSettled")[0]?.fileFailure).toMatchObject({
        reason: "OutputExpired",
      });
    }),
  );

  it.effect(
    "and answer that the provider removed while nobody looked are OutputExpired, not a bad answer",
    () =>
      Effect.gen(function* () {
        const pipeline = asking({ repair: 1 });
        const provider = new FakeProvider();
        const world = yield* makeWorld(provider);
        const one = yield* processIn(world, [pipeline]);
        const jobId = yield* submit(one, pipeline, "tea");
        yield* passUntil("waiting", () => recordOf(world, jobId)?.detail === "waiting");
        yield* one.kill;
        provider.dataRemoved.add("p1");
        const two = yield* processIn(world, [pipeline]);
        expect(yield* outcome(two, pipeline, jobId)).toMatchObject({ output: { text: "p2" } });
        expect(entriesOf(world, jobId, "OutputRejected")).toEqual([]);
        expect(entriesOf(world, jobId, "AttemptFailed")[0]?.failure).toMatchObject({
          reason: "OutputExpired",
        });
      }),
  );
});

describe("the files of many answers at once", () => {
  it.effect("are copied a few at a time, so that memory does not hold all of them", () =>
    Effect.gen(function* () {
      const pipeline = painting();
      const provider = new FakeProvider({ fateOf: picture });
      const whole = provider.file;
      const held = { now: 0, most: 0 };
      provider.file = () =>
        Effect.suspend(() => {
          held.now += 1;
          held.most = Math.max(held.most, held.now);
          return Effect.andThen(Effect.sleep("5 seconds"), whole());
        });
      const world = yield* makeWorld(provider);
      const { assets } = world;
      let isFull = true;
      const counting: typeof assets = {
        ...assets,
        put: (file) =>
          Effect.suspend(() => {
            if (file.contentType !== "image/png") return assets.put(file);
            if (isFull)
              return Effect.fail(new AssetStoreFailure({ operation: "put", cause: "full" }));
            held.now -= 1;
            return assets.put(file);
          }),
      };
      const process = yield* processIn({ ...world, assets: counting }, [pipeline]);
      const jobs: Array<string> = [];
      for (let count = 0; count < 60; count += 1)
        jobs.push(yield* submit(process, pipeline, `${count}`));
      yield* pass(60_000, 1_000);
      expect(held.most).toBeGreaterThan(8);
      expect(held.most).toBeLessThanOrEqual(32);
      isFull = false;
      yield* passUntil("complete", () =>
        jobs.every((jobId) => recordOf(world, jobId)?.status === "complete"),
      );
      expect(provider.creates).toHaveLength(60);
    }),
  );
});

describe("an answer that is paid and stored", () => {
  it.effect.each([
    ["away", unavailable(503)],
    ["nonsense", damagedFile],
  ] as const)("is not paid again because its model's description is %s just then", ([_, failure]) =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const { client } = provider;
      let asked = 0;
      const models: ModelClient = {
        ...client,
        describe: (model) =>
          Effect.suspend(() => {
            asked += 1;
            // Away while the answer is judged, and while it is judged again.
            return asked > 2 && asked <= 10 ? Effect.fail(failure) : client.describe(model);
          }),
      };
      const process = yield* processIn(world, [asking()], { models });
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
      expect(bookedMicros(world)).toBe(1_000);
    }),
  );
});
