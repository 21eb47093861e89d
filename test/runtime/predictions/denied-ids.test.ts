/** A prediction whose id the provider denies: believed to be gone only once it had the grace to appear. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import {
  asking,
  makeWorld,
  outcome,
  pass,
  passUntil,
  processIn,
  submit,
} from "../support/ledger-harness.ts";

const first =
  (fate: Fate) =>
  (ordinal: number): Fate =>
    ordinal === 1 ? fate : {};

describe("a prediction whose id the provider denies", () => {
  it.effect("is believed to be gone only once it had the grace to appear", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: first({ runMs: 40_000 }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [asking()]);
      const jobId = yield* submit(process, asking(), "tea");
      yield* passUntil("made", () => provider.made.length === 1);
      provider.forgotten.add("p1");
      yield* pass(35_000);
      provider.forgotten.delete("p1");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("is not given up for a short denial in the middle of its run", () =>
    Effect.gen(function* () {
      const long = asking({ timeout: "10 minutes" });
      const provider = new FakeProvider({ fateOf: first({ runMs: 200_000 }) });
      const world = yield* makeWorld(provider);
      const process = yield* processIn(world, [long], { pollEvery: "1 second" });
      const jobId = yield* submit(process, long, "tea");
      yield* pass(90_000, 1_000);
      provider.forgotten.add("p1");
      yield* pass(45_000, 1_000);
      provider.forgotten.delete("p1");
      expect(yield* outcome(process, long, jobId)).toMatchObject({ output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
    }),
  );
});
