/**
 * What users of a Catena are told, and what becomes of it when receivers fail and processes die: each event
 * arrives, at least once, under one id; nothing is told of what was not committed.
 */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Fiber, Latch } from "effect";
import { TestClock } from "effect/testing";
import { Catena, type NotificationOptions, ProviderFailure, StartError } from "../../src/index.ts";
import { MemoryJournals } from "../../src/runtime/journal-stores/memory.ts";
import { NotDelivered } from "../../src/runtime/notification-channel.ts";
import { memoryChannel } from "../../src/runtime/notification-channels/memory.ts";
import { NotificationUnavailable } from "../../src/runtime/notifications.ts";
import { chainOf, gatedWork, newScript } from "./support/chains.ts";
import {
  outcomeOf,
  startProcess,
  submitted,
  turns,
  until,
  within,
} from "./support/jobs-harness.ts";
import { makeGate } from "./support/gated-store.ts";

const hourMs = 3_600_000;
const failing = () =>
  Effect.fail(
    new ProviderFailure({ reason: "Unavailable", provider: "inner", detail: "the secret cause" }),
  );

const begin = (part: Partial<Parameters<typeof startProcess>[0]> = {}) => {
  const script = newScript();
  const journals = new MemoryJournals();
  const channel = memoryChannel();
  const pipeline = chainOf(script);
  const options = { pipelines: [pipeline], journals, notifications: { orders: { channel } } };
  return { script, journals, channel, pipeline, start: startProcess({ ...options, ...part }) };
};

/** Waits until the channel has taken so many. */
const received = (channel: ReturnType<typeof memoryChannel>, count: number) =>
  until(`${count} received`, () => channel.received.length >= count);

