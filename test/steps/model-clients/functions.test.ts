/** What functions add to the suite that all model clients pass. */
import { assert, describe, it } from "@effect/vitest";
import { Effect, Fiber } from "effect";
import { TestClock } from "effect/testing";
import { Functions } from "../../../src/steps/model-clients/functions.ts";

const request = (model: string) => ({ model, input: { n: 1 }, key: "key-1", cancelAfterMs: 5_000 });

describe("models that are functions", () => {
  it.effect("keep the key, the input and the time they took", () =>
    Effect.gen(function* () {
      const client = Functions.client({
        models: { sync: { run: ({ n }) => [n, "b"] } },
        makeId: (n) => `p${n}`,
      });
      const created = yield* client.submit(request("sync"));
      assert.deepInclude(created, {
        id: "p1",
        status: "starting",
        createdAt: 0,
        completedAt: null,
      });
      yield* TestClock.adjust(1);
      const [found] = yield* client.find(0);
      assert.deepInclude(found, {
        key: "key-1",
        input: { n: 1 },
        output: [1, "b"],
        status: "succeeded",
      });
      assert.deepEqual(found?.metrics, { predict_time: 0 });
    }),
  );

  it.effect("never give the same id twice, in this client or the next", () =>
    Effect.gen(function* () {
      const models = { sync: { run: () => 1 } };
      const [one, other] = [Functions.client({ models }), Functions.client({ models })];
      const made = yield* Effect.all(
        [one, one, other].map((client) => client.submit(request("sync"))),
      );
      assert.strictEqual(new Set(made.map(({ id }) => id)).size, 3);
    }),
  );

  it.effect("tell their end, whether it has come or is still to come", () =>
    Effect.gen(function* () {
      let finish = (_answer: string): void => undefined;
      const run = () =>
        new Promise<string>((resolve) => {
          finish = resolve;
        });
      const client = Functions.client({ models: { slow: { run } } });
      const { id } = yield* client.submit(request("slow"));
      const ended = client.ended?.(id) ?? Effect.never;
      const waiting = yield* Effect.forkChild(ended, { startImmediately: true });
      yield* TestClock.adjust(1_000);
      assert.isUndefined(waiting.pollUnsafe());
      finish("x");
      yield* Fiber.join(waiting);
      assert.strictEqual((yield* client.get(id)).output, "x");
      yield* ended;
      yield* client.ended?.("unknown") ?? Effect.never;
    }),
  );

  it.effect("are told by their signal when they are ended", () =>
    Effect.gen(function* () {
      const ended: Array<string> = [];
      const run = (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            ended.push("told");
            reject(new Error("late"));
          }),
        );
      const client = Functions.client({ models: { endless: { run } } });
      const { id } = yield* client.submit(request("endless"));
      yield* TestClock.adjust(4_999);
      assert.strictEqual((yield* client.get(id)).status, "processing");
      yield* TestClock.adjust(1);
      assert.deepInclude(yield* client.get(id), {
        status: "canceled",
        completedAt: 5_000,
        error: null,
      });
      assert.deepStrictEqual(ended, ["told"]);
    }),
  );

  it.effect("fail where their answer is not JSON", () =>
    Effect.gen(function* () {
      const client = Functions.client({ models: { odd: { run: () => () => 1 } } });
      const { id } = yield* client.submit(request("odd"));
      yield* TestClock.adjust(1);
      assert.deepInclude(yield* client.get(id), {
        status: "failed",
        error: "the model's answer is not JSON",
      });
    }),
  );

  it.effect("cannot reach into the request they were given", () =>
    Effect.gen(function* () {
      const grow = (input: object) => Object.assign(input, { n: 2 });
      const client = Functions.client({ models: { grow: { run: grow } } });
      const { id } = yield* client.submit(request("grow"));
      yield* TestClock.adjust(1);
      assert.deepInclude(yield* client.get(id), { input: { n: 1 }, output: { n: 2 } });
    }),
  );

  it.effect("forget what ended more than an hour ago", () =>
    Effect.gen(function* () {
      const client = Functions.client({ models: { sync: { run: () => 1 } } });
      const { id } = yield* client.submit(request("sync"));
      yield* TestClock.adjust("61 minutes");
      yield* client.submit(request("sync"));
      assert.strictEqual((yield* Effect.flip(client.get(id))).status, 404);
    }),
  );
});

describe("functions that stream", () => {
  const streaming = (run: () => unknown) => {
    const client = Functions.client({ models: { writer: { run } }, makeId: (n) => `p${n}` });
    return { client, submitted: client.submit({ ...request("writer"), input: {} }) };
  };

  it.effect("answer with all that they wrote", () =>
    Effect.gen(function* () {
      const texts = async function* () {
        yield* ["Cold", "", " mile"];
      };
      const readable = () => ReadableStream.from(["Cold", " mile"]);
      for (const run of [texts, readable, async () => texts()]) {
        const { client, submitted } = streaming(run);
        const { id } = yield* submitted;
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
        assert.deepInclude(yield* client.get(id), { status: "succeeded", output: "Cold mile" });
      }
    }),
  );

  it.effect("fail where they throw in the middle, or write what is no text", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [() => unknown, RegExp]> = [
        [
          async function* () {
            yield "Cold";
            throw new Error("out of ink");
          },
          /^out of ink$/,
        ],
        [
          () => ReadableStream.from(["Cold", 7]),
          /parts of a streamed answer to be texts, got number/,
        ],
      ];
      for (const [run, error] of cases) {
        const { client, submitted } = streaming(run);
        const { id } = yield* submitted;
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
        const prediction = yield* client.get(id);
        assert.deepInclude(prediction, { status: "failed", output: null });
        assert.match(prediction.error ?? "", error);
      }
    }),
  );

  it.effect("are asked for no more once they are ended", () =>
    Effect.gen(function* () {
      let [asked, isTold] = [0, false];
      const run = async function* () {
        try {
          for (;;) {
            asked += 1;
            await new Promise((resolve) => setImmediate(resolve));
            yield "x";
          }
        } finally {
          isTold = true;
        }
      };
      const { client, submitted } = streaming(run);
      const { id } = yield* submitted;
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
      yield* client.cancel(id);
      while (!isTold) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
      const before = asked;
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
      assert.strictEqual(asked, before);
      assert.strictEqual((yield* client.get(id)).status, "canceled");
    }),
  );
});
