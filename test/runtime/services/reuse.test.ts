/** What an earlier job has paid for does a later one's step as well: only where it is asked for, only while it is there, and for nothing. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Result, Schema } from "effect";
import { Asset, Pipeline, PolicyFailure, Retry, Step } from "../../../src/index.ts";
import type { AnyPipeline } from "../../../src/machines/pipeline.ts";
import { MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";
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
  type World,
} from "../support/ledger-harness.ts";
import { within } from "../support/jobs-harness.ts";

const reusing = (options: Parameters<typeof asking>[0] = {}) =>
  asking({ reuse: "7 days", ...options });

const started = Effect.fnUntraced(function* (
  pipeline: ReturnType<typeof asking>,
  fateOf?: (ordinal: number) => Fate,
) {
  const provider = new FakeProvider(fateOf === undefined ? {} : { fateOf });
  const world = yield* makeWorld(provider);
  const process = yield* processIn(world, [pipeline]);
  const run = (input: string) =>
    Effect.gen(function* () {
      const jobId = yield* submit(process, pipeline, input);
      return { jobId, ...(yield* outcome(process, pipeline, jobId)) };
    });
  return { provider, world, process, run };
});

/** Jobs of tenants, as the HTTP API makes them. */
const startedFor = Effect.fnUntraced(function* <P extends AnyPipeline>(
  pipeline: P,
  fateOf?: (ordinal: number) => Fate,
) {
  const provider = new FakeProvider(fateOf === undefined ? {} : { fateOf });
  const world = yield* makeWorld(provider);
  const process = yield* processIn(world, [pipeline]);
  const { engine } = process.catena;
  const runAs = (tenant: string | null, input: string) =>
    Effect.gen(function* () {
      const deployed = engine.deployed.get(`${pipeline.plan.name}@1`);
      if (deployed === undefined) return yield* Effect.die("not deployed");
      const submitted = engine.jobs.submit({ deployed, input, tenant, idempotencyKey: null });
      const { jobId } = yield* within(submitted);
      return { jobId, ...(yield* outcome(process, pipeline, jobId)) };
    });
  return { provider, world, runAs };
});

const reusedIn = (world: World, jobId: string) => entriesOf(world, jobId, "PredictionReused");

