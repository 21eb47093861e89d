/** Steps that run a function: what they may return and throw, how they are timed, stopped, and tried again. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect, Schema } from "effect";
import { Pipeline, PolicyFailure, ProviderFailure, Retry, Step } from "../../../src/index.ts";
import type { AnyPipeline } from "../../../src/machines/pipeline.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import {
  entriesOf,
  makeWorld,
  outcome,
  passUntil,
  processIn,
  recordOf,
  shifted,
  submit,
} from "../support/ledger-harness.ts";

type Declared = ProviderFailure | PolicyFailure;
type Made = typeof Step.make<"work", string, string, string, "provider" | "policy", Declared>;
type Options = Parameters<Made>[1];

const working = (options: Partial<Options> & Pick<Options, "run">) =>
  Pipeline.make("working", { version: 1, input: Schema.String })
    .step(
      Step.make("work", {
        input: Schema.String,
        output: Schema.String,
        fails: ["provider", "policy"],
        ...options,
      }),
    )
    .output(Schema.String, ({ last }) => last);

const busy = (detail: string) =>
  new ProviderFailure({ reason: "Unavailable", provider: "shop", detail });

const runOnce = Effect.fnUntraced(function* <P extends AnyPipeline>(pipeline: P) {
  const world = yield* makeWorld(new FakeProvider());
  const process = yield* processIn(world, [pipeline]);
  const jobId = yield* submit(process, pipeline, "tea");
  return { world, jobId, end: yield* outcome(process, pipeline, jobId) };
});

describe("a step's function", () => {
  it.effect.each([
    ["a value", (input: string) => `${input}!`],
    ["a promise", async (input: string) => `${input}!`],
    ["an Effect", (input: string) => Effect.succeed(`${input}!`)],
  ] as const)("may return %s", ([_, run]) =>
    Effect.gen(function* () {
      const { end } = yield* runOnce(working({ run }));
      expect(end).toEqual({ status: "complete", output: "tea!" });
    }),
  );

  const policy = () => new PolicyFailure({ rule: "no-tea" });
  it.effect.each([
    [
      "throws",
      () => {
        throw policy();
      },
    ],
    ["rejects with", () => Promise.reject(policy())],
    ["fails with", () => Effect.fail(policy())],
    ["dies of", () => Effect.die(policy())],
  ] as const)("that %s a declared failure fails as that", ([_, run]) =>
    Effect.gen(function* () {
      const { end } = yield* runOnce(working({ run }));
      expect(end).toMatchObject({ status: "failed", kind: "policy", failure: { rule: "no-tea" } });
    }),
  );

  it.effect("that throws an undeclared failure is a defect that says what to declare", () =>
    Effect.gen(function* () {
      const pipeline = working({
        fails: ["provider"],
        run: () => {
          throw policy();
        },
      });
      const { end } = yield* runOnce(pipeline);
      expect(end).toMatchObject({ kind: "defect", message: "step failed" });
      expect(JSON.stringify(end)).toContain('add \\"policy\\" to the step\'s fails');
    }),
  );

  it.effect(
    "has its error turned into a declared failure by mapError, thrown failures as well",
    () =>
      Effect.gen(function* () {
        const mapError = (error: unknown) =>
          error instanceof PolicyFailure || error instanceof RangeError
            ? busy("mapped")
            : undefined;
        for (const thrown of [new RangeError("out of stock"), policy()]) {
          const pipeline = working({
            fails: ["provider"],
            mapError,
            run: () => Promise.reject(thrown),
          });
          const { end } = yield* runOnce(pipeline);
          expect(end).toMatchObject({ kind: "provider", failure: { detail: "mapped" } });
        }
      }),
  );

  it.effect(
    "with a bug is a defect: its first line in user code for the operator, nothing for the user",
    () =>
      Effect.gen(function* () {
        const pipeline = working({
          retry: Retry.fixed({ attempts: 5, delayMs: 1 }),
          run: function sellTea() {
            throw new TypeError("the till is undefined");
          },
        });
        const { end, world, jobId } = yield* runOnce(pipeline);
        expect(end).toMatchObject({ kind: "defect", message: "step failed" });
        const failure = entriesOf(world, jobId, "StepFailed")[0]?.failure;
        expect(failure).toMatchObject({ message: "TypeError: the till is undefined" });
        expect(failure?._tag === "Defect" ? failure.at : "").toMatch(/sellTea.*run-step\.test\.ts/);
        expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
      }),
  );

  it.effect("that throws what cannot even be described is a defect all the same", () =>
    Effect.gen(function* () {
      const { end } = yield* runOnce(working({ run: () => Promise.reject(Object.create(null)) }));
      expect(end).toMatchObject({ kind: "defect" });
    }),
  );

  it.effect("that returns what its schema refuses fails at its output", () =>
    Effect.gen(function* () {
      const Short = Schema.String.check(Schema.isMaxLength(2));
      const pipeline = Pipeline.make("short", { version: 1, input: Schema.String })
        .step(Step.make("work", { input: Schema.String, output: Short, run: () => "too long" }))
        .output(Schema.String, ({ last }) => last);
      const { end } = yield* runOnce(pipeline);
      expect(end).toMatchObject({ kind: "validation", failure: { at: "output" } });
    }),
  );
});

describe("time", () => {
  /** Never answers, and says when it was told to stop. */
  const endless = () => {
    const seen: Array<AbortSignal> = [];
    const run: Options["run"] = (_, { signal }) => {
      seen.push(signal);
      return new Promise<string>(() => undefined);
    };
    return { seen, run };
  };

  it.effect("ends an attempt with a TimeoutFailure and aborts its signal", () =>
    Effect.gen(function* () {
      const { seen, run } = endless();
      const retry = Retry.fixed({ attempts: 2, delayMs: 1_000 });
      const { end, world, jobId } = yield* runOnce(working({ run, retry, timeout: "5 seconds" }));
      expect(end).toMatchObject({ failure: { timeoutMs: 5_000, awaited: "attempt" } });
      expect(seen.map(({ aborted }) => aborted)).toEqual([true, true]);
      expect(entriesOf(world, jobId, "AttemptFailed")).toHaveLength(1);
    }),
  );

  it.effect("of the step bounds all attempts together, also in the middle of one", () =>
    Effect.gen(function* () {
      const { run } = endless();
      const timeout = { attempt: "8 seconds", step: "20 seconds" } as const;
      const retry = Retry.fixed({ attempts: 9, delayMs: 1_000 });
      const { end, world, jobId } = yield* runOnce(working({ run, retry, timeout }));
      expect(end).toMatchObject({ failure: { timeoutMs: 20_000, awaited: "step" } });
      const began = entriesOf(world, jobId, "StepStarted")[0]?.at ?? 0;
      expect((entriesOf(world, jobId, "StepFailed")[0]?.at ?? 0) - began).toBe(20_000);
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(3);
    }),
  );

  it.effect.each(["cancel", "stop"] as const)("a %s aborts the signal", (how) =>
    Effect.gen(function* () {
      const { seen, run } = endless();
      const pipeline = working({ run });
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* passUntil("running", () => seen.length === 1 && recordOf(world, jobId)?.attempt === 1);
      if (how === "stop") yield* process.stop;
      else yield* process.catena.tell(jobId, { type: "CancelRequested", by: "test" });
      yield* passUntil("aborted", () => seen[0]?.aborted === true);
      const wanted = how === "stop" ? "processing" : "cancelled";
      yield* passUntil(wanted, () => recordOf(world, jobId)?.status === wanted);
      expect(entriesOf(world, jobId, "StepFailed")).toEqual([]);
    }),
  );
});

