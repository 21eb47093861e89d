/** Every adapter of the model port under the one suite: functions on the test clock, Replicate over real HTTP. */
import { assert, describe, it } from "@effect/vitest";
import { Effect } from "effect";
import { TestClock } from "effect/testing";
import { startEmulator } from "../../../emulator/src/emulator.ts";
import { isTerminal } from "../../../src/steps/model-client.ts";
import { filesIn } from "../../../src/steps/normalise.ts";
import {
  modelClientCases,
  type ModelClientSubject,
} from "../../../src/steps/model-client-conformance.ts";
import { Functions } from "../../../src/steps/model-clients/functions.ts";
import { Replicate } from "../../../src/steps/model-clients/replicate.ts";
import { onePixelPng } from "../../../src/runtime/testing/scripted-provider.ts";

const functionsSubject = (): ModelClientSubject => {
  const paper = new TransformStream<string, string>();
  const pen = paper.writable.getWriter();
  const client = Functions.client({
    makeId: (ordinal) => `prediction-${ordinal}`,
    models: {
      echo: {
        input: { type: "object", required: ["text"], properties: { text: { type: "string" } } },
        run: ({ text }) => `you said ${JSON.stringify(text)}`,
      },
      broken: { run: () => Promise.reject(new Error("out of order")) },
      endless: {
        run: (_, { signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", reject)),
      },
      writer: { run: () => paper.readable },
    },
  });
  return {
    client,
    succeeding: { model: "echo", input: { text: "hello" } },
    failing: { model: "broken", input: {} },
    endless: { model: "endless", input: {} },
    refused: { model: "echo", input: { text: 7 } },
    unknownModel: "nobody/nothing",
    writing: {
      model: "writer",
      input: {},
      write: (_, parts) =>
        Effect.promise(async () => {
          for (const part of parts) await pen.write(part);
        }),
    },
    passTime: (ms) => TestClock.adjust(ms),
  };
};

const llama = "meta/meta-llama-3-8b-instruct";
const flux = "black-forest-labs/flux-schnell";
const moderation =
  "falcons-ai/nsfw_image_detection:97116600cabd3037e5f22ca08ffcc33b92cfacebf7ccd3609e9c1d29e43d3a8d";

/** The emulator's own clock, because its deadlines are the provider's. */
const emulatorSubject = Effect.gen(function* () {
  let passedMs = 0;
  const emulator = yield* Effect.acquireRelease(
    Effect.promise(() =>
      startEmulator({
        models: "instant",
        now: () => Date.now() + passedMs,
        faults: [
          {
            match: { operation: "create", model: llama },
            fault: { type: "outcome", outcome: { kind: "hang" } },
          },
          {
            match: { operation: "create", model: flux },
            fault: { type: "outcome", outcome: { kind: "failed", error: "E1000: try again" } },
          },
        ],
        listLagMs: 0,
      }),
    ),
    (running) => Effect.promise(() => running.stop()),
  );
  const subject: ModelClientSubject = {
    client: Replicate.client({
      token: emulator.token,
      baseUrl: `${emulator.url}/v1`,
      webhook: "https://hooks.example/replicate",
    }),
    succeeding: { model: moderation, input: { image: onePixelPng } },
    failing: { model: flux, input: { prompt: "a shoe" } },
    endless: { model: llama, input: { prompt: "Write ad copy." } },
    refused: { model: llama, input: { prompt: "x", top_p: 7 } },
    unknownModel: "nobody/nothing",
    writing: {
      model: llama,
      input: { prompt: "Tell a story." },
      write: (id, parts) =>
        Effect.promise(async () => {
          const url = `${emulator.url}/emulator/predictions/${id}/write`;
          const init = { method: "POST", body: JSON.stringify({ parts }) };
          assert.strictEqual((await fetch(url, init)).status, 200);
        }),
    },
    passTime: (ms) =>
      Effect.sync(() => {
        passedMs += ms;
      }),
  };
  return subject;
});

describe("functions", () => {
  it.effect.each(modelClientCases)("$name", ({ run }) => run(functionsSubject()));
});

describe("Replicate over an emulator", () => {
  it.effect("a picture is found in the output by the model's schema, and comes whole", () =>
    Effect.gen(function* () {
      const emulator = yield* Effect.acquireRelease(
        Effect.promise(() => startEmulator({ models: "instant" })),
        (running) => Effect.promise(() => running.stop()),
      );
      const client = Replicate.client({
        token: emulator.token,
        baseUrl: `${emulator.url}/v1`,
        allowOwnOriginDownloads: true,
      });
      const { output: schema } = yield* client.describe(flux);
      const input = { prompt: "a shoe", num_outputs: 2, output_format: "png" };
      const { id } = yield* client.submit({ model: flux, input, key: "k", cancelAfterMs: 60_000 });
      let prediction = yield* client.get(id);
      while (!isTerminal(prediction.status)) prediction = yield* client.get(id);
      const urls = filesIn(schema, prediction.output);
      assert.lengthOf(urls, 2);
      const files = yield* Effect.forEach(urls, (url) => client.download(url));
      for (const { contentType } of files) assert.strictEqual(contentType, "image/png");
      assert.lengthOf(emulator.ledger(), 1);
    }),
  );

  it.effect.each(modelClientCases)("$name", ({ run }) => Effect.flatMap(emulatorSubject, run));
});
