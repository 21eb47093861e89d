/** Pruning and erasing as users of a Catena see them, over journals and assets in memory and on a clock that a test turns. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { TestClock } from "effect/testing";
import {
  Catena,
  JobUnavailable,
  type PruneReport,
  type RetentionOptions,
  StartError,
} from "../../../src/index.ts";
import { AssetStoreFailure } from "../../../src/steps/asset-store.ts";
import { FakeProvider, type Fate } from "../support/fake-provider.ts";
import { chainOf, newScript } from "../support/chains.ts";
import {
  asking,
  entriesOf,
  makeWorld,
  outcome,
  painting,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
  type World,
} from "../support/ledger-harness.ts";
import { statusIn } from "../support/jobs-harness.ts";

const dayMs = 86_400_000;
const large = "x".repeat(70_000);

const assetsIn = (world: World) =>
  Effect.map(world.assets.list({ after: null, limit: 100 }), (listed) => listed.length);

/** Time passes while no process looks: nobody wants to watch 90 days of polling. */
const sleepFor = (ms: number) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => TestClock.setTime(now + ms));

const retry = { type: "RetryRequested", by: "test", isFresh: false } as const;

/** The world with files that its disk does not let go, as one that somebody else's process holds, or has made his own. */
const obstinate = (world: World) => {
  const stuck = new Set<string>();
  const { assets } = world;
  const remove: typeof assets.remove = (removal) =>
    stuck.has(removal.sha256)
      ? Effect.fail(new AssetStoreFailure({ operation: "remove", cause: "EPERM" }))
      : assets.remove(removal);
  return { stuck, world: { ...world, assets: { ...assets, remove } } };
};

const numbersOf = ({ rawAnswers, jobs, assets }: PruneReport) => [
  rawAnswers.count,
  jobs.count,
  assets.count,
];

