/** What each answer of the API means, one request at a time, and that the token is in none of it. */
import { inspect } from "node:util";
import { assert, describe, it } from "@effect/vitest";
import { Effect, Fiber, Redacted } from "effect";
import { TestClock } from "effect/testing";
import type { SubmitRequest } from "../../../src/steps/model-client.ts";
import { Replicate, type ReplicateOptions } from "../../../src/steps/model-clients/replicate.ts";
import { scriptedServer, type Scripted } from "./scripted-server.ts";

const token = "r8_keepThisToYourself";
const request: SubmitRequest = {
  model: "owner/name",
  input: { prompt: "a shoe" },
  key: "key-1",
  cancelAfterMs: 60_500,
};

const setUp = Effect.fnUntraced(function* (
  answer: Scripted,
  options: Partial<ReplicateOptions> = {},
) {
  const server = yield* scriptedServer;
  server.script(() => answer);
  const client = Replicate.client({ token, baseUrl: `${server.origin}/v1`, ...options });
  return { server, client };
});

const prediction = (fields: object = {}) => ({ id: "abc", status: "starting", ...fields });
const page = (results: ReadonlyArray<object>, next: string | null = null) => ({
  results,
  next,
  previous: null,
});

const html: Scripted = {
  status: 502,
  headers: { "content-type": "text/html" },
  body: "<html>bad</html>",
};

describe("a create", () => {
  it.effect("carries deadline, input and the key in the webhook's query", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp(
        { status: 201, body: prediction() },
        { webhook: "https://me.example/hook?tenant=7" },
      );
      yield* client.submit(request);
      const asked = server.asked[0];
      assert.strictEqual(asked?.method, "POST");
      assert.strictEqual(asked?.url, "/v1/models/owner/name/predictions");
      assert.strictEqual(asked?.headers["cancel-after"], "61s");
      assert.isUndefined(asked?.headers["prefer"]);
      assert.deepStrictEqual(JSON.parse(asked?.body ?? ""), {
        input: { prompt: "a shoe" },
        webhook: "https://me.example/hook?tenant=7&intent=key-1",
        webhook_events_filter: ["start", "completed"],
      });
    }),
  );

  it.effect.each([
    ["owner/name:5c7d", "5c7d"],
    ["a".repeat(64), "a".repeat(64)],
  ] as const)("of %s names its version", ([model, version]) =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({ status: 201, body: prediction() });
      yield* client.submit({ ...request, model, cancelAfterMs: 1 });
      assert.strictEqual(server.asked[0]?.url, "/v1/predictions");
      assert.strictEqual(server.asked[0]?.headers["cancel-after"], "5s");
      assert.deepStrictEqual(JSON.parse(server.asked[0]?.body ?? ""), {
        version,
        input: request.input,
      });
    }),
  );

  it.effect("of what is no model name is refused without a request", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({ status: 201, body: prediction() });
      const failure = yield* Effect.flip(client.submit({ ...request, model: "../account" }));
      assert.strictEqual(failure._tag, "SubmitRejected");
      assert.lengthOf(server.asked, 0);
    }),
  );

  const unknown: ReadonlyArray<readonly [string, Scripted]> = [
    ["a broken connection", "reset"],
    ["an HTML 502", html],
    ["a 500", { status: 500, body: { detail: "oops" } }],
    ["a 408", { status: 408 }],
    ["a redirect", { status: 307, headers: { location: "/elsewhere" } }],
    ["a 201 with HTML", { status: 201, body: "<html></html>" }],
    ["a 201 cut short", { status: 201, body: '{"id":"abc"', promisedLength: 500 }],
    ["a 201 of unknown status", { status: 201, body: prediction({ status: "pondering" }) }],
  ];
  it.effect.each(unknown)("answered with %s is of unknown outcome, and sent once", ([, answer]) =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp(answer);
      const failure = yield* Effect.flip(client.submit(request));
      assert.strictEqual(failure._tag, "SubmitUnknown");
      assert.lengthOf(server.asked, 1);
    }),
  );

  it.effect("that breaks a connection already in use is sent once too", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({ status: 201, body: prediction() });
      yield* client.submit(request);
      server.script(() => "reset");
      const failure = yield* Effect.flip(client.submit(request));
      assert.strictEqual(failure._tag, "SubmitUnknown");
      assert.lengthOf(server.asked, 2);
    }),
  );

  it.effect("without an answer in time is of unknown outcome, and sent once", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp("hang", { requestTimeoutMs: 2_000 });
      const fiber = yield* Effect.forkChild(Effect.flip(client.submit(request)));
      yield* Effect.yieldNow;
      yield* TestClock.adjust(2_000);
      const failure = yield* Fiber.join(fiber);
      assert.strictEqual(failure._tag, "SubmitUnknown");
      assert.isAtMost(server.asked.length, 1);
    }),
  );

  const refusals: ReadonlyArray<readonly [string, Scripted, object]> = [
    [
      "401",
      { status: 401, body: { title: "Unauthenticated", detail: "no" } },
      { reason: "Unauthorized", status: 401 },
    ],
    [
      "403 in HTML",
      { status: 403, body: "<html>no</html>" },
      { reason: "Unauthorized", status: 403 },
    ],
    [
      "402",
      { status: 402, body: { detail: "no credit" } },
      { reason: "QuotaExhausted", status: 402 },
    ],
    [
      "404",
      { status: 404, body: { detail: "gone" } },
      { reason: "BadResponse", detail: "gone", isPermanent: true },
    ],
    [
      "422 for the version",
      { status: 422, body: { title: "Invalid version or not permitted", detail: "no" } },
      { reason: "BadResponse", isPermanent: true },
    ],
    [
      "422 for the webhook",
      { status: 422, body: { invalid_fields: [{ field: "webhook", description: "not https" }] } },
      { reason: "BadResponse", isPermanent: true },
    ],
    [
      "429 with the longer wait in the body",
      {
        status: 429,
        headers: { "retry-after": "3" },
        body: { detail: "slow down", retry_after: 5 },
      },
      { reason: "RateLimited", retryAfterMs: 5_000 },
    ],
    [
      "429 with a header only",
      { status: 429, headers: { "retry-after": "3" } },
      { retryAfterMs: 3_000 },
    ],
    [
      "429 with a date",
      { status: 429, headers: { "retry-after": "Thu, 01 Jan 1970 00:00:07 GMT" } },
      { retryAfterMs: 7_000 },
    ],
  ];
  it.effect.each(refusals)("answered with %s left nothing behind", ([, answer, expected]) =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp(answer);
      const failure = yield* Effect.flip(client.submit(request));
      assert.strictEqual(failure._tag, "SubmitRejected");
      if (failure._tag === "SubmitRejected") assert.deepInclude(failure.failure, expected);
      assert.lengthOf(server.asked, 1);
    }),
  );

  const field = { type: "x", field: "input.hf_loras", description: "Invalid type." };
  it.effect.each([{ invalid_fields: [field] }, { detail: "- input.hf_loras: Invalid type.\n" }])(
    "answered with 422 for its input names the field (%#)",
    (body) =>
      Effect.gen(function* () {
        const { client } = yield* setUp({
          status: 422,
          body: { title: "Input validation failed", ...body },
        });
        const failure = yield* Effect.flip(client.submit(request));
        assert.deepNestedInclude(failure, {
          "failure._tag": "ValidationFailure",
          "failure.at": "request",
          "failure.issues": [{ path: "hf_loras", message: "Invalid type." }],
        });
      }),
  );
});

