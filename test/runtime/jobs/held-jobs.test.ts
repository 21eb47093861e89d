/** Jobs that are held before a provider: they keep no place in `concurrency` from jobs that could go on. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { ProviderFailure } from "../../../src/index.ts";
import { chainOf, newScript } from "../support/chains.ts";
import { FakeProvider } from "../support/fake-provider.ts";
import {
  asking,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  recordOf,
  submit,
} from "../support/ledger-harness.ts";

const limits = { fake: { concurrency: 1 } };
const chain = chainOf(newScript());
const complete = { status: "complete" };

describe("jobs that wait for a provider to take calls", () => {
  it.effect("for a limit, starve no other pipeline, and pass in the order in which they came", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ runMs: 10_000 }) }));
      const pipeline = asking();
      const process = yield* processIn(world, [pipeline, chain], { concurrency: 2, limits });
      const ids: Array<string> = [];
      for (let index = 0; index < 12; index += 1)
        ids.push(yield* submit(process, pipeline, `${index}`));
      const other = yield* submit(process, chain, "x");
      yield* passUntil("all others are held", () =>
        ids.slice(1).every((id) => recordOf(world, id)?.detail === "backingOff"),
      );
      expect(yield* outcome(process, chain, other)).toMatchObject(complete);
      expect(world.provider.made.length).toBeLessThan(4);
      for (const id of ids) expect(yield* outcome(process, pipeline, id)).toMatchObject(complete);
      const asked = world.provider.made.map(({ request }) => request.input["prompt"]);
      expect(asked).toEqual(ids.map((_, index) => `${index}`));
    }),
  );

  it.effect("for credit, starve no other pipeline either", () =>
    Effect.gen(function* () {
      const failure = new ProviderFailure({
        reason: "QuotaExhausted",
        provider: "fake",
        detail: "no credit",
      });
      const provider = new FakeProvider({
        fateOf: (ordinal) => (ordinal > 2 ? {} : { answer: failure }),
      });
      const world = yield* makeWorld(provider);
      const pipeline = asking({ timeout: { attempt: "1 minute", step: "1 hour" } });
      const process = yield* processIn(world, [pipeline, chain], { concurrency: 2 });
      const ids: Array<string> = [];
      for (let index = 0; index < 6; index += 1) ids.push(yield* submit(process, pipeline, "x"));
      const other = yield* submit(process, chain, "x");
      expect(yield* outcome(process, chain, other)).toMatchObject(complete);
      expect(ids.map((id) => recordOf(world, id)?.status)).not.toContain("complete");
      for (const id of ids) expect(yield* outcome(process, pipeline, id)).toMatchObject(complete);
    }),
  );

  it.effect("are a thousand without a place at the most; the others wait as rows", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld(new FakeProvider({ fateOf: () => ({ runMs: 1e9 }) }));
      const pipeline = asking({ timeout: "10 days" });
      const process = yield* processIn(world, [pipeline], { concurrency: 50, limits });
      yield* Effect.forEach(
        Array.from({ length: 1_200 }),
        () => process.catena.submit(pipeline, "x"),
        { concurrency: 100 },
      );
      yield* pass(60_000, 1_000);
      expect(process.catena.engine.jobs.counts()).toEqual({ resident: 1_050, running: 50 });
    }),
  );
});
