/** Alerts on a test clock: what raises each, what clears it, and what leaves it as it is. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect, Latch, Option, Schema } from "effect";
import {
  type AlertChange,
  Pipeline,
  PolicyFailure,
  ProviderFailure,
  Retry,
  Step,
  StoreFailure,
} from "../../src/index.ts";
import type { RuntimeOptions } from "../../src/runtime/options.ts";
import type { ModelClient } from "../../src/steps/model-client.ts";
import { memoryChannel } from "../../src/runtime/notification-channels/memory.ts";
import { chainOf, newScript } from "./support/chains.ts";
import { FakeProvider } from "./support/fake-provider.ts";
import { type Process, statusIn, submitted, turns } from "./support/jobs-harness.ts";
import {
  asking,
  makeWorld,
  pass,
  passUntil,
  processIn,
  rowsOf,
  submit,
  type World,
} from "./support/ledger-harness.ts";

const minute = 60_000;
const hour = 60 * minute;

/** What else a process does every now and then is not looked at here. */
const calm = { lookEvery: "10 seconds", recoverEvery: "1 hour", passivateAfter: "1 day" } as const;

/** A process and what it told of its alerts: `raised failure-rate step chain/first`. */
const watched = Effect.fnUntraced(function* (
  world: World,
  pipelines: Parameters<typeof processIn>[1],
  options: RuntimeOptions = {},
  wrap?: Parameters<typeof processIn>[3],
) {
  const told: Array<AlertChange> = [];
  const onAlert = (change: AlertChange) => {
    told.push(change);
    throw new Error("whoever listens is no part of the work");
  };
  const process = yield* processIn(world, pipelines, { ...calm, onAlert, ...options }, wrap);
  const heard = () =>
    told.map(({ type, alert }) => [type, alert.name, alert.subject].filter(Boolean).join(" "));
  return { process, told, heard };
});

const raised = ({ catena }: Process) =>
  catena.alerts().map(({ name, subject }) => [name, subject].filter(Boolean).join(" "));

const patient = { timeout: "10 hours" } as const;
const broken = { end: { status: "failed", error: "out of paint" } } as const;
const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });

describe("the failure rate", () => {
  it.effect(
    "is told by step and by model, from enough attempts on, and cleared once they go well",
    () =>
      Effect.gen(function* () {
        let isDown = true;
        const provider = new FakeProvider({ fateOf: () => (isDown ? broken : {}) });
        const world = yield* makeWorld(provider);
        const pipeline = asking({ retry: Retry.none });
        const { process, heard } = yield* watched(world, [pipeline]);
        const run = Effect.fnUntraced(function* (count: number) {
          for (let index = 0; index < count; index += 1) yield* submit(process, pipeline, "tea");
          yield* pass(30_000, 1_000);
        });
        yield* run(9);
        expect(raised(process)).toEqual([]);
        yield* run(1);
        expect(raised(process)).toEqual(
          expect.arrayContaining(["failure-rate step asking/ask", "failure-rate model fake/text"]),
        );
        const alert = process.catena.alerts().find(({ name }) => name === "failure-rate");
        expect(alert).toMatchObject({ value: 1, threshold: 0.5 });
        expect(alert?.what).toMatch(/^10 of 10 attempts of .* failed in the last 10 min$/);
        isDown = false;
        yield* run(12);
        // 10 of 22 are 45 %: below the threshold, not yet below what clears it.
        expect(raised(process)).toContain("failure-rate step asking/ask");
        yield* run(8);
        yield* pass(30_000, 1_000);
        expect(raised(process)).not.toContain("failure-rate step asking/ask");
        expect(heard()).toContain("cleared failure-rate step asking/ask");
      }),
  );

  it.effect("is over when its window has passed without an attempt", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => broken }));
      const pipeline = asking({ retry: Retry.none });
      const { process } = yield* watched(world, [pipeline]);
      for (let count = 0; count < 10; count += 1) yield* submit(process, pipeline, "tea");
      yield* pass(30_000, 1_000);
      expect(raised(process)).toContain("failure-rate step asking/ask");
      yield* pass(12 * minute, 10_000);
      expect(raised(process)).not.toContain("failure-rate step asking/ask");
    }),
  );

  it.effect("does not count what a rule forbade", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const check = Step.make("check", {
        input: Schema.String,
        output: Schema.String,
        fails: ["policy"],
        run: () => Effect.fail(new PolicyFailure({ rule: "no spirits" })),
      });
      const chain = Pipeline.make("chain", { version: 1, input: Schema.String })
        .step(check)
        .output(Schema.String, ({ last }) => last);
      const { process } = yield* watched(world, [chain]);
      for (let count = 0; count < 20; count += 1) yield* submitted(process, chain, "x");
      yield* pass(minute, 1_000);
      expect(raised(process)).toEqual(["dead-letters"]);
    }),
  );

  it.effect("counts what a provider refuses altogether, although it uses no attempts", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ answer: down }) }));
      const pipeline = asking({ retry: Retry.none });
      const { process } = yield* watched(world, [pipeline]);
      yield* submit(process, pipeline, "tea");
      yield* pass(8 * minute, 1_000);
      expect(raised(process)).toContain("failure-rate model fake/text");
    }),
  );
});

