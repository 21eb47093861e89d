/** What is fetched, from where, and which answers are no file. */
import { assert, describe, it } from "@effect/vitest";
import { Effect, Fiber } from "effect";
import { TestClock } from "effect/testing";
import { Replicate, type ReplicateOptions } from "../../../src/steps/model-clients/replicate.ts";
import { scriptedServer, type Scripted } from "./scripted-server.ts";

const png = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(40, 7)]);
const asPng = { "content-type": "image/png" };

const setUp = Effect.fnUntraced(function* (
  answer: Scripted,
  options: Partial<ReplicateOptions> = {},
) {
  const server = yield* scriptedServer;
  server.script(() => answer);
  const client = Replicate.client({
    token: "r8_x",
    baseUrl: `${server.origin}/v1`,
    allowOwnOriginDownloads: true,
    ...options,
  });
  return { server, client, url: `${server.origin}/files/out.png` };
});

describe("a download", () => {
  it.effect("answers bytes and type, and sends no credential", () =>
    Effect.gen(function* () {
      const { server, client, url } = yield* setUp({
        headers: { "content-type": "image/png; q=1" },
        body: png,
      });
      const file = yield* client.download(url);
      assert.strictEqual(file.contentType, "image/png");
      assert.isTrue(png.equals(file.bytes));
      assert.isUndefined(server.asked[0]?.headers.authorization);
    }),
  );

  it.effect("finds the type in the bytes where the header says nothing", () =>
    Effect.gen(function* () {
      const { client, url } = yield* setUp({ body: png });
      assert.strictEqual((yield* client.download(url)).contentType, "image/png");
    }),
  );

  const failures: ReadonlyArray<readonly [string, Scripted, string]> = [
    ["a 404", { status: 404 }, "OutputExpired"],
    ["a 403", { status: 403 }, "OutputExpired"],
    ["a 410", { status: 410 }, "OutputExpired"],
    ["a 503", { status: 503 }, "Unavailable"],
    ["a broken connection", "reset", "Unavailable"],
    [
      "an HTML page",
      { headers: { "content-type": "text/html" }, body: "<html></html>" },
      "BadResponse",
    ],
    [
      "an HTML page labelled as a picture",
      { headers: asPng, body: "<!DOCTYPE html><html>" },
      "BadResponse",
    ],
    [
      "another picture than labelled",
      { headers: { "content-type": "image/webp" }, body: png },
      "BadResponse",
    ],
    ["text labelled as a picture", { headers: asPng, body: "not found" }, "BadResponse"],
    [
      "fewer bytes than promised",
      { headers: asPng, body: png, promisedLength: 100 },
      "BadResponse",
    ],
    ["no bytes", { headers: asPng }, "BadResponse"],
    ["a redirect to nowhere", { status: 302, headers: { location: "http://" } }, "BadResponse"],
    [
      "a redirect to itself",
      { status: 302, headers: { location: "/files/out.png" } },
      "BadResponse",
    ],
  ];
  it.effect.each(failures)("answered with %s is a failure", ([, answer, reason]) =>
    Effect.gen(function* () {
      const { server, client, url } = yield* setUp(answer);
      const failure = yield* Effect.flip(client.download(url));
      assert.strictEqual(failure.reason, reason);
      assert.isAtMost(server.asked.length, 6);
    }),
  );

  it.effect("ends as soon as it is too large, whatever the header says", () =>
    Effect.gen(function* () {
      const body = Buffer.concat([png, Buffer.alloc(2_000_000)]);
      const headers = { ...asPng, "transfer-encoding": "chunked" };
      const { client, url } = yield* setUp({ headers, body }, { maxFileBytes: 1_000 });
      const failure = yield* Effect.flip(client.download(url));
      assert.deepInclude(failure, { reason: "BadResponse", isPermanent: true });
    }),
  );

  it.effect("that does not come in time is given up", () =>
    Effect.gen(function* () {
      const { client, url } = yield* setUp("hang", { transferTimeoutMs: 9_000 });
      const fiber = yield* Effect.forkChild(Effect.flip(client.download(url)));
      yield* Effect.yieldNow;
      yield* TestClock.adjust(9_000);
      assert.strictEqual((yield* Fiber.join(fiber)).reason, "Unavailable");
    }),
  );
});

