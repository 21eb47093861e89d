/** What a call was prepared with is still good when its turn comes, however long it waited. */
import { describe, expect, it } from "@effect/vitest";
import { Clock, Effect, Schema } from "effect";
import { Asset, Parse, Pipeline, Step } from "../../../src/index.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";
import { type Fate, FakeProvider } from "../support/fake-provider.ts";
import {
  makeWorld,
  pass,
  passUntil,
  processIn,
  recordOf,
  rowsOf,
  submit,
  type World,
} from "../support/ledger-harness.ts";

describe("an upload", () => {
  it.effect(
    "is made anew where the call waited so long for its turn that it may have expired",
    () =>
      Effect.gen(function* () {
        const paint = Step.model("paint", {
          input: Schema.String,
          output: Asset.Image,
          model: "fake/image",
          request: (prompt) => ({ prompt }),
          parse: Parse.file,
        });
        const look = Step.model("look", {
          input: Asset.Image,
          output: Schema.Struct({ text: Schema.String }),
          model: "fake/text",
          request: (image) => ({ image }),
          timeout: "5 hours",
        });
        const pipeline = Pipeline.make("looking", { version: 1, input: Schema.String })
          .step(paint)
          .step(look)
          .output(Schema.Struct({ text: Schema.String }), ({ last }) => last);
        const fateOf = (_: number, { model }: { readonly model: string }): Fate => {
          if (model === "fake/image")
            return { end: { status: "succeeded", output: "https://x/y" } };
          return provider.creates.filter(({ request }) => request.model === "fake/text").length ===
            1
            ? { runMs: 2 * 3_600_000 }
            : {};
        };
        const provider = new FakeProvider({ fateOf });
        const world = yield* makeWorld(provider);
        const presented = new Map<unknown, number>();
        const models: ModelClient = {
          ...provider.client,
          present: () =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              const url = `https://uploads/${presented.size + 1}`;
              presented.set(url, now);
              return url;
            }),
        };
        const limits = { fake: { models: { "fake/text": { concurrency: 1 } } } };
        const process = yield* processIn(world, [pipeline], {
          models,
          limits,
          pollEvery: "1 minute",
        });
        yield* submit(process, pipeline, "first");
        yield* passUntil("first looks", () =>
          rowsOf(world).some(({ model }) => model === "fake/text"),
        );
        const second = yield* submit(process, pipeline, "second");
        yield* pass(2.1 * 3_600_000, 120_000);
        yield* passUntil("complete", () => recordOf(world, second)?.status === "complete");
        const sent = provider.creates.at(-1);
        const sentAt = presented.get(sent?.request.input["image"]) ?? 0;
        expect((sent?.at ?? 0) - sentAt).toBeLessThan(1_800_000);
        expect(rowsOf(world).at(-1)?.inputHash).not.toBe(rowsOf(world)[1]?.inputHash);
      }),
  );
});

describe("the files of a hundred calls", () => {
  it.effect("are in memory some at a time", () =>
    Effect.gen(function* () {
      const look = Step.model("look", {
        input: Asset.Image,
        output: Schema.Struct({ text: Schema.String }),
        model: "fake/text",
        request: (image) => ({ image }),
      });
      const pipeline = Pipeline.make("looking", { version: 1, input: Asset.Image })
        .step(look)
        .output(Schema.Struct({ text: Schema.String }), ({ last }) => last);
      const provider = new FakeProvider();
      const world = yield* makeWorld(provider);
      let present = 0;
      let most = 0;
      const models: ModelClient = {
        ...provider.client,
        present: () =>
          Effect.gen(function* () {
            present += 1;
            most = Math.max(most, present);
            yield* Effect.sleep(1_000);
            present -= 1;
            return "https://uploads/1";
          }),
      };
      const image = yield* world.assets.put({
        bytes: new Uint8Array([1, 2, 3]),
        contentType: "image/png",
      });
      const process = yield* processIn(world, [pipeline], { models });
      for (let count = 0; count < 100; count += 1) yield* submit(process, pipeline, image);
      yield* passUntil("all are done", () => isComplete(world, 100));
      expect(most).toBe(32);
    }),
  );
});

const isComplete = ({ journals }: World, count: number): boolean =>
  [...journals.files.values()].filter(({ job: { record } }) => record.status === "complete")
    .length === count;