describe("the queue's age", () => {
  it.effect("is that of the first job that waits for a slot", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const gate = Latch.makeUnsafe(false);
      const chain = chainOf(newScript({ first: () => Effect.as(gate.await, "x") }), patient);
      const { process, heard } = yield* watched(world, [chain], { concurrency: 1 });
      const running = yield* submitted(process, chain, "x");
      const waiting = yield* submitted(process, chain, "x");
      yield* pass(9 * minute, 10_000);
      expect(raised(process)).toEqual([]);
      yield* pass(2 * minute, 10_000);
      expect(raised(process)).toEqual(["queue-age"]);
      const [alert] = process.catena.alerts();
      expect(alert?.what).toContain(waiting);
      expect(alert?.action).toContain("concurrency");
      gate.openUnsafe();
      yield* pass(minute, 1_000);
      expect(statusIn(world.journals, running)).toBe("complete");
      expect(heard()).toEqual(["raised queue-age", "cleared queue-age"]);
    }),
  );

  it.effect("is that of a job as well that was told to go on, from then on; it is not stuck", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const gate = Latch.makeUnsafe(false);
      const script = newScript({ first: () => Effect.fail(down) });
      const chain = chainOf(script, { ...patient, retry: Retry.none });
      const slots = {
        concurrency: 1,
        alerts: { failureRate: false, stuckJobs: { quiet: "15 minutes" } },
      } as const;
      const { process, heard } = yield* watched(world, [chain], slots);
      const failed = yield* submitted(process, chain, "x");
      yield* pass(hour, minute);
      expect(statusIn(world.journals, failed)).toBe("failed");
      let isHere = false;
      script.work["first"] = (text) => {
        if (isHere) return Effect.succeed(text);
        isHere = true;
        return Effect.as(gate.await, text);
      };
      yield* submitted(process, chain, "x");
      yield* process.catena.tell(failed, { type: "RetryRequested", by: "test", isFresh: false });
      yield* pass(9 * minute, 10_000);
      expect(raised(process)).toEqual([]);
      yield* pass(2 * minute, 10_000);
      expect(raised(process)).toEqual(["queue-age"]);
      expect(process.catena.alerts()[0]?.what).toContain(failed);
      gate.openUnsafe();
      yield* pass(minute, 1_000);
      expect(statusIn(world.journals, failed)).toBe("complete");
      expect(heard()).toEqual(["raised queue-age", "cleared queue-age"]);
    }),
  );

  it.effect("tells of jobs whose pipeline no process has any more", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const gone = chainOf(newScript(), {}, "gone");
      const before = yield* watched(world, [gone], { concurrency: 1 });
      const { engine } = before.process.catena;
      engine.jobs.setIntake("none");
      yield* submitted(before.process, gone, "x");
      yield* before.process.stop;
      const { process } = yield* watched(world, [chainOf(newScript())]);
      yield* pass(11 * minute, 10_000);
      expect(raised(process)).toEqual(["queue-age"]);
      expect(process.catena.alerts()[0]?.action).toContain("does not have gone@1");
    }),
  );
});