describe("the places files come from", () => {
  it.effect("are checked again at each redirect", () =>
    Effect.gen(function* () {
      const { server, client, url } = yield* setUp({ headers: asPng, body: png });
      const other = yield* scriptedServer;
      server.script(({ url: path }) =>
        path === "/near"
          ? { headers: asPng, body: png }
          : { status: 302, headers: { location: `${other.origin}/x` } },
      );
      const failure = yield* Effect.flip(client.download(url));
      assert.deepInclude(failure, { reason: "BadResponse", isPermanent: true });
      assert.lengthOf(other.asked, 0);
      server.script(({ url: path }) =>
        path === "/near"
          ? { headers: asPng, body: png }
          : { status: 302, headers: { location: "/near" } },
      );
      assert.strictEqual((yield* client.download(url)).contentType, "image/png");
    }),
  );

  const asked: ReadonlyArray<readonly [string, boolean, Partial<ReplicateOptions>]> = [
    ["https://replicate.delivery/a/out.png", true, {}],
    ["https://pbxt.replicate.delivery/a/out.png", true, {}],
    ["http://replicate.delivery/a/out.png", false, {}],
    ["http://replicate.delivery/a/out.png", true, { allowInsecureDownloads: true }],
    ["https://replicate.delivery.evil.example/out.png", false, {}],
    ["https://evilreplicate.delivery/out.png", false, {}],
    ["https://replicate.delivery:8443/out.png", false, {}],
    ["https://user:pass@replicate.delivery/out.png", false, {}],
    ["https://cdn.example/out.png", false, {}],
    ["https://cdn.example/out.png", true, { downloadHosts: ["cdn.example"] }],
    ["https://127.0.0.1:4000/out.png", true, { downloadHosts: ["127.0.0.1:4000"] }],
    ["http://169.254.169.254/latest/meta-data", false, { allowInsecureDownloads: true }],
    ["https://api.example/v1/out.png", false, {}],
    ["https://api.example/v1/out.png", true, { allowOwnOriginDownloads: true }],
  ];
  it.effect.each(asked)("%s: %s", ([url, isFetched, options]) =>
    Effect.gen(function* () {
      let calls = 0;
      const client = Replicate.client({
        token: "r8_x",
        baseUrl: "https://api.example/v1",
        fetch: () => {
          calls += 1;
          return Promise.resolve(new Response(png, { headers: asPng }));
        },
        ...options,
      });
      const result = yield* Effect.result(client.download(url));
      assert.strictEqual(result._tag, isFetched ? "Success" : "Failure");
      assert.strictEqual(calls, isFetched ? 1 : 0);
    }),
  );
});

describe("a data URI", () => {
  const client = Replicate.client({ token: "r8_x", maxFileBytes: 100 });
  const read = (uri: string) => Effect.result(client.download(uri));

  it.effect("is its own file", () =>
    Effect.gen(function* () {
      const file = yield* client.download(`data:image/png;base64,${png.toString("base64")}`);
      assert.isTrue(png.equals(file.bytes));
      const text = yield* client.download("data:text/plain;charset=utf-8,a%20b%C3%A9");
      assert.strictEqual(Buffer.from(text.bytes).toString(), "a bé");
      assert.strictEqual(text.contentType, "text/plain");
    }),
  );

  it.effect.each([
    "data:image/png;base64",
    "data:text/plain,%zz",
    "data:image/webp;base64," + png.toString("base64"),
    "data:text/plain," + "a".repeat(101),
    "data:,",
  ])("that is malformed, mislabelled, empty or too large is a failure: %s", (uri) =>
    Effect.gen(function* () {
      assert.deepNestedInclude(yield* read(uri), { "failure.reason": "BadResponse" });
    }),
  );
});