describe("a subscription", () => {
  it.effect("is told that a job is complete, with its output and its cost", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start } = begin();
      const process = yield* start;
      const jobId = yield* submitted(process, pipeline, "x");
      yield* received(channel, 1);
      const { seq } = (yield* process.catena.state(jobId)).entries.at(-1) ?? { seq: 0 };
      const instant = "1970-01-01T00:00:00.000Z";
      expect(channel.received).toEqual([
        {
          id: `evt_${jobId}_${seq}_orders`,
          type: "job.complete",
          at: 0,
          data: {
            job_id: jobId,
            pipeline: "chain",
            version: 1,
            tenant: null,
            cost_usd: 0,
            created_at: instant,
            ended_at: instant,
            status: "complete",
            output: "x>first>second>third",
          },
        },
      ]);
      yield* turns;
      const [row] = yield* process.catena.notifications();
      expect(row).toMatchObject({ state: "delivered", attempts: 0, lastError: null });
    }),
  );

  it.effect("is told that a job failed in words that are safe, and again when it fails again", () =>
    Effect.gen(function* () {
      const { script, channel, pipeline, start } = begin();
      script.work["second"] = failing;
      const process = yield* start;
      const jobId = yield* submitted(process, pipeline, "x");
      yield* received(channel, 1);
      yield* outcomeOf(process, pipeline, jobId);
      yield* process.catena.tell(jobId, { type: "RetryRequested", by: "t", isFresh: false });
      yield* within(received(channel, 2));
      expect(channel.received.map(({ type }) => type)).toEqual(["job.failed", "job.failed"]);
      expect(new Set(channel.received.map(({ id }) => id)).size).toBe(2);
      expect(channel.received[0]?.data).toMatchObject({
        status: "failed",
        failure: {
          kind: "provider",
          step: "second",
          message: "A model provider could not finish the work.",
        },
      });
      expect(JSON.stringify(channel.received)).not.toContain("secret cause");
    }),
  );

  it.effect("is told that a job was cancelled, also where it had failed before", () =>
    Effect.gen(function* () {
      const { script, channel, pipeline, start } = begin();
      script.work["second"] = failing;
      const process = yield* start;
      const jobId = yield* submitted(process, pipeline, "x");
      yield* outcomeOf(process, pipeline, jobId);
      yield* process.catena.tell(jobId, { type: "CancelRequested", by: "t" });
      yield* within(received(channel, 2));
      expect(channel.received[1]).toMatchObject({
        type: "job.cancelled",
        data: { job_id: jobId, status: "cancelled" },
      });
    }),
  );

  it.effect("is told of its own events and pipelines only", () =>
    Effect.gen(function* () {
      const [failures, others] = [memoryChannel(), memoryChannel()];
      const notifications: NotificationOptions = {
        failures: { channel: failures, events: ["job.failed"] },
        others: { channel: others, pipelines: ["other"] },
      };
      const script = newScript();
      const [pipeline, other] = [chainOf(script), chainOf(script, {}, "other")];
      const journals = new MemoryJournals();
      const process = yield* startProcess({
        pipelines: [pipeline, other],
        journals,
        notifications,
      });
      yield* submitted(process, pipeline, "x");
      const jobId = yield* submitted(process, other, "y");
      yield* received(others, 1);
      yield* turns;
      expect(failures.received).toEqual([]);
      expect(others.received.map(({ data }) => data)).toMatchObject([{ job_id: jobId }]);
    }),
  );

  it.effect("gets an output that is too large for the journal whole", () =>
    Effect.gen(function* () {
      const { script, channel, pipeline, start } = begin();
      const large = "x".repeat(70_000);
      script.work["third"] = () => Effect.succeed(large);
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      yield* received(channel, 1);
      expect(channel.received[0]?.data).toMatchObject({ output: large });
    }),
  );

  it.effect("is told of what was raised beside the jobs, once for each key", () =>
    Effect.gen(function* () {
      const channel = memoryChannel();
      const notifications: NotificationOptions = {
        night: { channel, events: ["alert.raised"] },
        orders: { channel },
      };
      const process = yield* begin({ notifications }).start;
      const raised = { key: "queue_7", type: "alert.raised", at: 0, data: { queue: 7 } } as const;
      yield* process.catena.engine.notifications.raise(raised);
      yield* process.catena.engine.notifications.raise({ ...raised, data: { queue: 8 } });
      yield* received(channel, 1);
      yield* turns;
      const { key: _key, ...told } = raised;
      expect(channel.received).toEqual([{ ...told, id: "evt_queue_7_night" }]);
    }),
  );

  it.effect("hears nothing of what was not committed", () =>
    Effect.gen(function* () {
      const gate = makeGate();
      const { channel, pipeline, start } = begin({ wrap: gate.wrap });
      const process = yield* start;
      gate.hold((writes) => writes.some((write) => "outbox" in write && write.outbox.length > 0));
      yield* submitted(process, pipeline, "x");
      yield* until("the end is at the gate", () => gate.waiting() > 0);
      yield* turns;
      expect(channel.received).toEqual([]);
      gate.open();
      yield* received(channel, 1);
    }),
  );
});

describe("many notifications", () => {
  it.effect("are sent eight at a time, and those that come meanwhile as well", () =>
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe(false);
      const sent: Array<string> = [];
      let [sending, most] = [0, 0];
      const deliver = ({ id }: { readonly id: string }) =>
        Effect.gen(function* () {
          sending += 1;
          most = Math.max(most, sending);
          yield* latch.await;
          yield* Effect.yieldNow;
          sending -= 1;
          sent.push(id);
        });
      const channel = { kind: "slow", deliver };
      const notifications: NotificationOptions = { all: { channel, events: ["alert.raised"] } };
      const { catena } = yield* begin({ notifications }).start;
      const raise = (index: number) =>
        catena.engine.notifications.raise({
          key: `n${index}`,
          type: "alert.raised",
          at: 0,
          data: index,
        });
      yield* Effect.forEach(
        Array.from({ length: 30 }, (_, index) => index),
        raise,
        {
          concurrency: "unbounded",
        },
      );
      yield* turns;
      yield* raise(30);
      yield* turns;
      expect([sending, most]).toEqual([8, 8]);
      latch.openUnsafe();
      yield* until("all are sent", () => sent.length === 31);
      expect([new Set(sent).size, most]).toEqual([31, 8]);
    }),
  );
});