describe("a step that reuses answers", () => {
  it.effect("takes the answer of an equal call of an earlier job, and its receipt says so", () =>
    Effect.gen(function* () {
      const { provider, world, run } = yield* started(reusing());
      const first = yield* run("tea");
      const second = yield* run("tea");
      expect(second).toMatchObject({ status: "complete", output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
      expect(bookedMicros(world)).toBe(1_000);
      expect(recordOf(world, second.jobId)).toMatchObject({ costMicros: 0 });
      expect(reusedIn(world, second.jobId)).toMatchObject([
        { call: 1, attempt: 1, source: { jobId: first.jobId, predictionId: "p1" } },
      ]);
      const [, booked] = rowsOf(world);
      expect(booked).toMatchObject({
        jobId: second.jobId,
        state: "reused",
        predictionId: null,
        receipt: { costMicros: 0, predictionId: "p1", basis: `reused from job ${first.jobId}` },
      });
    }),
  );

  it.effect("asks as ever where `reuse` is not given, or the input is another", () =>
    Effect.gen(function* () {
      const { provider, run } = yield* started(asking());
      yield* run("tea");
      yield* run("tea");
      expect(provider.creates).toHaveLength(2);
      const other = yield* started(reusing());
      yield* other.run("tea");
      yield* other.run("coffee");
      expect(other.provider.creates).toHaveLength(2);
    }),
  );

  it.effect("counts the age from when it was paid for, whoever used it in between", () =>
    Effect.gen(function* () {
      const { provider, run } = yield* started(reusing({ reuse: "2 minutes" }));
      yield* run("tea");
      yield* pass(90_000, 10_000);
      yield* run("tea");
      expect(provider.creates).toHaveLength(1);
      yield* pass(60_000, 10_000);
      yield* run("tea");
      expect(provider.creates).toHaveLength(2);
    }),
  );

  it.effect("takes the answer of another pipeline with the same model and input", () =>
    Effect.gen(function* () {
      const ask = Step.model("elsewhere", {
        input: Schema.String,
        output: Schema.Struct({ text: Schema.String }),
        model: "fake/text",
        request: (prompt) => ({ prompt }),
        reuse: "1 hour",
      });
      const other = Pipeline.make("other", { version: 1, input: Schema.String })
        .step(ask)
        .output(Schema.String, ({ last }) => last.text);
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const first = asking();
      const process = yield* processIn(world, [first, other]);
      yield* outcome(process, first, yield* submit(process, first, "tea"));
      const jobId = yield* submit(process, other, "tea");
      expect(yield* outcome(process, other, jobId)).toMatchObject({ output: "p1" });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("does not take what failed, what was erased, or what it has itself", () =>
    Effect.gen(function* () {
      const failing: Fate = { end: { status: "failed" } };
      const pipeline = reusing({ retry: Retry.fixed({ attempts: 2, delayMs: 1_000 }) });
      const fateOf = (ordinal: number) => (ordinal === 1 ? failing : {});
      const { provider, process, run, world } = yield* started(pipeline, fateOf);
      const { jobId } = yield* run("tea");
      expect(provider.creates).toHaveLength(2);
      expect(reusedIn(world, jobId)).toEqual([]);
      yield* process.catena.erase(jobId);
      yield* run("tea");
      expect(provider.creates).toHaveLength(3);
    }),
  );

  it.effect.each([
    ["does not parse", { parse: () => Result.fail([{ path: "", message: "not as expected" }]) }],
    [
      "makes the parser throw",
      {
        parse: () => {
          throw new TypeError("a bug in the parser");
        },
      },
    ],
  ] as const)("pays as ever, once, where the answer %s", ([, broken]) =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const first = asking();
      const second = Pipeline.make("strict", { version: 1, input: Schema.String })
        .step(
          Step.model("ask", {
            input: Schema.String,
            output: Schema.Struct({ text: Schema.String }),
            model: "fake/text",
            request: (prompt) => ({ prompt }),
            retry: Retry.none,
            reuse: "7 days",
            ...broken,
          }),
        )
        .output(Schema.String, ({ last }) => last.text);
      const process = yield* processIn(world, [first, second]);
      yield* outcome(process, first, yield* submit(process, first, "tea"));
      const jobId = yield* submit(process, second, "tea");
      yield* outcome(process, second, jobId);
      expect(provider.creates).toHaveLength(2);
      expect(reusedIn(world, jobId)).toEqual([]);
      expect(entriesOf(world, jobId, "StepStarted")).toHaveLength(1);
    }),
  );

  it.effect("pays as ever where its own verdict refuses the earlier answer", () =>
    Effect.gen(function* () {
      const refuse = ({ output }: { readonly output: { readonly text: string } }) =>
        output.text === "p1" ? new PolicyFailure({ rule: "no-p1" }) : undefined;
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      const [first, second] = [asking(), reusing({ refuse })];
      const one = yield* processIn(world, [first]);
      yield* outcome(one, first, yield* submit(one, first, "tea"));
      yield* one.stop;
      const two = yield* processIn(world, [second]);
      const jobId = yield* submit(two, second, "tea");
      expect(yield* outcome(two, second, jobId)).toMatchObject({ output: { text: "p2" } });
    }),
  );

  it.effect("asks the model where a person asks for a RETRY", () =>
    Effect.gen(function* () {
      const failing: Fate = { end: { status: "failed" } };
      const pipeline = reusing({ retry: Retry.none });
      const { provider, process, run, world } = yield* started(pipeline, (ordinal) =>
        ordinal === 1 ? failing : {},
      );
      const failed = yield* run("tea");
      yield* run("tea");
      yield* process.catena.tell(failed.jobId, {
        type: "RetryRequested",
        by: "test",
        isFresh: false,
      });
      yield* passUntil("complete", () => recordOf(world, failed.jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(3);
    }),
  );

  it.effect("shares a picture, which stays until the last job that names it is erased", () =>
    Effect.gen(function* () {
      const plain = painting();
      const again = painting(undefined, "7 days");
      const provider = new FakeProvider({
        fateOf: () => ({ end: { status: "succeeded", output: "https://files.example/1.png" } }),
      });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [plain, again]);
      const first = yield* submit(process, plain, "tea");
      yield* outcome(process, plain, first);
      const second = yield* submit(process, again, "tea");
      const done = yield* outcome(process, again, second);
      expect([provider.creates.length, provider.downloads]).toEqual([1, 1]);
      const sha256 = done.status === "complete" ? done.output.sha256 : "";
      const isThere = Effect.map(world.assets.get(sha256), ({ _tag }) => _tag === "Some");
      yield* process.catena.erase(first);
      expect(yield* isThere).toBe(true);
      yield* process.catena.erase(second);
      expect(yield* isThere).toBe(false);
    }),
  );

  it.effect("does not take an answer whose picture is gone", () =>
    Effect.gen(function* () {
      const again = painting(undefined, "7 days");
      const provider = new FakeProvider({
        fateOf: () => ({ end: { status: "succeeded", output: "https://files.example/1.png" } }),
      });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [again]);
      const first = yield* submit(process, again, "tea");
      const done = yield* outcome(process, again, first);
      const sha256 = done.status === "complete" ? done.output.sha256 : "";
      const before = Number.MAX_SAFE_INTEGER;
      yield* world.assets.remove({ sha256, before, isFree: Effect.succeed(true) });
      const second = yield* submit(process, again, "tea");
      expect(yield* outcome(process, again, second)).toMatchObject({ status: "complete" });
      expect(provider.creates).toHaveLength(2);
    }),
  );

  it.effect("pays as ever where the answer is erased while it is being taken", () =>
    Effect.gen(function* () {
      const pipeline = reusing();
      const output = JSON.stringify({ text: "x".repeat(70_000) });
      const provider = new FakeProvider({
        fateOf: () => ({ end: { status: "succeeded", output } }),
      });
      const plain = yield* makeWorld(provider);
      const first = yield* processIn(plain, [pipeline]);
      yield* outcome(first, pipeline, yield* submit(first, pipeline, "tea"));
      yield* first.stop;
      // Every large value is gone once it was read: whoever erases is that quick.
      const { assets } = plain;
      const get: typeof assets.get = (sha256) =>
        Effect.tap(assets.get(sha256), () =>
          assets.remove({ sha256, before: Infinity, isFree: Effect.succeed(true) }),
        );
      const listed = yield* assets.list({ after: null, limit: 100 });
      const paid = new Set(listed.map(({ sha256 }) => sha256));
      const quick: typeof assets.get = (sha256) =>
        paid.delete(sha256) ? get(sha256) : assets.get(sha256);
      const world = { ...plain, assets: { ...assets, get: quick } };
      const second = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(second, pipeline, "tea");
      expect((yield* outcome(second, pipeline, jobId)).status).toBe("complete");
      expect(provider.made).toHaveLength(2);
      expect(entriesOf(world, jobId, "PredictionReused")).toEqual([]);
    }),
  );

  it.effect("goes on from the reused answer where only that was written before a death", () =>
    Effect.gen(function* () {
      const pipeline = reusing();
      const { provider, world, process, run } = yield* started(pipeline);
      yield* run("tea");
      const { jobId } = yield* run("tea");
      yield* process.stop;
      const { job, entries } = world.journals.files.get(jobId) ?? {};
      if (job === undefined || entries === undefined) return expect.unreachable("no such job");
      const until = entries.slice(
        0,
        entries.findIndex(({ type }) => type === "PredictionReused") + 1,
      );
      const record = { ...job.record, jobId: "cut", status: "processing" } as const;
      const cut = { ...job, record, seq: until.length, epoch: 1, owner: "a dead one" };
      const store = MemoryJournalStore.make(world.journals);
      yield* store.commit([{ type: "CreateJob", job: cut, entries: until }]);
      const heir = yield* processIn(world, [pipeline]);
      expect(yield* outcome(heir, pipeline, "cut")).toMatchObject({ output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("takes no answer of another tenant's job, and gives none of a job of nobody's", () =>
    Effect.gen(function* () {
      const { provider, runAs } = yield* startedFor(reusing());
      for (const tenant of ["acme", null, "brook"]) yield* runAs(tenant, "tea");
      expect(provider.creates).toHaveLength(3);
      const again = [
        yield* runAs("acme", "tea"),
        yield* runAs(null, "tea"),
        yield* runAs("brook", "tea"),
      ];
      expect(again).toMatchObject(
        ["p1", "p2", "p3"].map((text) => ({ status: "complete", output: { text } })),
      );
      expect(provider.creates).toHaveLength(3);
    }),
  );

  it.effect("takes another tenant's where the step says so, by whoever it was paid", () =>
    Effect.gen(function* () {
      const shared = reusing({ reuseAcrossTenants: true });
      const { provider, world, runAs } = yield* startedFor(shared);
      const first = yield* runAs("acme", "tea");
      for (const tenant of ["brook", null])
        expect(yield* runAs(tenant, "tea")).toMatchObject({ output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
      const second = yield* runAs("brook", "tea");
      expect(reusedIn(world, second.jobId)).toMatchObject([{ source: { jobId: first.jobId } }]);
    }),
  );

  it.effect("makes a shared picture the tenant's own", () =>
    Effect.gen(function* () {
      const sharing = Pipeline.make("sharing", { version: 1, input: Schema.String })
        .step(
          Step.model("paint", {
            input: Schema.String,
            output: Asset.Image,
            model: "fake/image",
            request: (prompt) => ({ prompt }),
            reuse: "7 days",
            reuseAcrossTenants: true,
          }),
        )
        .output(Asset.Image, ({ last }) => last);
      const { provider, world, runAs } = yield* startedFor(sharing, () => ({
        end: { status: "succeeded", output: "https://files.example/1.png" },
      }));
      const done = [yield* runAs("acme", "tea"), yield* runAs("brook", "tea")];
      expect(done).toMatchObject([{ status: "complete" }, { status: "complete" }]);
      expect(provider.creates).toHaveLength(1);
      const sha256s = done.flatMap((one) => (one.status === "complete" ? one.output.sha256 : []));
      const held = world.journals.holders.held({ tenant: "brook", sha256s, isUpload: false });
      expect(held.size).toBe(1);
    }),
  );

  it("is refused by name where what is said of tenants is neither true nor false, or alone", () => {
    expect(() => reusing({ reuseAcrossTenants: "no" as never })).toThrow(
      /expected reuseAcrossTenants to be true or false, got "no"/,
    );
    expect(() => asking({ reuseAcrossTenants: true })).toThrow(/expected reuse beside/);
  });

  it("is refused by name where its age is no duration", () => {
    expect(() => reusing({ reuse: "seven days" as never })).toThrow(
      /expected reuse to be a duration above zero/,
    );
    expect(() => reusing({ reuse: 0 })).toThrow(/reuse/);
  });
});