describe("another attempt", () => {
  it.effect("waits its back-off, with the jitter in its bounds, and keeps the step's key", () =>
    Effect.gen(function* () {
      const keys: Array<string> = [];
      const retry = Retry.transient({
        attempts: 5,
        baseMs: 1_000,
        factor: 2,
        jitter: 0.25,
        maxMs: 5_000,
      });
      const run: Options["run"] = (_, { key, attempt }) => {
        keys.push(key);
        return attempt < 5 ? Effect.fail(busy(`${attempt}`)) : Effect.succeed("done");
      };
      const { end, world, jobId } = yield* runOnce(working({ run, retry }));
      expect(end.status).toBe("complete");
      expect(new Set(keys)).toEqual(new Set([`${jobId}/work`]));
      const failed = entriesOf(world, jobId, "AttemptFailed");
      const starts = entriesOf(world, jobId, "StepStarted");
      expect(failed).toHaveLength(4);
      for (const [index, plain] of [1_000, 2_000, 4_000, 5_000].entries()) {
        const one = failed[index];
        const delayMs = one?.retry.delayMs ?? 0;
        expect(delayMs).toBeGreaterThanOrEqual(plain * 0.75);
        expect(delayMs).toBeLessThanOrEqual(plain * 1.25);
        expect(one?.retry.wakeAt).toBe((one?.at ?? 0) + delayMs);
        expect(starts[index + 1]?.at ?? 0).toBeGreaterThanOrEqual((one?.at ?? 0) + delayMs);
      }
    }),
  );

  it.effect.each([
    ["the rest after a while", 40_000, 20_000],
    ["nothing after long enough", 100_000, 0],
    ["no more than the whole where the clock was set back", -3_600_000, 60_000],
    ["nothing where the clock was set ahead", 3_600_000, 0],
  ] as const)("after a restart waits %s", ([_, jumpMs, waitMs]) =>
    Effect.gen(function* () {
      const retry = Retry.fixed({ attempts: 2, delayMs: 60_000 });
      const run: Options["run"] = (_input, { attempt }) =>
        attempt === 1 ? Effect.fail(busy("1")) : Effect.succeed("done");
      const pipeline = working({ run, retry });
      const world = yield* makeWorld(new FakeProvider());
      const one = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(one, pipeline, "tea");
      yield* passUntil("failed once", () => entriesOf(world, jobId, "AttemptFailed").length === 1);
      yield* one.kill;
      const clock = shifted(yield* Clock.Clock, () => jumpMs);
      yield* Effect.provideService(processIn(world, [pipeline]), Clock.Clock, clock);
      const tookMs = yield* passUntil("done", () => recordOf(world, jobId)?.status === "complete");
      expect(tookMs).toBeGreaterThanOrEqual(waitMs - 500);
      expect(tookMs).toBeLessThanOrEqual(waitMs + 1_000);
    }),
  );

  it.effect("does not follow a failure that a retry cannot help", () =>
    Effect.gen(function* () {
      const retry = Retry.fixed({ attempts: 5, delayMs: 1 });
      const run = () => Effect.fail(new PolicyFailure({ rule: "never" }));
      const { world, jobId } = yield* runOnce(working({ run, retry }));
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
    }),
  );
});

