/**
 * What a model writes at a provider over HTTP, in its hostile reading: the stream breaks, falls silent, fails
 * or never ends; who listens sees the text all the same, and the job ends as it does without anybody.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "@effect/vitest";
import { Clock, Effect, Fiber, Schema, Stream } from "effect";
import { afterAll, expect } from "vitest";
import { startEmulator } from "../../emulator/src/emulator.ts";
import {
  Catena,
  CatenaService,
  type Delta,
  Pipeline,
  Replicate,
  Retry,
  Step,
} from "../../src/index.ts";
import { fastClock } from "./prefix-resume/fast-clock.ts";

/** A wait of a second is then fifty milliseconds. */
const factor = 20;
const folder = await mkdtemp(join(tmpdir(), "catena-deltas-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const model = "meta/meta-llama-3-8b-instruct";
const story = Pipeline.make("story", { version: 1, input: Schema.String })
  .step(
    Step.model("tell", {
      input: Schema.String,
      output: Schema.String,
      model,
      request: (prompt) => ({ prompt }),
      retry: Retry.none,
    }),
  )
  .output(Schema.String, ({ last }) => last);

const emulated = Effect.gen(function* () {
  const clock = yield* Clock.Clock;
  const emulator = yield* Effect.acquireRelease(
    Effect.promise(() =>
      startEmulator({ models: "instant", now: () => clock.currentTimeMillisUnsafe() }),
    ),
    (running) => Effect.promise(() => running.stop()),
  );
  const client = Replicate.client({ token: emulator.token, baseUrl: `${emulator.url}/v1` });
  const tell = (id: string, verb: string, body: object) =>
    Effect.promise(async () => {
      const init = { method: "POST", body: JSON.stringify(body) };
      const answer = await fetch(`${emulator.url}/emulator/predictions/${id}/${verb}`, init);
      expect(answer.status).toBe(200);
    });
  return {
    emulator,
    layer: (store: string) =>
      Catena.layer({ pipelines: [story], models: client, store, pollEvery: "1 second" }),
    write: (id: string, ...parts: ReadonlyArray<string>) => tell(id, "write", { parts }),
    settle: (id: string, ending: object) => tell(id, "settle", ending),
  };
});

const hang = {
  match: { operation: "create", model },
  fault: { type: "outcome", outcome: { kind: "hang" } },
} as const;

/** The id of the job's prediction, once it is accepted. */
const accepted = Effect.fnUntraced(function* (
  service: CatenaService["Service"],
  jobId: string,
): Effect.fn.Return<string, unknown> {
  for (;;) {
    const { predictions } = yield* service.state(jobId);
    const id = predictions[0]?.predictionId ?? null;
    if (id !== null) return id;
    yield* Effect.sleep(100);
  }
});

/** What is heard of a job, while it is heard. */
const hearing = Effect.fnUntraced(function* (service: CatenaService["Service"], jobId: string) {
  const heard: Array<Delta> = [];
  const listening = yield* Effect.forkChild(
    Stream.runForEach(service.deltas(jobId), (delta) => Effect.sync(() => void heard.push(delta))),
  );
  const text = () => heard.map((delta) => delta.text).join("");
  const until = (wanted: string) =>
    Effect.gen(function* () {
      while (text() !== wanted) yield* Effect.sleep(100);
    });
  return { text, until, over: Fiber.join(listening), heard };
});

const withFastClock = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(fastClock(factor), (clock) => Effect.provideService(effect, Clock.Clock, clock));

describe("a text written at a provider", () => {
  it.live(
    "is heard over a stream that breaks and falls silent, to the end of a job that knows nothing of it",
    () =>
      Effect.gen(function* () {
        const { emulator, layer, write, settle } = yield* emulated;
        emulator.plan([
          hang,
          {
            match: { operation: "stream", nth: [1, 2] },
            fault: { type: "broken-stream", afterEvents: 1 },
          },
        ]);
        yield* Effect.gen(function* () {
          const service = yield* CatenaService;
          const { jobId } = yield* service.submit(story, "a story");
          const { until, over, heard } = yield* hearing(service, jobId);
          const id = yield* accepted(service, jobId);
          yield* write(id, "Once");
          yield* until("Once");
          yield* write(id, " upon", " a");
          yield* until("Once upon a");
          // Half a minute of silence: the provider closes the stream with its comment.
          yield* Effect.promise(() => emulator.advance(30_000));
          yield* write(id, " time");
          yield* until("Once upon a time");
          const { record } = yield* service.state(jobId);
          expect(record.status).toBe("processing");
          yield* settle(id, { status: "succeeded", output: ["Once", " upon", " a", " time"] });
          expect(yield* service.outcome(story, jobId)).toEqual({
            status: "complete",
            output: "Once upon a time",
          });
          yield* over;
          const offsets = heard.map(({ offset }) => offset);
          expect(offsets).toEqual(offsets.toSorted((one, other) => one - other));
          expect(offsets[0]).toBe(0);
          const { entries } = yield* service.state(jobId);
          expect(JSON.stringify(entries)).not.toContain("delta");
          const predictions = entries.flatMap(({ type }) =>
            type.startsWith("Prediction") ? type : [],
          );
          expect(predictions).toEqual([
            "PredictionIntended",
            "PredictionAccepted",
            "PredictionSettled",
          ]);
        }).pipe(Effect.provide(layer("memory")));
      }).pipe(withFastClock, Effect.scoped),
  );

  it.live("is heard of a failing prediction as far as it came", () =>
    Effect.gen(function* () {
      const { emulator, layer, write, settle } = yield* emulated;
      emulator.plan([hang]);
      yield* Effect.gen(function* () {
        const service = yield* CatenaService;
        const { jobId } = yield* service.submit(story, "a story");
        const { until, text, over } = yield* hearing(service, jobId);
        const id = yield* accepted(service, jobId);
        yield* write(id, "Once");
        yield* until("Once");
        yield* settle(id, { status: "failed", error: "E9999: canary" });
        expect(yield* service.outcome(story, jobId)).toMatchObject({ status: "failed" });
        yield* over;
        expect(text()).toBe("Once");
      }).pipe(Effect.provide(layer("memory")));
    }).pipe(withFastClock, Effect.scoped),
  );

  it.live("is heard at another process of the store as well, and after a restart", () =>
    Effect.gen(function* () {
      const { emulator, layer, write, settle } = yield* emulated;
      emulator.plan([hang]);
      const store = join(folder, "shared.db");
      const { jobId, id } = yield* Effect.gen(function* () {
        const service = yield* CatenaService;
        const made = yield* service.submit(story, "a story");
        const prediction = yield* accepted(service, made.jobId);
        yield* write(prediction, "Once");
        yield* Effect.gen(function* () {
          const other = yield* hearing(yield* CatenaService, made.jobId);
          yield* other.until("Once");
        }).pipe(Effect.provide(layer(store)), Effect.scoped);
        return { jobId: made.jobId, id: prediction };
      }).pipe(Effect.provide(layer(store)));
      yield* Effect.gen(function* () {
        const service = yield* CatenaService;
        const { until, over } = yield* hearing(service, jobId);
        yield* until("Once");
        yield* write(id, " more");
        yield* until("Once more");
        yield* settle(id, { status: "succeeded", output: ["Once", " more"] });
        expect(yield* service.outcome(story, jobId)).toMatchObject({ output: "Once more" });
        yield* over;
      }).pipe(Effect.provide(layer(store)));
      expect(emulator.ledger()).toHaveLength(1);
    }).pipe(withFastClock, Effect.scoped),
  );
});