describe("a notification that is not taken", () => {
  it.effect("is sent eight times in a day and a half, then kept as undeliverable", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start } = begin({ lookEvery: "1 hour", recoverEvery: "1 hour" });
      channel.answer("refuse");
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      const tried = Effect.fnUntraced(function* (hours: number) {
        yield* within(Effect.sleep(hours * hourMs), { byMs: hourMs / 2, limitMs: 99 * hourMs });
        return (yield* process.catena.notifications())[0]?.attempts;
      });
      expect(yield* tried(1)).toBe(4);
      expect(yield* tried(30)).toBe(7);
      expect(yield* tried(9)).toBe(8);
      const [row] = yield* process.catena.notifications({ state: "undeliverable" });
      expect(row).toMatchObject({ attempts: 8, lastError: "refused, as the test wants it" });
      const at = row?.updatedAt ?? 0;
      expect(at).toBeGreaterThanOrEqual(31 * hourMs);
      expect(at).toBeLessThanOrEqual(40 * hourMs);
      channel.answer("take");
      yield* process.catena.redeliver(row?.id ?? "");
      yield* received(channel, 1);
      expect(channel.received[0]?.id).toBe(row?.id);
    }),
  );

  it.effect("is given up at once where trying again is of no use", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start } = begin();
      channel.answer("refuseForGood");
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      yield* turns;
      const rows = yield* process.catena.notifications();
      expect(rows).toMatchObject([{ state: "undeliverable", attempts: 1 }]);
    }),
  );

  it.effect("waits as long as its receiver asks for", () =>
    Effect.gen(function* () {
      const asked = new NotDelivered({ detail: "429", isPermanent: false, retryAfterMs: hourMs });
      const channel = { kind: "busy", deliver: () => Effect.fail(asked) };
      const { pipeline, start } = begin({ notifications: { orders: { channel } } });
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      yield* turns;
      expect(yield* process.catena.notifications()).toMatchObject([
        { attempts: 1, nextAt: hourMs },
      ]);
    }),
  );

  it.effect("holds up nobody else's, and a channel that breaks or hangs is one that failed", () =>
    Effect.gen(function* () {
      const channel = memoryChannel();
      const broken = {
        kind: "broken",
        deliver: () => Effect.die(new TypeError("the token is hunter2")),
      };
      const hanging = { kind: "hanging", deliver: () => Effect.never };
      const { pipeline, start } = begin({
        notifications: {
          broken: { channel: broken },
          hanging: { channel: hanging },
          orders: { channel },
        },
      });
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      yield* received(channel, 1);
      yield* TestClock.adjust("61 seconds");
      yield* turns;
      const rows = yield* process.catena.notifications();
      const errors = Object.fromEntries(
        rows.map(({ subscription, lastError }) => [subscription, lastError]),
      );
      expect(errors).toEqual({
        broken: "its channel threw: TypeError",
        hanging: "its channel did not come to an end within 60 s",
        orders: null,
      });
    }),
  );

  it.effect("that does not exist, or of a subscription that is gone, cannot be sent again", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start, journals } = begin();
      channel.answer("refuseForGood");
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      yield* turns;
      const [row] = yield* process.catena.notifications();
      const refused = yield* Effect.flip(process.catena.redeliver("evt_none"));
      expect(refused).toBeInstanceOf(NotificationUnavailable);
      const other = yield* startProcess({ pipelines: [pipeline], journals });
      const gone = yield* Effect.flip(other.catena.redeliver(row?.id ?? ""));
      expect(String(gone)).toContain('this process has no subscription "orders"');
    }),
  );
});