describe("a look", () => {
  it.effect("reads absent keys, long fractions and whatever was measured", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp({
        body: prediction({
          status: "succeeded",
          error: { code: 1 },
          source: "api",
          webhook: "https://me.example/hook?intent=key-1",
          created_at: "2026-01-01T00:00:00.123456789Z",
          metrics: { predict_time: 3e-6, note: "x" },
          new_field: [1],
        }),
      });
      const found = yield* client.get("abc");
      assert.deepInclude(found, {
        output: null,
        error: '{"code":1}',
        source: "api",
        key: "key-1",
        createdAt: Date.UTC(2026, 0, 1, 0, 0, 0, 123),
        completedAt: null,
        metrics: { predict_time: 3e-6 },
        isDataRemoved: false,
      });
      assert.deepNestedInclude(found, { "raw.new_field": [1] });
    }),
  );

  const failures: ReadonlyArray<readonly [string, Scripted, object]> = [
    ["a broken connection", "reset", { reason: "Unavailable" }],
    ["an HTML 502", html, { reason: "Unavailable", status: 502 }],
    ["a 404", { status: 404, body: { detail: "no such" } }, { reason: "BadResponse", status: 404 }],
    ["HTML", { body: "<html></html>" }, { reason: "BadResponse" }],
    ["an unknown status", { body: prediction({ status: "pondering" }) }, { reason: "BadResponse" }],
    ["another prediction", { body: prediction({ id: "xyz" }) }, { reason: "BadResponse" }],
    [
      "more than anybody can hold",
      { body: prediction({ status: "succeeded", output: "x".repeat(2_000) }) },
      { reason: "Unavailable", detail: "the answer is larger than 1024 bytes" },
    ],
    [
      "429",
      { status: 429, body: { retry_after: 2 } },
      { reason: "RateLimited", retryAfterMs: 2_000 },
    ],
  ];
  it.effect.each(failures)("answered with %s is a failure, asked once", ([, answer, expected]) =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp(answer);
      const small = client.with({ maxAnswerBytes: 1_024 });
      assert.deepInclude(yield* Effect.flip(small.get("abc")), expected);
      assert.lengthOf(server.asked, 1);
    }),
  );
});

