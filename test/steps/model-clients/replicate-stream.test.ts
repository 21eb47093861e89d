/**
 * A prediction's stream as Replicate gives it, and as it breaks: what was written is seen in order and never
 * twice, a broken stream is opened again while the prediction runs, and no token leaves for it.
 */
import { assert, describe, it } from "@effect/vitest";
import { Clock, Effect, Fiber, Stream } from "effect";
import { TestClock } from "effect/testing";
import { Replicate } from "../../../src/steps/model-clients/replicate.ts";
import { type Asked, type Scripted, scriptedServer } from "./scripted-server.ts";

const token = "r8_keepThisToYourself";
const model = "owner/name";

const event = (name: string, data: string, id?: string): string =>
  `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
const done = event("done", "{}");
const timeout = ":408: 408 Request Timeout\n\n";
const words = ["Cold", " to", " the", " last", " mile"];
const wordEvents = words.map((word, index) => event("output", word, `1690212292:${index}`));
const all = words.join("");

const tokens = {
  type: "array",
  items: { type: "string" },
  "x-cog-array-type": "iterator",
  "x-cog-array-display": "concatenate",
};
const files = { type: "array", items: { type: "string", format: "uri" } };

interface Provider {
  /** What the nth connection (1-based) to the stream is answered. */
  readonly stream: (ordinal: number) => Scripted;
  readonly output?: object;
  /** The status that the nth look (1-based) shows. Default: processing. */
  readonly status?: (ordinal: number) => string;
  /** Default: an address at the provider's own origin. */
  readonly address?: (origin: string) => string;
  readonly fetch?: typeof globalThis.fetch;
}

const sse = (body: string, rest: object = {}): Scripted => ({
  headers: { "content-type": "text/event-stream; charset=utf-8" },
  body,
  ...rest,
});

/** A provider with one model and one prediction, `abc`; the times (ms) at which its stream was opened. */
const provider = Effect.fnUntraced(function* (given: Provider) {
  const server = yield* scriptedServer;
  const clock = yield* Clock.Clock;
  const openedAt: Array<number> = [];
  let looks = 0;
  const prediction = (ordinal: number) => ({
    id: "abc",
    model,
    status: given.status?.(ordinal) ?? "processing",
    urls: { stream: (given.address ?? ((origin) => `${origin}/v1/streams/t`))(server.origin) },
  });
  const schemas = { Input: { type: "object" }, Output: given.output ?? tokens };
  const openapi_schema = { components: { schemas } };
  server.script(({ url }) => {
    if (url.startsWith("/v1/models/"))
      return { body: { latest_version: { id: "v", openapi_schema } } };
    if (url.startsWith("/v1/predictions/")) {
      looks += 1;
      return { body: prediction(looks) };
    }
    openedAt.push(clock.currentTimeMillisUnsafe());
    return given.stream(openedAt.length);
  });
  const client = Replicate.client({
    token,
    baseUrl: `${server.origin}/v1`,
    ...(given.fetch === undefined ? {} : { fetch: given.fetch }),
  });
  const written = client.stream?.({ id: "abc", model }) ?? Stream.die("the client streams nothing");
  return { server, openedAt, written };
});

const pathOf = (address: string | URL | Request): string =>
  new URL(address instanceof Request ? address.url : address).pathname;

const streamsAsked = (asked: ReadonlyArray<Asked>): ReadonlyArray<Asked> =>
  asked.filter(({ url }) => url.startsWith("/v1/streams/") || url.startsWith("/elsewhere"));

/** Reads to the end while virtual time goes by, in steps of a quarter of a second. */
const collected = Effect.fnUntraced(function* (written: Stream.Stream<string>) {
  const parts: Array<string> = [];
  const reading = yield* Effect.forkChild(
    Stream.runForEach(written, (part) => Effect.sync(() => void parts.push(part))),
  );
  while (reading.pollUnsafe() === undefined) {
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
    yield* TestClock.adjust(250);
  }
  yield* Fiber.join(reading);
  return parts;
});

describe("a stream", () => {
  it.effect("is read to its end, event by event, and no token is sent for it", () =>
    Effect.gen(function* () {
      const body = [": hi\n\n", event("logs", "loading"), ...wordEvents, done, "event: output\n"];
      const { server, written } = yield* provider({ stream: () => sse(body.join("")) });
      assert.deepStrictEqual(yield* collected(written), words);
      const [asked, ...more] = streamsAsked(server.asked);
      assert.deepStrictEqual(more, []);
      assert.isUndefined(asked?.headers.authorization);
      assert.notInclude(JSON.stringify(asked), token);
      assert.match(asked?.headers.accept ?? "", /text\/event-stream/);
    }),
  );

  it.effect("keeps lines and letters whole, however the bytes arrive", () =>
    Effect.gen(function* () {
      const text = "Öl – 漢字 🜚";
      const body = `event: output\r\nid: 1:0\r\ndata: ${text}\r\ndata:\r\ndata: two\r\n\r\n${done}`;
      const byByte: typeof globalThis.fetch = async (url, init) => {
        const response = await fetch(url, init);
        const split = new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk, controller) => {
            for (const byte of chunk) controller.enqueue(Uint8Array.of(byte));
          },
        });
        return new Response(response.body?.pipeThrough(split), response);
      };
      const { written } = yield* provider({ stream: () => sse(body), fetch: byByte });
      assert.deepStrictEqual(yield* collected(written), [`${text}\n\ntwo`]);
    }),
  );

  it.effect.each([
    [
      "its prediction fails",
      event("error", '{"detail":"canary"}') + event("done", '{"reason":"error"}'),
    ],
    ["its prediction is cancelled", event("done", '{"reason":"canceled"}')],
    ["an event has lines without end", `event: output\n${`data: ${"x".repeat(99)}\n`.repeat(700)}`],
    ["a line never ends", `event: output\ndata: ${"x".repeat(70_000)}`],
  ] as const)("ends where %s", ([_, ending]) =>
    Effect.gen(function* () {
      const { written, openedAt } = yield* provider({
        stream: () => sse(wordEvents.join("") + ending),
      });
      assert.deepStrictEqual(yield* collected(written), words);
      assert.lengthOf(openedAt, 1);
    }),
  );

  it.effect.each([
    ["a page", { headers: { "content-type": "text/html" }, body: "<html>" }],
    ["404", { status: 404 }],
    ["401", { status: 401 }],
    ["a redirect", { status: 302, headers: { location: "/elsewhere" } }],
  ] as const)("that is answered with %s is not tried again", ([_, answer]) =>
    Effect.gen(function* () {
      const { server, written } = yield* provider({ stream: () => answer });
      assert.deepStrictEqual(yield* collected(written), []);
      assert.lengthOf(streamsAsked(server.asked), 1);
    }),
  );
});

describe("a broken stream", () => {
  const [first, second] = [wordEvents.slice(0, 2).join(""), wordEvents.slice(0, 4).join("")];

  it.effect.each([
    ["timed out", (body: string) => sse(body + timeout)],
    ["dropped", (body: string) => sse(body, { promisedLength: 10_000 })],
  ] as const)("goes on where it %s, with nothing twice", ([_, broken]) =>
    Effect.gen(function* () {
      const bodies = [broken(first), broken(second), sse(wordEvents.join("") + done)];
      const { written, openedAt } = yield* provider({
        stream: (ordinal) => bodies[ordinal - 1] ?? "reset",
      });
      assert.deepStrictEqual(yield* collected(written), words);
      assert.lengthOf(openedAt, 3);
    }),
  );

  it.effect("of which only what follows comes again goes on with that", () =>
    Effect.gen(function* () {
      const bodies = [sse(first), sse(wordEvents.slice(3).join("") + done)];
      const { written } = yield* provider({ stream: (ordinal) => bodies[ordinal - 1] ?? "reset" });
      assert.strictEqual((yield* collected(written)).join(""), "Cold to last mile");
    }),
  );

  it.effect("without ids is not read again: what was shown could not be told", () =>
    Effect.gen(function* () {
      const { written, openedAt } = yield* provider({
        stream: () => sse(event("output", "Cold")),
      });
      assert.deepStrictEqual(yield* collected(written), ["Cold"]);
      assert.lengthOf(openedAt, 1);
    }),
  );

  it.effect("is opened again ever less often, and no more once the prediction has ended", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<Scripted> = [
        "reset",
        { status: 503 },
        { status: 429 },
        sse(timeout),
      ];
      const { written, openedAt } = yield* provider({
        stream: (ordinal) => answers[ordinal % answers.length] ?? "reset",
        status: (ordinal) => (ordinal > 8 ? "succeeded" : "processing"),
      });
      assert.deepStrictEqual(yield* collected(written), []);
      assert.lengthOf(openedAt, 8);
      const waits = openedAt.slice(1).map((at, index) => at - (openedAt[index] ?? 0));
      for (const [index, wait] of waits.entries()) {
        const least = Math.min(1_000 * 2 ** index, 10_000);
        // Virtual time goes on while bytes travel.
        assert.isAtLeast(wait, least);
        assert.isAtMost(wait, least + 20_000);
      }
    }),
  );

  it.effect("that falls silent is given up after a minute, and opened again", () =>
    Effect.gen(function* () {
      const { written, openedAt } = yield* provider({
        stream: (ordinal) => (ordinal === 1 ? "hang" : sse(wordEvents.join("") + done)),
      });
      assert.deepStrictEqual(yield* collected(written), words);
      assert.isAtLeast((openedAt[1] ?? 0) - (openedAt[0] ?? 0), 30_000);
    }),
  );

  it.effect("is closed by who stops reading", () =>
    Effect.gen(function* () {
      const signals: Array<AbortSignal> = [];
      const { written } = yield* provider({
        stream: () => sse(first, { promisedLength: 10_000 }),
        fetch: (url, init) => {
          if (pathOf(url).includes("/streams/") && init?.signal) signals.push(init.signal);
          return fetch(url, init);
        },
      });
      yield* Stream.runDrain(Stream.take(written, 1));
      assert.deepStrictEqual(
        signals.map(({ aborted }) => aborted),
        [true],
      );
    }),
  );
});

describe("no stream is opened", () => {
  const never: Provider = { stream: () => "reset" };

  it.effect("of a model whose parts are files, or are no text", () =>
    Effect.gen(function* () {
      for (const output of [files, { type: "string", format: "uri" }, { type: "object" }]) {
        const { written, server } = yield* provider({ ...never, output });
        assert.deepStrictEqual(yield* collected(written), []);
        assert.deepStrictEqual(streamsAsked(server.asked), []);
      }
    }),
  );

  it.effect("of a prediction that has ended, or has none", () =>
    Effect.gen(function* () {
      const ended = yield* provider({ ...never, status: () => "succeeded" });
      const without = yield* provider({ ...never, address: () => "" });
      for (const { written, server } of [ended, without]) {
        assert.deepStrictEqual(yield* collected(written), []);
        assert.deepStrictEqual(streamsAsked(server.asked), []);
      }
    }),
  );

  it.effect("anywhere but at the provider", () =>
    Effect.gen(function* () {
      const elsewhere = yield* scriptedServer;
      const addresses = [
        `${elsewhere.origin}/streams/t`,
        "http://stream.replicate.com/t",
        "https://replicate.com.evil.example/t",
        "https://me:secret@stream.replicate.com/t",
        "file:///etc/hosts",
      ];
      const asked: Array<string> = [];
      for (const address of addresses) {
        const { written } = yield* provider({
          ...never,
          address: () => address,
          fetch: (url, init) => {
            asked.push(pathOf(url));
            return fetch(url, init);
          },
        });
        assert.deepStrictEqual(yield* collected(written), []);
      }
      assert.deepStrictEqual(elsewhere.asked, []);
      assert.deepStrictEqual(
        asked.filter((path) => !path.startsWith("/v1/")),
        [],
      );
    }),
  );
});

it.effect("the same text whole, whoever reads it how", () =>
  Effect.gen(function* () {
    const { written } = yield* provider({ stream: () => sse(wordEvents.join("") + done) });
    const [one, other] = yield* Effect.all([collected(written), collected(written)]);
    assert.deepStrictEqual([one.join(""), other.join("")], [all, all]);
  }),
);
