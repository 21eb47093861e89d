/** A stop waits for the answers of creates that are on their way, but not for ever. */
import { describe, it } from "@effect/vitest";
import { Deferred, Effect, Exit, Scope } from "effect";
import { TestClock } from "effect/testing";
import { expect } from "vitest";
import { keyOf, makeEngine } from "../../src/runtime/engine.ts";
import { MemoryJournals, MemoryJournalStore } from "../../src/runtime/journal-stores/memory.ts";
import { Functions } from "../../src/steps/model-clients/functions.ts";
import { chainOf } from "./prefix-resume/chain.ts";
import { optionsFor } from "./prefix-resume/life.ts";

const cast = { writer: "writer", painter: "painter", judge: "judge" };

describe("a stop", () => {
  it.effect("gives up on a create that is never answered after five seconds", () =>
    Effect.gen(function* () {
      const isSent = yield* Deferred.make<void>();
      const submit = () => Effect.andThen(Deferred.succeed(isSent, undefined), Effect.never);
      const client = { ...Functions.client({ models: { writer: { run: () => "" } } }), submit };
      const pipeline = chainOf(cast, () => undefined);
      const scope = yield* Scope.make();
      const engine = yield* makeEngine({
        ...optionsFor({ pipeline, orphanGraceMs: 60_000 }),
        store: MemoryJournalStore.make(new MemoryJournals()),
        models: client,
      }).pipe(Effect.provideService(Scope.Scope, scope));
      const deployed = engine.deployed.get(keyOf(pipeline.plan));
      if (deployed === undefined) return yield* Effect.die("the pipeline is not deployed");
      yield* engine.jobs.submit({ deployed, input: "a kettle", idempotencyKey: null });
      yield* Deferred.await(isSent);
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void));
      yield* TestClock.adjust("4900 millis");
      expect(closing.pollUnsafe()).toBeUndefined();
      yield* TestClock.adjust("200 millis");
      expect(closing.pollUnsafe()).toEqual(Exit.void);
    }),
  );
});