describe("a list", () => {
  it.effect("is read to its last page, without what is older", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp("reset");
      const at = (ms: number) => new Date(ms).toISOString();
      server.script(({ url }) =>
        url.includes("cursor=2")
          ? {
              body: page([
                prediction({ id: "b", created_at: at(5_000) }),
                prediction({ id: "c", created_at: at(4_999) }),
              ]),
            }
          : {
              body: page(
                [
                  prediction({ id: "a", created_at: at(6_000) }),
                  prediction({ id: "b", created_at: at(5_000) }),
                ],
                `${server.origin}/v1/predictions?cursor=2`,
              ),
            },
      );
      const found = yield* client.find(5_700);
      assert.deepStrictEqual(
        found.map(({ id }) => id),
        ["a", "b"],
      );
      assert.strictEqual(
        server.asked[0]?.url,
        "/v1/predictions?created_after=1970-01-01T00%3A00%3A03.700Z",
      );
    }),
  );

  it.effect("up to an instant asks for no more than that", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({ body: page([]) });
      assert.deepStrictEqual(yield* client.find(5_700, 9_000), []);
      assert.strictEqual(
        server.asked[0]?.url,
        "/v1/predictions?created_after=1970-01-01T00%3A00%3A03.700Z&created_before=1970-01-01T00%3A00%3A11.000Z",
      );
    }),
  );

  it.effect("that goes on at another origin fails, and the other origin is told nothing", () =>
    Effect.gen(function* () {
      const other = yield* scriptedServer;
      other.script(() => ({ body: page([]) }));
      const { client } = yield* setUp({
        body: page([], `${other.origin}/v1/predictions?cursor=2`),
      });
      const failure = yield* Effect.flip(client.find(0));
      assert.strictEqual(failure.reason, "BadResponse");
      assert.lengthOf(other.asked, 0);
    }),
  );

  it.effect("goes past a status that nobody knows: what is asked is what was made", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp({
        body: page([
          prediction({ id: "a", status: "pondering", created_at: "1970-01-01T00:00:05Z" }),
          prediction({ id: "b", created_at: "1970-01-01T00:00:05Z" }),
        ]),
      });
      const found = yield* client.find(0);
      assert.deepStrictEqual(
        found.map(({ id, status }) => [id, status]),
        [
          ["a", "processing"],
          ["b", "starting"],
        ],
      );
    }),
  );

  it.effect("counts times without a fraction as their whole second", () =>
    Effect.gen(function* () {
      const { client } = yield* setUp({
        body: page([prediction({ created_at: "1970-01-01T00:00:05Z" })]),
      });
      assert.lengthOf(yield* client.find(5_999), 1);
      assert.lengthOf(yield* client.find(6_000), 0);
    }),
  );

  const broken: ReadonlyArray<readonly [string, (origin: string) => Scripted]> = [
    ["goes in circles", (origin) => ({ body: page([], `${origin}/v1/predictions?cursor=1`) })],
    ["holds what is no prediction", () => ({ body: page([{ id: "a" }]) })],
    ["is no list", () => ({ body: {} })],
    ["breaks off", () => "reset"],
  ];
  it.effect.each(broken)("that %s fails", ([, answer]) =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp("reset");
      server.script(() => answer(server.origin));
      const failure = yield* Effect.flip(client.find(0));
      assert.strictEqual(failure._tag, "ProviderFailure");
      assert.isAtMost(server.asked.length, 3);
    }),
  );
});

describe("a description", () => {
  const schemas = {
    Input: { type: "object", properties: {} },
    Output: { type: "string" },
    size: { enum: [1] },
  };
  const version = { id: "v1", openapi_schema: { components: { schemas } } };

  it.effect("has both schemas and is asked for again after five minutes", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({ body: { latest_version: version } });
      const description = yield* client.describe("owner/name");
      assert.deepInclude(description, {
        version: "v1",
        input: { schema: schemas.Input, definitions: schemas },
      });
      yield* client.describe("owner/name");
      assert.lengthOf(server.asked, 1);
      yield* TestClock.adjust("5 minutes");
      yield* client.describe("owner/name");
      assert.lengthOf(server.asked, 2);
    }),
  );

  it.effect("of a version is that version's", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({ body: version });
      const description = yield* client.describe("owner/name:v1");
      assert.strictEqual(server.asked[0]?.url, "/v1/models/owner/name/versions/v1");
      assert.deepInclude(description.output, { schema: schemas.Output });
    }),
  );

  it.effect.each([
    { latest_version: null },
    { latest_version: { id: "v", openapi_schema: null } },
    {},
  ])("without schemas says so (%#)", (body) =>
    Effect.gen(function* () {
      const { client } = yield* setUp({ body });
      assert.deepInclude(yield* client.describe("owner/name"), { input: null, output: null });
    }),
  );
});