describe("stuck jobs", () => {
  it.effect("are silent for long, until they go on; a paused one is not stuck", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const gate = Latch.makeUnsafe(false);
      const chain = chainOf(newScript({ first: () => Effect.as(gate.await, "x") }), patient);
      const { process, heard } = yield* watched(world, [chain]);
      const silent = yield* submitted(process, chain, "x");
      const paused = yield* submitted(process, chain, "x");
      yield* process.catena.tell(paused, { type: "PauseRequested", by: "test" });
      yield* pass(58 * minute, 10_000);
      expect(raised(process)).toEqual([]);
      yield* pass(4 * minute, 10_000);
      expect(raised(process)).toEqual(["stuck-jobs jobs"]);
      expect(process.catena.alerts()[0]?.what).toBe(
        `1 job gets nowhere: ${silent}; the first waits for first`,
      );
      gate.openUnsafe();
      yield* pass(2 * minute, 10_000);
      expect(heard()).toEqual(["raised stuck-jobs jobs", "cleared stuck-jobs jobs"]);
    }),
  );

  it.effect("wait for an instant that is long over", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({
        fateOf: () => ({ runMs: Infinity, ignoresDeadline: true }),
      });
      const world = yield* makeWorld(provider);
      const pipeline = asking();
      const first = yield* processIn(world, [pipeline], calm);
      yield* submit(first, pipeline, "tea");
      yield* passUntil("waiting", () => rowsOf(world)[0]?.state === "accepted");
      yield* first.kill;
      // Nobody here has its pipeline, so that nobody takes it up.
      const { process } = yield* watched(world, [chainOf(newScript())]);
      yield* pass(12 * minute, 10_000);
      expect(raised(process)).toEqual(["stuck-jobs jobs"]);
    }),
  );

  it.effect("have words that nobody reads", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.fail(down) }), { retry: Retry.none });
      const first = yield* processIn(world, [chain], calm);
      const jobId = yield* submitted(first, chain, "x");
      yield* pass(minute, 1_000);
      expect(statusIn(world.journals, jobId)).toBe("failed");
      const { process } = yield* watched(world, [chainOf(newScript(), {}, "other")]);
      yield* first.stop;
      yield* process.catena.tell(jobId, { type: "RetryRequested", by: "test", isFresh: false });
      yield* pass(12 * minute, 10_000);
      expect(raised(process)).toEqual(["stuck-jobs messages"]);
      expect(process.catena.alerts()[0]?.what).toContain(jobId);
    }),
  );
});

describe("dead letters that grow", () => {
  it.effect("are told, and no longer once they were discarded", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      const options = { alerts: { deadLetters: { count: 3 }, failureRate: false } } as const;
      const { process, heard } = yield* watched(world, [chain], options);
      for (let count = 0; count < 3; count += 1) yield* submitted(process, chain, "x");
      yield* pass(minute, 1_000);
      expect(process.catena.alerts()).toMatchObject([
        { name: "dead-letters", value: 3, threshold: 3 },
      ]);
      yield* process.catena.deadLetters.discardAll({});
      yield* pass(2 * minute, 1_000);
      expect(heard()).toEqual(["raised dead-letters", "cleared dead-letters"]);
    }),
  );
});