describe("a process", () => {
  it.effect(
    "that dies between sending and marking has another send it again, under the same id",
    () =>
      Effect.gen(function* () {
        const gate = makeGate();
        const { channel, pipeline, start, journals } = begin({ wrap: gate.wrap });
        const first = yield* start;
        gate.hold((writes) => writes.some(({ type }) => type === "ChangeNotification"));
        yield* submitted(first, pipeline, "x");
        yield* received(channel, 1);
        yield* until("the mark is at the gate", () => gate.waiting() > 0);
        yield* within(first.die);
        const notifications = { orders: { channel } };
        yield* startProcess({ pipelines: [pipeline], journals, notifications });
        yield* received(channel, 2);
        const [before, after] = channel.received;
        expect(after).toEqual(before);
      }),
  );

  it.effect("that finds a job to be poison tells that it failed", () =>
    Effect.gen(function* () {
      const { script, channel, pipeline, start } = begin();
      script.work["second"] = () => Effect.never;
      const first = yield* start;
      const jobId = yield* submitted(first, pipeline, "x");
      yield* turns;
      yield* within(first.die);
      for (let death = 0; death < 2; death += 1) {
        const next = yield* start;
        yield* turns;
        yield* within(next.die);
      }
      yield* start;
      yield* received(channel, 1);
      expect(channel.received[0]).toMatchObject({
        type: "job.failed",
        data: { job_id: jobId, failure: { kind: "defect", message: "step failed" } },
      });
    }),
  );

  it.effect("that stops lets what it is sending come to its end", () =>
    Effect.gen(function* () {
      const latch = Latch.makeUnsafe(false);
      const sent: Array<string> = [];
      const deliver = ({ id }: { readonly id: string }) =>
        Effect.map(latch.await, () => void sent.push(id));
      const { pipeline, start, journals } = begin({
        notifications: { orders: { channel: { kind: "slow", deliver } } },
      });
      const process = yield* start;
      yield* submitted(process, pipeline, "x");
      yield* turns;
      const stopping = yield* Effect.forkChild(process.stop, { startImmediately: true });
      yield* turns;
      latch.openUnsafe();
      yield* Fiber.join(stopping);
      expect(sent).toHaveLength(1);
      const next = yield* startProcess({ pipelines: [pipeline], journals });
      expect(yield* next.catena.notifications()).toMatchObject([{ state: "delivered" }]);
    }),
  );

  it.effect("that cannot wait for it any longer leaves it due to the next", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start, journals } = begin();
      channel.answer("hang");
      const first = yield* start;
      yield* submitted(first, pipeline, "x");
      yield* turns;
      yield* within(first.stop);
      channel.answer("take");
      const notifications = { orders: { channel } };
      const next = yield* startProcess({ pipelines: [pipeline], journals, notifications });
      yield* received(channel, 1);
      yield* turns;
      expect(yield* next.catena.notifications()).toMatchObject([
        { state: "delivered", attempts: 0 },
      ]);
    }),
  );

  it.effect("sends nothing that a living one has to send", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start, journals } = begin();
      const [first, second] = [yield* start, memoryChannel()];
      const notifications = { orders: { channel: second } };
      yield* startProcess({ pipelines: [pipeline], journals, notifications });
      channel.answer("refuse");
      yield* submitted(first, pipeline, "x");
      yield* within(Effect.sleep("1 minute"));
      expect(second.received).toEqual([]);
      yield* within(first.die);
      yield* within(Effect.sleep("10 minutes"), { byMs: 5_000, limitMs: hourMs });
      expect(second.received).toHaveLength(1);
    }),
  );

  it.effect("keeps for a subscription that is not there what is due to it", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start, journals } = begin();
      channel.answer("hang");
      const first = yield* start;
      yield* submitted(first, pipeline, "x");
      yield* turns;
      yield* within(first.die);
      const other = memoryChannel();
      const second = yield* startProcess({
        pipelines: [pipeline],
        journals,
        notifications: { renamed: { channel: other } },
      });
      yield* within(Effect.sleep("1 minute"));
      expect(other.received).toEqual([]);
      expect(yield* second.catena.notifications()).toMatchObject([{ state: "due" }]);
    }),
  );

  it.effect("that was fenced tells nothing of a job that is another's", () =>
    Effect.gen(function* () {
      const { script, channel, pipeline, start, journals } = begin();
      const gated = gatedWork("second");
      script.work["second"] = gated.work;
      const first = yield* start;
      yield* submitted(first, pipeline, "x");
      yield* turns;
      yield* first.declareDead;
      const second = memoryChannel();
      const notifications = { orders: { channel: second } };
      yield* startProcess({ pipelines: [pipeline], journals, notifications });
      yield* turns;
      gated.open();
      yield* within(received(second, 1));
      yield* turns;
      expect(channel.received).toEqual([]);
      expect(second.received).toHaveLength(1);
    }),
  );
});

