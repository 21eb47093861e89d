/** Providers may run a model under a name of their own: what is lost is told apart by names that exist only. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { ProviderFailure } from "../../../src/steps/failure.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import { asking, makeWorld, outcome, processIn, submit } from "../support/ledger-harness.ts";

const first =
  (fate: Fate) =>
  (ordinal: number): Fate =>
    ordinal === 1 ? fate : {};

const noSuchModel = new ProviderFailure({
  reason: "BadResponse",
  provider: "fake",
  detail: "there is no such model",
  status: 404,
  isPermanent: true,
});

describe("a lost prediction that is shown under another model's name", () => {
  const named = (provider: FakeProvider, name: string): ModelClient => {
    const { client } = provider;
    return {
      ...client,
      find: (after) =>
        Effect.map(client.find(after), (found) =>
          found.map((one) => ({ ...one, raw: { model: name } })),
        ),
      describe: (model) =>
        model === "internal/text-8b" ? Effect.fail(noSuchModel) : client.describe(model),
    };
  };

  it.effect("is adopted where that is no name that anybody could have asked for", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: first({ answer: "lost" }) });
      const world = yield* makeWorld(provider);
      const models = named(provider, "internal/text-8b");
      const process = yield* processIn(world, [asking()], { models });
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ output: { text: "p1" } });
      expect(provider.creates).toHaveLength(1);
    }),
  );

  it.effect("is another's where that model exists", () =>
    Effect.gen(function* () {
      const provider = new FakeProvider({ fateOf: first({ answer: "lost" }) });
      const world = yield* makeWorld(provider);
      const models = named(provider, "fake/other");
      const process = yield* processIn(world, [asking()], { models });
      const jobId = yield* submit(process, asking(), "tea");
      expect(yield* outcome(process, asking(), jobId)).toMatchObject({ output: { text: "p2" } });
    }),
  );
});