describe("a paid answer that is about to be lost", () => {
  const long = asking({ timeout: "10 hours" });
  const limited = (client: ModelClient, looksPerMinute = 600): ModelClient => ({
    ...client,
    limits: { looksPerMinute, keepsMs: hour },
  });
  const endless = { runMs: Infinity, ignoresDeadline: true };

  it.effect("is told when its provider has not answered for three quarters of the hour", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => endless });
      const world = yield* makeWorld(provider);
      const models = limited(provider.client);
      const { process, heard } = yield* watched(world, [long], { models });
      const jobId = yield* submit(process, long, "tea");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      // As long as looks show it open, nothing is lost, however long it runs.
      yield* pass(2 * hour, 10_000);
      expect(raised(process)).toEqual([]);
      provider.isGetBroken = true;
      yield* pass(44 * minute, 10_000);
      expect(raised(process)).toEqual([]);
      yield* pass(2 * minute, 10_000);
      expect(raised(process)).toEqual(["about-to-be-lost provider fake"]);
      const [alert] = process.catena.alerts();
      expect(alert?.what).toMatch(
        `1 paid answer of fake may be gone in 14 min: p1 of job ${jobId}`,
      );
      provider.isGetBroken = false;
      yield* pass(2 * minute, 10_000);
      expect(heard()).toEqual([
        "raised about-to-be-lost provider fake",
        "cleared about-to-be-lost provider fake",
      ]);
    }),
  );

  it.effect("is told when it has ended and cannot be stored", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      // Every settlement is refused: the look shows the end, and it cannot be kept.
      const { process } = yield* watched(
        world,
        [long],
        { models: limited(provider.client), alerts: { stuckJobs: false } },
        (store) => ({
          ...store,
          commit: (writes) =>
            writes.some((write) => write.type === "ChangePrediction" && write.change.receipt)
              ? Effect.fail(new StoreFailure({ operation: "commit", reason: "Full", cause: "" }))
              : store.commit(writes),
        }),
      );
      yield* submit(process, long, "tea");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      yield* pass(46 * minute, 10_000);
      expect(raised(process)).toEqual(["about-to-be-lost provider fake"]);
    }),
  );

  it.effect("is not told by a process that has just looked, however long it was away", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => endless });
      const world = yield* makeWorld(provider);
      const models = limited(provider.client);
      const first = yield* watched(world, [long], { models });
      yield* submit(first.process, long, "tea");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      yield* first.process.stop;
      yield* pass(50 * minute, 10_000);
      const second = yield* watched(world, [long], { models });
      yield* pass(2 * minute, 10_000);
      expect(second.heard()).toEqual([]);
    }),
  );

  it.effect("is told where nobody has a client of its provider any more", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => endless });
      const world = yield* makeWorld(provider);
      const first = yield* processIn(world, [long], { ...calm, models: limited(provider.client) });
      yield* submit(first, long, "tea");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      yield* first.kill;
      const models = { ...provider.client, provider: "another" };
      const { process } = yield* watched(world, [long], { models });
      yield* pass(46 * minute, 10_000);
      expect(raised(process)).toContain("about-to-be-lost provider fake");
      expect(process.catena.alerts()[0]?.action).toContain("No client of fake");
    }),
  );

  it.effect("is told of all when the rate cannot reach them within the time", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => endless });
      const world = yield* makeWorld(provider);
      const models = limited(provider.client, 1);
      const rate = { createsPerMinute: 6_000, burst: 100 };
      const { process } = yield* watched(world, [long], { models, rate });
      for (let count = 0; count < 46; count += 1) yield* submit(process, long, "tea");
      yield* passUntil("all accepted", () => provider.made.length === 46);
      yield* pass(minute, 1_000);
      expect(raised(process)).toEqual(["about-to-be-lost polling fake"]);
    }),
  );

  it.effect("is no matter of providers that lose nothing", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: () => endless });
      const world = yield* makeWorld(provider);
      const { process } = yield* watched(world, [long]);
      yield* submit(process, long, "tea");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      provider.isGetBroken = true;
      yield* pass(2 * hour, minute);
      expect(raised(process)).toEqual([]);
    }),
  );
});