describe("a file for a model", () => {
  const large = { bytes: new Uint8Array(200_000), contentType: "image/png" };
  const sha256 = "ab".repeat(32);

  it.effect("up to 256,000 characters goes along as a data URI", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp("reset");
      const prefix = "data:image/png;base64,".length;
      const most = Math.floor((256_000 - prefix) / 4) * 3;
      const uri = yield* client.present({ ...large, bytes: new Uint8Array(most) }, sha256);
      assert.isAtMost(uri.length, 256_000);
      yield* Effect.flip(client.present({ ...large, bytes: new Uint8Array(most + 1) }, sha256));
      assert.lengthOf(server.asked, 1);
    }),
  );

  it.effect("is uploaded once, and again shortly before it expires", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp({
        status: 201,
        body: {
          urls: { get: "https://api.replicate.com/v1/files/f1" },
          expires_at: "1970-01-02T00:00:00Z",
        },
      });
      assert.strictEqual(
        yield* client.present(large, sha256),
        "https://api.replicate.com/v1/files/f1",
      );
      yield* client.present(large, sha256);
      assert.lengthOf(server.asked, 1);
      assert.include(server.asked[0]?.body, `filename="${sha256}.png"`);
      yield* TestClock.adjust("23 hours");
      yield* client.present(large, sha256);
      assert.lengthOf(server.asked, 2);
    }),
  );
});

describe("the token", () => {
  const echo = (headers: { readonly authorization?: string | undefined }): string =>
    headers.authorization ?? "";
  const answers: ReadonlyArray<readonly [string, (echoed: string) => Scripted]> = [
    ["a refusal that repeats it", (echoed) => ({ status: 401, body: { detail: echoed } })],
    ["a page that repeats it", (echoed) => ({ status: 500, body: `<html>${echoed}</html>` })],
    [
      "a prediction that repeats it",
      (echoed) => ({ body: prediction({ logs: echoed, status: echoed }) }),
    ],
    ["a broken connection", () => "reset"],
  ];
  it.effect.each(answers)("is in no error after %s", ([, answer]) =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp("reset", { token: Redacted.make(token) });
      server.script(({ headers }) => answer(echo(headers)));
      const shownBy = (call: Effect.Effect<unknown, unknown>) =>
        Effect.match(call, { onFailure: (error) => error, onSuccess: (value) => value });
      const results = [
        client,
        yield* shownBy(client.submit(request)),
        yield* shownBy(client.get("abc")),
        yield* shownBy(client.cancel("abc")),
        yield* shownBy(client.find(0)),
        yield* shownBy(client.describe("owner/name")),
        yield* shownBy(
          client.present({ bytes: new Uint8Array(300_000), contentType: "image/png" }, "00"),
        ),
      ];
      for (const error of results) {
        const shown = [
          inspect(error, { depth: null, showHidden: true }),
          JSON.stringify(error),
          error instanceof Error ? String(error) : "",
          error instanceof Error ? (error.stack ?? "") : "",
        ];
        assert.notInclude(shown.join("\n"), token);
      }
      for (const { headers } of server.asked) assert.strictEqual(echo(headers), `Bearer ${token}`);
    }),
  );

  it.effect("is in no prediction either", () =>
    Effect.gen(function* () {
      const { server, client } = yield* setUp("reset");
      server.script(({ headers }) => ({ body: prediction({ logs: echo(headers) }) }));
      assert.notInclude(JSON.stringify(yield* client.get("abc")), token);
    }),
  );

  it("that is empty is refused, as is a base URL that holds credentials", () => {
    assert.throws(() => Replicate.client({ token: "" }), TypeError);
    // What users of plain JavaScript may hand over.
    const misspelt = { toke: token } as unknown as ReplicateOptions;
    assert.throws(() => Replicate.client(misspelt), /^(?!.*keepThis).*got "toke"$/);
    const absent = {} as ReplicateOptions;
    assert.throws(() => Replicate.client(absent), /expected token to be a text/);
    assert.throws(
      () => Replicate.client({ token, baseUrl: "https://user:pass@api.example/v1" }),
      TypeError,
    );
    assert.throws(() => Replicate.client({ token, webhook: "not a url" }), TypeError);
  });
});