describe("erase", () => {
  it.effect("takes a complete job's content and leaves its status and cost", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, large);
      yield* outcome(process, pipeline, jobId);
      expect(yield* assetsIn(world)).toBe(2);
      const erased = yield* process.catena.erase(jobId);
      expect(erased).toMatchObject({
        record: { jobId, status: "complete", costMicros: 1_000, pipeline: "asking", version: 1 },
        rawAnswers: 1,
        assets: { count: 2 },
      });
      expect(erased.bytes).toBeGreaterThan(100);
      expect(yield* assetsIn(world)).toBe(0);
      const { record, entries, predictions } = yield* process.catena.state(jobId);
      expect(record.erasedAt).toBe(yield* Clock.currentTimeMillis);
      expect(entries).toEqual([]);
      expect(predictions).toMatchObject([{ receipt: { costMicros: 1_000 }, inputHash: "" }]);
      const left = JSON.stringify([...world.journals.files, ...world.journals.predictions]);
      expect(left).not.toContain("xxxxx");
      expect(left).not.toContain("p1\\");
    }),
  );

  it.effect("is done once, and asked again finishes what is left", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* outcome(process, pipeline, jobId);
      const first = yield* process.catena.erase(jobId);
      const again = yield* process.catena.erase(jobId);
      expect(again).toMatchObject({ bytes: 0, rawAnswers: 0, assets: { count: 0 } });
      expect(again.record).toEqual(first.record);
    }),
  );

  it.effect("is refused for what is not there or does not rest, and says why", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const silent: Fate = { runMs: Number.POSITIVE_INFINITY };
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => silent }));
      const process = yield* processIn(world, [pipeline]);
      const said = (jobId: string) => Effect.flip(process.catena.erase(jobId));
      for (const nonsense of ["nobody", "", undefined, 17, { id: "x" }])
        expect(yield* said(nonsense as string)).toBeInstanceOf(JobUnavailable);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* passUntil("accepted", () => entriesOf(world, jobId, "PredictionAccepted").length > 0);
      expect(String(yield* said(jobId))).toMatch(/it is processing: .* cancel it first/);
      expect(entriesOf(world, jobId, "JobSubmitted")).toMatchObject([{ input: { json: "tea" } }]);
    }),
  );

  it.effect(
    "waits for the end of what a cancelled job has running, and for messages to be read",
    () =>
      Effect.gen(function* () {
        const pipeline = asking();
        const stubborn: Fate = { runMs: 600_000, ignoresCancel: true, ignoresDeadline: true };
        const world = yield* makeWorld(new FakeProvider({ fateOf: () => stubborn }));
        const process = yield* processIn(world, [pipeline]);
        const jobId = yield* submit(process, pipeline, "tea");
        yield* passUntil(
          "accepted",
          () => entriesOf(world, jobId, "PredictionAccepted").length > 0,
        );
        yield* process.catena.tell(jobId, { type: "CancelRequested", by: "test" });
        yield* passUntil("cancelled", () => statusIn(world.journals, jobId) === "cancelled");
        expect(String(yield* Effect.flip(process.catena.erase(jobId)))).toMatch(/still open/);
        yield* passUntil("booked", () =>
          rowsOf(world).every(({ settledAt }) => settledAt !== null),
        );
        yield* passUntil("released", () => world.journals.files.get(jobId)?.job.owner === null);
        expect(yield* process.catena.erase(jobId)).toMatchObject({
          record: { status: "cancelled" },
        });
      }),
  );

  it.effect("ends what can be asked of a job", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const world = yield* makeWorld(
        new FakeProvider({ fateOf: () => ({ end: { status: "failed" } }) }),
      );
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      yield* outcome(process, pipeline, jobId);
      yield* process.catena.erase(jobId);
      for (const asked of [
        process.catena.tell(jobId, retry),
        process.catena.outcome(pipeline, jobId),
      ])
        expect(String(yield* Effect.flip(Effect.asVoid(asked)))).toMatch(
          /JobUnavailable: .* it was erased on 2023-11-14T\d\d:\d\d:\d\d/,
        );
      expect(recordOf(world, jobId)).toMatchObject({ status: "failed", failureKind: "provider" });
    }),
  );

  it.effect("keeps what another job names, and takes it with the last of them", () =>
    Effect.gen(function* () {
      const pipeline = painting();
      const output = "https://files.example/1.png";
      const world = yield* makeWorld(
        new FakeProvider({ fateOf: () => ({ end: { status: "succeeded", output } }) }),
      );
      const process = yield* processIn(world, [pipeline]);
      const one = yield* submit(process, pipeline, "tea");
      yield* outcome(process, pipeline, one);
      const two = yield* submit(process, pipeline, "coffee");
      yield* outcome(process, pipeline, two);
      expect(yield* assetsIn(world)).toBe(1);
      expect((yield* process.catena.erase(one)).assets).toEqual({ count: 0, bytes: 0 });
      expect(yield* assetsIn(world)).toBe(1);
      expect((yield* process.catena.erase(two)).assets).toMatchObject({ count: 1 });
      expect(yield* assetsIn(world)).toBe(0);
    }),
  );

  it.effect("takes all else, and empties the log, where one file cannot be removed", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const plain = yield* makeWorld(new FakeProvider());
      const { world, stuck } = obstinate(plain);
      let scrubs = 0;
      const scrub = Effect.sync(() => {
        scrubs += 1;
      });
      const process = yield* processIn(world, [pipeline], {}, (store) => ({ ...store, scrub }));
      const jobId = yield* submit(process, pipeline, large);
      yield* outcome(process, pipeline, jobId);
      const [first] = yield* world.assets.list({ after: null, limit: 1 });
      stuck.add(first?.sha256 ?? "");
      expect(yield* Effect.flip(process.catena.erase(jobId))).toMatchObject({
        operation: "remove",
      });
      expect(recordOf(world, jobId)?.erasedAt).not.toBeNull();
      expect(yield* assetsIn(world)).toBe(1);
      expect(scrubs).toBe(1);
      stuck.clear();
      expect((yield* process.catena.erase(jobId)).assets.count).toBe(1);
      expect(yield* assetsIn(world)).toBe(0);
    }),
  );

  it.effect("takes a large input that was submitted more than once under the same key", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [pipeline]);
      const keyed = process.catena.submit(pipeline, large, { idempotencyKey: "order-17" });
      const { jobId } = yield* keyed;
      yield* outcome(process, pipeline, jobId);
      expect((yield* keyed).jobId).toBe(jobId);
      yield* process.catena.erase(jobId);
      expect(yield* assetsIn(world)).toBe(0);
    }),
  );

  it.effect("lets the idempotency key be used anew", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const world = yield* makeWorld(new FakeProvider());
      const process = yield* processIn(world, [pipeline]);
      const keyed = process.catena.submit(pipeline, "tea", { idempotencyKey: "order-17" });
      const { jobId } = yield* keyed;
      yield* outcome(process, pipeline, jobId);
      expect(yield* keyed).toEqual({ jobId, isNew: false });
      yield* process.catena.erase(jobId);
      expect(yield* keyed).toMatchObject({ isNew: true });
    }),
  );
});