describe("a budget", () => {
  it.effect("that is nearly used is told", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const pipeline = asking({ timeout: "1 second" });
      // A call of a second costs a tenth of a cent, and reserves as much.
      const options: RuntimeOptions = { budgets: { perDayUsd: 0.0011 } };
      const { process, told } = yield* watched(world, [pipeline], options);
      yield* submit(process, pipeline, "tea");
      yield* pass(minute, 1_000);
      expect(raised(process)).toEqual(["budget day"]);
      expect(told[0]?.alert).toMatchObject({ threshold: 0.8 });
    }),
  );
});

describe("alerts", () => {
  it.effect("are told to who has subscribed, once however many processes see the same", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      const channel = memoryChannel();
      const options: RuntimeOptions = {
        alerts: { deadLetters: { count: 1 }, failureRate: false },
        notifications: { pager: { channel, events: ["alert.raised", "alert.cleared"] } },
      };
      const first = yield* watched(world, [chain], options);
      yield* watched(world, [chain], options);
      yield* submitted(first.process, chain, "x");
      yield* pass(minute, 1_000);
      yield* first.process.catena.deadLetters.discardAll({});
      yield* pass(2 * minute, 1_000);
      expect(channel.received).toMatchObject([
        {
          type: "alert.raised",
          data: { name: "dead-letters", subject: "", value: 1, threshold: 1 },
        },
        { type: "alert.cleared", data: { name: "dead-letters" } },
      ]);
      expect(JSON.stringify(channel.received)).not.toContain("a bug");
    }),
  );

  const pager = () => {
    const channel = memoryChannel();
    const events = ["alert.raised", "alert.cleared"] as const;
    const options: RuntimeOptions = {
      alerts: { deadLetters: { count: 1 }, failureRate: false },
      notifications: { pager: { channel, events } },
    };
    return { options, types: () => channel.received.map(({ type }) => type) };
  };

  it.effect.each([0, 1, 15, 29, 30, 45])(
    "are told once by processes %i s apart, wherever the ten minutes of the clock end between them",
    (apartS) =>
      Effect.gen(function* () {
        const world = yield* makeWorld(new FakeProvider());
        const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
        const { options, types } = pager();
        const first = yield* watched(world, [chain], options);
        yield* pass(apartS * 1_000, 1_000);
        yield* watched(world, [chain], options);
        const both = ["alert.raised", "alert.cleared"];
        const expected: Array<string> = [];
        // Every round begins elsewhere between the tens of minutes, some of them right before their end.
        for (let round = 0; round < 4; round += 1) {
          const now = yield* Clock.currentTimeMillis;
          const untilTheEnd = 10 * minute - (now % (10 * minute));
          yield* pass(Math.max(untilTheEnd - 8_000 * round, 0), 5_000);
          yield* submitted(first.process, chain, "x");
          yield* pass(2 * minute, 1_000);
          yield* first.process.catena.deadLetters.discardAll({});
          yield* pass(3 * minute, 1_000);
          expected.push(...both);
          expect(types()).toEqual(expected);
        }
      }),
  );

  it.effect("that come back within minutes are told again", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      const { options, types } = pager();
      const first = yield* watched(world, [chain], options);
      yield* watched(world, [chain], options);
      for (let times = 0; times < 2; times += 1) {
        yield* submitted(first.process, chain, "x");
        yield* pass(minute, 1_000);
        yield* first.process.catena.deadLetters.discardAll({});
        yield* pass(2 * minute, 1_000);
      }
      const both = ["alert.raised", "alert.cleared"];
      expect(types()).toEqual([...both, ...both]);
    }),
  );

  it.effect("of a process that is gone are cleared by the next, and not raised a second time", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      const { options, types } = pager();
      const first = yield* watched(world, [chain], options);
      yield* submitted(first.process, chain, "x");
      yield* pass(minute, 1_000);
      yield* first.process.kill;
      yield* pass(20 * minute, minute);
      const second = yield* watched(world, [chain], options);
      yield* pass(2 * minute, 1_000);
      expect(raised(second.process)).toEqual(["dead-letters"]);
      expect(types()).toEqual(["alert.raised"]);
      yield* second.process.stop;
      const third = yield* processIn(world, [chain], { ...calm, ...options, alerts: false });
      yield* third.catena.deadLetters.discardAll({});
      yield* third.stop;
      const last = yield* watched(world, [chain], options);
      yield* pass(3 * minute, 1_000);
      expect(last.heard()).toEqual(["cleared dead-letters"]);
      expect(types()).toEqual(["alert.raised", "alert.cleared"]);
    }),
  );

  it.effect("that come while nothing can be written are told once it can, in order", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      const { options, types } = pager();
      let isFull = false;
      const full = new StoreFailure({ operation: "commit", reason: "Full", cause: "x" });
      const { process } = yield* watched(world, [chain], options, (store) => ({
        ...store,
        commit: (writes) =>
          isFull && writes.some(({ type }) => type === "PostNotifications")
            ? Effect.fail(full)
            : store.commit(writes),
      }));
      isFull = true;
      yield* submitted(process, chain, "x");
      yield* pass(5 * minute, 1_000);
      expect(raised(process)).toEqual(["dead-letters"]);
      expect(types()).toEqual([]);
      isFull = false;
      yield* pass(minute, 1_000);
      expect(types()).toEqual(["alert.raised"]);
      isFull = true;
      yield* process.catena.deadLetters.discardAll({});
      yield* pass(5 * minute, 1_000);
      expect(types()).toEqual(["alert.raised"]);
      isFull = false;
      // A refused write keeps others away for some seconds, and the next look is half a minute off.
      yield* pass(10_000, 1_000);
      yield* submitted(process, chain, "x");
      yield* pass(minute, 1_000);
      expect(types()).toEqual(["alert.raised", "alert.cleared", "alert.raised"]);
    }),
  );

  it.effect("stay as they are while the store cannot be read", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      let isBroken = false;
      const trouble = new StoreFailure({ operation: "count", reason: "Io", cause: "x" });
      const options = { alerts: { deadLetters: { count: 1 } } } as const;
      const { process, heard } = yield* watched(world, [chain], options, (store) => ({
        ...store,
        letterCount: (filter) => (isBroken ? Effect.fail(trouble) : store.letterCount(filter)),
        oldestPending: Effect.suspend(() =>
          isBroken ? Effect.die(new Error("a bug of the store")) : store.oldestPending,
        ),
      }));
      yield* submitted(process, chain, "x");
      yield* pass(minute, 1_000);
      isBroken = true;
      yield* process.catena.deadLetters.discardAll({});
      yield* pass(5 * minute, 1_000);
      expect(raised(process)).toEqual(["dead-letters"]);
      isBroken = false;
      yield* pass(2 * minute, 1_000);
      expect(heard()).toEqual(["raised dead-letters", "cleared dead-letters"]);
    }),
  );

  it.effect("can be off, one by one or all of them", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider());
      const chain = chainOf(newScript({ first: () => Effect.die(new Error("a bug")) }));
      const one = yield* watched(world, [chain], {
        alerts: { deadLetters: false, failureRate: false },
      });
      const none = yield* watched(world, [chain], { alerts: false });
      for (let count = 0; count < 20; count += 1) yield* submitted(one.process, chain, "x");
      yield* pass(5 * minute, 1_000);
      yield* turns;
      expect([...one.heard(), ...none.heard()]).toEqual([]);
      expect(Option.isNone(yield* one.process.catena.engine.store.letter("nobody"))).toBe(true);
    }),
  );
});
