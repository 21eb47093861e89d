/** Looks keep within what the provider allows, none is forgotten, and what cannot wait does not. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { ProviderFailure } from "../../../src/steps/failure.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";
import { makeLookPace } from "../../../src/runtime/predictions/look-pace.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import { turns } from "../support/jobs-harness.ts";
import {
  asking,
  makeWorld,
  pass,
  passUntil,
  processIn,
  rowsOf,
  submit,
} from "../support/ledger-harness.ts";

const minute = 60_000;
const hour = 60 * minute;

/** The client with limits, and when it was asked for what. */
const limited = (client: ModelClient, looksPerMinute: number) => {
  const looks: Array<{ readonly id: string; readonly at: number }> = [];
  const models: ModelClient = {
    ...client,
    limits: { looksPerMinute, keepsMs: hour },
    get: (id) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        looks.push({ id, at });
        return client.get(id);
      }),
  };
  return { models, looks };
};

/** The most that fell into any span of so long (ms). */
const mostWithin = (times: ReadonlyArray<number>, spanMs: number): number => {
  let first = 0;
  let most = 0;
  for (const [last, at] of times.entries()) {
    while ((times[first] ?? at) <= at - spanMs) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
};

/** What else a process does every now and then is not looked at here. */
const calm = { lookEvery: "1 minute", recoverEvery: "1 hour", passivateAfter: "1 day" } as const;

const long = asking({ timeout: "10 hours" });

describe("polling", () => {
  it.effect(
    "of more predictions than may be looked at in their turn keeps the rate and forgets none",
    () =>
      Effect.gen(function* () {
        const provider = new FakeProvider({
          fateOf: () => ({ runMs: Infinity, ignoresDeadline: true }),
        });
        const world = yield* makeWorld(provider);
        const { models, looks } = limited(provider.client, 60);
        const rate = { createsPerMinute: 6_000, burst: 300 };
        const process = yield* processIn(world, [long], {
          ...calm,
          models,
          rate,
          concurrency: 300,
        });
        yield* Effect.forEach(Array.from({ length: 240 }), () => submit(process, long, "tea"));
        yield* passUntil("all accepted", () => provider.made.length === 240);
        // One look each ten seconds would be 1,440 a minute.
        yield* pass(hour, 1_000);
        expect(
          mostWithin(
            looks.map(({ at }) => at),
            minute,
          ),
        ).toBeLessThanOrEqual(60 * 1.2);
        const gaps = provider.made.map(({ id }) => {
          const times = looks.filter((look) => look.id === id).map(({ at }) => at);
          return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
        });
        // Four minutes' worth of looks: each has its turn long before the hour is over.
        expect(Math.max(...gaps)).toBeLessThan(5 * minute);
      }),
  );

  it.effect("is never rarer than each quarter of an hour, whatever it grows to", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({
        fateOf: () => ({ runMs: Infinity, ignoresDeadline: true }),
      });
      const world = yield* makeWorld(provider);
      const { models, looks } = limited(provider.client, 60);
      const process = yield* processIn(world, [long], { ...calm, models, pollEvery: "14 minutes" });
      yield* submit(process, long, "tea");
      yield* passUntil("accepted", () => rowsOf(world)[0]?.state === "accepted");
      yield* pass(4 * hour, minute);
      const times = looks.map(({ at }) => at);
      const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
      expect(times.length).toBeGreaterThan(12);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(16 * minute);
    }),
  );

  it.effect(
    "finds what ended without any report within the hour after which its answer is gone",
    () =>
      Effect.gen(function* () {
        const runMs = 3 * hour;
        const provider = new FakeProvider({ fateOf: () => ({ runMs, ignoresDeadline: true }) });
        const world = yield* makeWorld(provider);
        const { models } = limited(provider.client, 60);
        const process = yield* processIn(world, [long], {
          ...calm,
          models,
          pollEvery: "14 minutes",
        });
        yield* submit(process, long, "tea");
        const settled = () => rowsOf(world)[0]?.settledAt ?? null;
        yield* pass(5 * hour, minute);
        const endedAt = (provider.made[0]?.createdAt ?? 0) + runMs;
        expect((settled() ?? Infinity) - endedAt).toBeLessThan(hour);
      }),
  );
});

describe("the pace", () => {
  const answered = new FakeProvider().client;

  const paceOf = (looksPerMinute: number, get: ModelClient["get"]) =>
    makeLookPace({ ...answered, limits: { looksPerMinute, keepsMs: hour }, get });

  const seen =
    (times: Array<number>): ModelClient["get"] =>
    () =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        times.push(at);
        return Effect.fail(
          new ProviderFailure({ reason: "Unavailable", provider: "x", detail: "" }),
        );
      });

  it.effect("lets what is urgent pass by those who wait, who pay it back", () =>
    Effect.gen(function* () {
      const times: Array<number> = [];
      const pace = paceOf(60, seen(times));
      const ask = (of: ModelClient) => Effect.ignore(of.get("p"));
      yield* Effect.forEach(Array.from({ length: 30 }), () => Effect.forkChild(ask(pace.patient)));
      yield* turns;
      const first = times.length;
      expect(first).toBeLessThan(10);
      yield* ask(pace.urgent);
      expect(times).toHaveLength(first + 1);
      yield* pass(60_000);
      expect(times).toHaveLength(31);
      expect(mostWithin(times, minute)).toBeLessThanOrEqual(60 * 1.2);
    }),
  );

  it.effect("holds everybody after a 429 for as long as the provider asks", () =>
    Effect.gen(function* () {
      const times: Array<number> = [];
      let isLimited = true;
      const limit = new ProviderFailure({
        reason: "RateLimited",
        provider: "x",
        detail: "slow down",
        retryAfterMs: 20_000,
      });
      const pace = paceOf(600, (id) =>
        Effect.suspend(() => (isLimited ? Effect.fail(limit) : seen(times)(id))),
      );
      yield* Effect.ignore(pace.patient.get("p"));
      isLimited = false;
      const start = yield* Clock.currentTimeMillis;
      yield* Effect.forkChild(Effect.ignore(pace.patient.get("p")));
      yield* Effect.forkChild(Effect.ignore(pace.urgent.get("p")));
      yield* pass(19_000);
      expect(times).toEqual([]);
      yield* pass(2_000);
      expect(times).toHaveLength(2);
      expect(Math.min(...times) - start).toBeGreaterThanOrEqual(20_000);
    }),
  );

  it.effect("is held for five minutes at the most, however long a 429 asks for", () =>
    Effect.gen(function* () {
      const times: Array<number> = [];
      let isLimited = true;
      const limit = new ProviderFailure({
        reason: "RateLimited",
        provider: "x",
        detail: "come back next year",
        retryAfterMs: 365 * 86_400_000,
      });
      const pace = paceOf(600, (id) =>
        Effect.suspend(() => (isLimited ? Effect.fail(limit) : seen(times)(id))),
      );
      yield* Effect.ignore(pace.patient.get("p"));
      isLimited = false;
      yield* Effect.forkChild(Effect.ignore(pace.patient.get("p")));
      yield* Effect.forkChild(Effect.ignore(pace.urgent.get("p")));
      yield* pass(301_000, 1_000);
      expect(times).toHaveLength(2);
    }),
  );

  it("is none where the provider has no limits", () => {
    const pace = makeLookPace(answered);
    expect(pace.patient).toBe(answered);
    expect(pace.urgent).toBe(answered);
  });
});