describe("prune", () => {
  const ages: RetentionOptions = { rawAnswers: "30 days", jobs: "90 days", assets: "7 days" };

  const painted = Effect.fnUntraced(function* (retention: RetentionOptions = ages) {
    const pipeline = painting();
    const output = "https://files.example/1.png";
    const world = yield* makeWorld(
      new FakeProvider({ fateOf: () => ({ end: { status: "succeeded", output } }) }),
    );
    const process = yield* processIn(world, [pipeline]);
    const jobId = yield* submit(process, pipeline, large);
    yield* outcome(process, pipeline, jobId);
    yield* process.stop;
    const later = (ms: number) =>
      Effect.andThen(sleepFor(ms), processIn(world, [pipeline], { retention }));
    return { world, pipeline, jobId, later };
  });

  it.effect("takes nothing before its time, and nothing at all where no age is set", () =>
    Effect.gen(function* () {
      const { later, world } = yield* painted();
      const soon = yield* later(29 * dayMs);
      expect(numbersOf(yield* soon.catena.prune())).toEqual([0, 0, 0]);
      yield* soon.stop;
      const { later: never } = yield* painted({});
      const old = yield* never(10_000 * dayMs);
      expect(yield* old.catena.prune()).toMatchObject({
        isDryRun: false,
        rawAnswers: { ageMs: null, count: 0 },
        jobs: { ageMs: null, count: 0 },
        assets: { ageMs: null, count: 0 },
      });
      expect(yield* assetsIn(world)).toBe(3);
    }),
  );

  it.effect("takes raw answers first: the job keeps its output, and its journal folds", () =>
    Effect.gen(function* () {
      const { later, world, jobId, pipeline } = yield* painted();
      const process = yield* later(31 * dayMs);
      const dry = yield* process.catena.prune({ dryRun: true });
      expect(numbersOf(dry)).toEqual([1, 0, 0]);
      expect(dry).toMatchObject({ isDryRun: true, rawAnswers: { ageMs: 30 * dayMs } });
      expect(entriesOf(world, jobId, "PredictionSettled")[0]?.raw).toHaveProperty("json");
      const wet = yield* process.catena.prune();
      expect({ ...wet, isDryRun: true }).toEqual(dry);
      const at = yield* Clock.currentTimeMillis;
      expect(entriesOf(world, jobId, "PredictionSettled")[0]?.raw).toEqual({ erasedAt: at });
      expect(rowsOf(world)[0]?.raw).toEqual({ erasedAt: at });
      expect(recordOf(world, jobId)).toMatchObject({
        status: "complete",
        rawReference: { erasedAt: at },
        erasedAt: null,
      });
      const deployed = [...process.catena.engine.deployed.values()][0];
      const file = world.journals.files.get(jobId);
      expect(deployed?.driver.fold(file?.entries ?? []).value).toBe("complete");
      expect(yield* process.catena.outcome(pipeline, jobId)).toMatchObject({ status: "complete" });
      expect(numbersOf(yield* process.catena.prune())).toEqual([0, 0, 0]);
    }),
  );

  it.effect("then whole jobs, with their large values; pictures when nobody names them", () =>
    Effect.gen(function* () {
      const { later, world, jobId } = yield* painted();
      const process = yield* later(91 * dayMs);
      const dry = yield* process.catena.prune({ dryRun: true });
      expect(numbersOf(dry)).toEqual([0, 1, 3]);
      expect({ ...(yield* process.catena.prune()), isDryRun: true }).toEqual(dry);
      expect(recordOf(world, jobId)).toMatchObject({ status: "complete", costMicros: 1_000 });
      expect(recordOf(world, jobId)?.erasedAt).not.toBeNull();
      expect(yield* assetsIn(world)).toBe(0);
    }),
  );

  it.effect("goes on past a file that cannot be removed, and says so at the end", () =>
    Effect.gen(function* () {
      const plain = yield* painted();
      const { world, stuck } = obstinate(plain.world);
      yield* sleepFor(91 * dayMs);
      const process = yield* processIn(world, [plain.pipeline], { retention: ages });
      const listed = yield* world.assets.list({ after: null, limit: 100 });
      // A large value is what is taken first; the picture comes after it.
      stuck.add(listed.find(({ sizeBytes }) => sizeBytes > 60_000)?.sha256 ?? "");
      expect(yield* Effect.flip(process.catena.prune())).toMatchObject({ operation: "remove" });
      expect(recordOf(world, plain.jobId)?.erasedAt).not.toBeNull();
      expect(yield* assetsIn(world)).toBe(1);
      stuck.clear();
      yield* process.catena.prune();
      expect(yield* assetsIn(world)).toBe(0);
    }),
  );

  it.effect("keeps pictures for ever where only jobs have an age, but no large values", () =>
    Effect.gen(function* () {
      const { later, world } = yield* painted({ jobs: "90 days" });
      const process = yield* later(91 * dayMs);
      expect(numbersOf(yield* process.catena.prune({ dryRun: true }))).toEqual([0, 1, 2]);
      expect(numbersOf(yield* process.catena.prune())).toEqual([0, 1, 2]);
      expect(yield* assetsIn(world)).toBe(1);
    }),
  );

  it.effect("leaves what was put within the grace alone, whatever the age says", () =>
    Effect.gen(function* () {
      const { later, world } = yield* painted({ assets: "1 minute" });
      const prunedAfter = Effect.fnUntraced(function* (ms: number) {
        const process = yield* later(ms);
        const report = yield* process.catena.prune();
        yield* process.stop;
        return numbersOf(report);
      });
      const bytes = new Uint8Array([1]);
      const { sha256 } = yield* world.assets.put({ bytes, contentType: "text/plain" });
      expect(yield* prunedAfter(dayMs - 1_000)).toEqual([0, 0, 0]);
      yield* world.assets.touch(sha256);
      expect(yield* prunedAfter(dayMs - 1_000)).toEqual([0, 0, 0]);
      expect(yield* prunedAfter(2_000)).toEqual([0, 0, 1]);
      expect(yield* assetsIn(world)).toBe(3);
    }),
  );

  it.effect("leaves jobs that do not rest alone, however old", () =>
    Effect.gen(function* () {
      const pipeline = asking();
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ answer: "nothing" }) }));
      const process = yield* processIn(world, [pipeline], { retention: ages });
      const jobId = yield* submit(process, pipeline, "tea");
      yield* process.stop;
      yield* sleepFor(1_000 * dayMs);
      const later = yield* processIn(world, [pipeline], { retention: ages });
      expect(numbersOf(yield* later.catena.prune())).toEqual([0, 0, 0]);
      expect(recordOf(world, jobId)?.status).toBe("processing");
    }),
  );

  it.effect("makes a RETRY of a failed job pay again where its stored answer is gone", () =>
    Effect.gen(function* () {
      const first: Fate = { end: { status: "succeeded", output: "no JSON" } };
      const pipeline = asking();
      const provider = new FakeProvider({ fateOf: (ordinal) => (ordinal === 1 ? first : {}) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [pipeline]);
      const jobId = yield* submit(process, pipeline, "tea");
      expect(yield* outcome(process, pipeline, jobId)).toMatchObject({ kind: "validation" });
      yield* process.stop;
      yield* sleepFor(31 * dayMs);
      const later = yield* processIn(world, [pipeline], { retention: ages });
      expect(numbersOf(yield* later.catena.prune())).toEqual([1, 0, 0]);
      yield* later.catena.tell(jobId, retry);
      yield* passUntil("complete", () => recordOf(world, jobId)?.status === "complete");
      expect(provider.creates).toHaveLength(2);
      expect(recordOf(world, jobId)).toMatchObject({ costMicros: 2_000 });
      expect(numbersOf(yield* later.catena.prune())).toEqual([0, 0, 0]);
      expect(rowsOf(world)[1]?.raw).toHaveProperty("json");
    }),
  );

  it.effect("happens by itself, soon after the start and then at its interval", () =>
    Effect.gen(function* () {
      const { later, world, jobId } = yield* painted();
      const process = yield* later(91 * dayMs);
      yield* passUntil("pruned", () => recordOf(world, jobId)?.erasedAt !== null, 61_000);
      yield* passUntil("tidied", () => world.journals.names.leftovers.size === 0, 10_000);
      yield* process.stop;
    }),
  );

  it("deletes nothing where what it was told is no option", async () => {
    const chain = chainOf(newScript());
    await using catena = await Catena.start({
      pipelines: [chain],
      retention: { jobs: "1 millis", every: "1 day" },
    });
    const job = await catena.submit(chain, "x");
    await job.result();
    for (const options of [{ dryrun: true }, { dryRun: "yes" }, "--dry-run", null, [1]])
      await expect(catena.prune(options as never)).rejects.toThrow(/dryRun/);
    expect(await job.result()).toBe("x>first>second>third");
    expect(await catena.prune({})).toMatchObject({ isDryRun: false });
  });

  it("is refused by name where an age is no duration, or there is no such age", async () => {
    const chain = chainOf(newScript());
    const said = (retention: unknown) =>
      Catena.start({ pipelines: [chain], retention: retention as RetentionOptions }).then(
        async (catena) => {
          await catena.stop();
          return null;
        },
        (error: unknown) => error,
      );
    for (const [retention, field] of [
      [{ jobs: "ninety days" }, "retention.jobs"],
      [{ rawAnswers: 0 }, "retention.rawAnswers"],
      [{ assets: Number.NaN }, "retention.assets"],
      [{ every: "0 seconds" }, "retention.every"],
      [{ job: "90 days" }, "retention"],
      ["90 days", "retention"],
      [null, "retention"],
    ] as const) {
      const error = await said(retention);
      expect(error).toBeInstanceOf(StartError);
      expect(error).toMatchObject({ field });
    }
    expect(String(await said({ job: "90 days" }))).toMatch(/rawAnswers, jobs, assets.*got "job"/);
  });
});
