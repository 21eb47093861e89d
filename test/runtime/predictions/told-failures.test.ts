/** Why a job waits for looks or searches that fail is told, and not once for each of them. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Logger } from "effect";
import { Functions, Retry } from "../../../src/index.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import {
  asking,
  makeWorld,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
} from "../support/ledger-harness.ts";

/** What is logged while the effect runs. */
const logged = <A, E, R>(effect: (lines: ReadonlyArray<string>) => Effect.Effect<A, E, R>) => {
  const lines: Array<string> = [];
  const logger = Logger.make(({ message }) => {
    lines.push(String(message));
  });
  return Effect.provide(effect(lines), Logger.layer([logger]));
};

describe("a failing provider", () => {
  it.effect("is told once a minute, with what it says and how often it failed", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const long = asking({ timeout: "10 minutes" });
        const provider = new FakeProvider({ fateOf: () => ({ runMs: Infinity }) });
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [long]);
        for (let count = 0; count < 20; count += 1) yield* submit(process, long, `${count}`);
        yield* pass(5_000);
        expect(lines.filter((line) => line.includes("failed"))).toEqual([]);
        provider.isGetBroken = true;
        yield* pass(90_000, 1_000);
        const told = lines.filter((line) => line.includes("a look at a prediction failed"));
        expect(told).toHaveLength(2);
        expect(told[0]).toBe(
          "a look at a prediction failed: fake: Unavailable: HTTP 503; it is tried again",
        );
        expect(told[1]).toMatch(/HTTP 503, and \d+ more since the last one that was told; it is/);
      }),
    ),
  );

  it.effect("says so where the answer to a create is looked for in vain", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const provider = new FakeProvider({ fateOf: () => ({ answer: "nothing" }) });
        provider.isListBroken = true;
        const world = yield* makeWorld(provider);
        const process = yield* processIn(world, [asking()]);
        yield* submit(process, asking(), "tea");
        yield* pass(10_000);
        expect(lines.filter((line) => line.includes("search"))).toEqual([
          "the search for a prediction failed: fake: Unavailable: HTTP 502; it is tried again",
        ]);
      }),
    ),
  );

  it.effect("is told of nothing that is over for certain, and not tried again", () =>
    logged((lines) =>
      Effect.gen(function* () {
        const world = yield* makeWorld(new FakeProvider());
        const client = () =>
          Functions.client({ models: { "fake/text": { run: () => new Promise(() => {}) } } });
        const pipeline = asking({ retry: Retry.none });
        const first = yield* processIn(world, [pipeline], { models: client() });
        const jobId = yield* submit(first, pipeline, "tea");
        yield* passUntil("it runs", () => rowsOf(world)[0]?.state === "accepted");
        yield* first.kill;
        yield* processIn(world, [pipeline], { models: client() });
        yield* passUntil("it has failed", () => recordOf(world, jobId)?.status === "failed");
        expect(lines.filter((line) => line.includes("tried again"))).toEqual([]);
      }),
    ),
  );
});