describe("an erased job", () => {
  it.effect("takes along what was still to be told of it", () =>
    Effect.gen(function* () {
      const { channel, pipeline, start } = begin();
      channel.answer("refuse");
      const process = yield* start;
      const jobId = yield* submitted(process, pipeline, "x");
      yield* outcomeOf(process, pipeline, jobId);
      yield* turns;
      expect(yield* process.catena.notifications()).toMatchObject([{ attempts: 1 }]);
      yield* process.catena.erase(jobId);
      channel.answer("take");
      yield* within(Effect.sleep("10 minutes"), { byMs: 10_000, limitMs: hourMs });
      expect(yield* process.catena.notifications()).toEqual([]);
      expect(channel.received).toEqual([]);
    }),
  );
});

describe("pruning", () => {
  it.effect(
    "takes what was delivered with the jobs of its age, and what belongs to no job as well",
    () =>
      Effect.gen(function* () {
        const channel = memoryChannel();
        const { pipeline, start } = begin({
          notifications: { all: { channel, events: ["job.complete", "alert.raised"] } },
          retention: { jobs: "1 hour" },
          lookEvery: "1 hour",
        });
        const { catena, ...process } = yield* start;
        const raise = (key: string, at: number) =>
          catena.engine.notifications.raise({ key, type: "alert.raised", at, data: null });
        yield* submitted({ ...process, catena }, pipeline, "x");
        yield* raise("old", 0);
        yield* received(channel, 2);
        yield* turns;
        yield* within(Effect.sleep(2 * hourMs), { byMs: hourMs, limitMs: 9 * hourMs });
        yield* raise("young", 2 * hourMs);
        yield* received(channel, 3);
        yield* turns;
        yield* catena.prune();
        expect((yield* catena.notifications()).map(({ id }) => id)).toEqual(["evt_young_all"]);
      }),
  );
});

describe("a start", () => {
  const channel = memoryChannel();
  const wrong: ReadonlyArray<readonly [field: string, notifications: unknown]> = [
    ["notifications", []],
    ["notifications", { "an order": { channel } }],
    ["notifications.a", { a: null }],
    ["notifications.a", { a: { channel, event: ["job.failed"] } }],
    ["notifications.a.channel", { a: {} }],
    ["notifications.a.channel", { a: { channel: "https://example.com" } }],
    ["notifications.a.events", { a: { channel, events: [] } }],
    ["notifications.a.events", { a: { channel, events: ["job.done"] } }],
    ["notifications.a.pipelines", { a: { channel, pipelines: ["none"] } }],
  ];
  it.each(wrong)("refuses a wrong %s: %j", async (field, notifications) => {
    const pipelines = [chainOf(newScript())] as const;
    // As plain JavaScript may hand it over.
    const given = notifications as NotificationOptions;
    const error: unknown = await Catena.start({ pipelines, notifications: given }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ field });
  });
});
