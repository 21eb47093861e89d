/**
 * A crash after any commit of a job whose provider is a server of its own, reached over real HTTP by the
 * real client: the resume equals a straight run, and the provider's ledger holds each call once.
 */
import { describe, it } from "@effect/vitest";
import { Clock, Effect } from "effect";
import { expect } from "vitest";
import { startEmulator } from "../../emulator/src/emulator.ts";
import { Replicate } from "../../src/steps/model-clients/replicate.ts";
import { canonical } from "./prefix-resume/canonical.ts";
import { chainOf } from "./prefix-resume/chain.ts";
import { fastClock } from "./prefix-resume/fast-clock.ts";
import { type Life, liveThrough } from "./prefix-resume/life.ts";
import type { Death } from "./prefix-resume/mortal-process.ts";

const cast = {
  writer: "meta/meta-llama-3-8b-instruct",
  painter: "black-forest-labs/flux-schnell",
  judge:
    "falcons-ai/nsfw_image_detection:97116600cabd3037e5f22ca08ffcc33b92cfacebf7ccd3609e9c1d29e43d3a8d",
};

/** A minute of grace is then three seconds. */
const factor = 20;
const orphanGraceMs = 60_000;
/** In the clock's ms: half a minute of the real one, for a machine that is busy with other tests. */
const requestTimeoutMs = 600_000;

interface Lived extends Life {
  readonly ledger: ReadonlyArray<string>;
}

const live = Effect.fnUntraced(function* (death: Death | null): Effect.fn.Return<Lived> {
  const clock = yield* Clock.Clock;
  const start = startEmulator({
    models: "instant",
    listLagMs: 500,
    now: () => clock.currentTimeMillisUnsafe(),
  });
  return yield* Effect.acquireUseRelease(
    Effect.promise(() => start),
    (emulator) =>
      Effect.gen(function* () {
        const client = Replicate.client({
          token: emulator.token,
          baseUrl: `${emulator.url}/v1`,
          allowOwnOriginDownloads: true,
          allowInsecureDownloads: true,
          requestTimeoutMs,
        });
        const pipeline = chainOf(cast, () => undefined);
        const around = { pipeline, input: "a kettle", client, orphanGraceMs };
        const life = yield* liveThrough(around, death);
        const ledger = emulator.ledger().map(({ model, inputHash }) => `${model} ${inputHash}`);
        return { ...life, ledger };
      }),
    (emulator) => Effect.promise(() => emulator.stop()),
  );
});

describe("a job whose process dies", () => {
  it.live(
    "at any commit pays a provider over HTTP once for each step",
    () =>
      Effect.gen(function* () {
        const straight = yield* live(null);
        expect(straight.record.status).toBe("complete");
        expect(straight.ledger).toHaveLength(4);
        // What it sent before it died has reached the provider; the other half is tried without HTTP.
        const deaths = Array.from(
          { length: straight.commits - 1 },
          (_, index): Death => ({ commit: index + 1, before: "next" }),
        );
        // Most of a resume is waiting: for the grace of a lost answer, and between two looks.
        yield* Effect.forEach(deaths, (death) => compare(straight, death), { concurrency: 12 });
      }).pipe(provideFastClock),
    60_000,
  );
});

const provideFastClock = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(fastClock(factor), (clock) => Effect.provideService(effect, Clock.Clock, clock));

const compare = Effect.fnUntraced(function* (straight: Lived, death: Death) {
  const at = `commit ${death.commit}, before its ${death.before}`;
  const resumed = yield* live(death);
  expect(canonical(resumed.entries), at).toEqual(canonical(straight.entries));
  expect(resumed.ledger, at).toEqual(straight.ledger);
  expect(resumed.record.status, at).toBe("complete");
  expect(resumed.record.normalizedOutput, at).toEqual(straight.record.normalizedOutput);
  expect(resumed.record.costMicros, at).toBe(straight.record.costMicros);
});