describe("a crash in the middle", () => {
  const counting = () => {
    const runs: Array<string> = [];
    let isFree = false;
    const run: Options["run"] = (_, { key, attempt }) => {
      runs.push(`${key}#${attempt}`);
      return isFree ? "done" : new Promise<string>(() => undefined);
    };
    return {
      runs,
      run,
      free: () => {
        isFree = true;
      },
    };
  };

  it.effect("runs a step that may run again once more, as the same attempt", () =>
    Effect.gen(function* () {
      const { runs, run, free } = counting();
      const pipeline = working({ run });
      const world = yield* makeWorld(new FakeProvider());
      const one = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(one, pipeline, "tea");
      yield* passUntil("started", () => entriesOf(world, jobId, "StepStarted").length === 1);
      yield* one.kill;
      free();
      const two = yield* processIn(world, [pipeline]);
      expect(yield* outcome(two, pipeline, jobId)).toMatchObject({ status: "complete" });
      expect(runs).toEqual([`${jobId}/work#1`, `${jobId}/work#1`]);
    }),
  );

  it.effect("lets a step that may not rest as OutcomeUnknown; a RETRY runs it again", () =>
    Effect.gen(function* () {
      const { runs, run, free } = counting();
      const pipeline = working({ run, isRepeatable: false });
      const world = yield* makeWorld(new FakeProvider());
      const one = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(one, pipeline, "tea");
      // It begins only when its start is durable.
      yield* passUntil("running", () => runs.length === 1);
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
      yield* one.kill;
      free();
      const two = yield* processIn(world, [pipeline]);
      expect(yield* outcome(two, pipeline, jobId)).toMatchObject({
        failure: { reason: "OutcomeUnknown" },
      });
      expect(runs).toHaveLength(1);
      yield* two.catena.tell(jobId, { type: "RetryRequested", by: "test", isFresh: false });
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(runs).toHaveLength(2);
    }),
  );
});
