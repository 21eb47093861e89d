/** A request is sent under the step's key, and its answer read by the schema. */
import { Redacted, Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Asset, Retry, Steps } from "../../../src/index.ts";
import { runAlone } from "./alone.ts";
import { lead, Lead, Row, serving } from "./leads.ts";

describe("a request", () => {
  test("posts its input as JSON under the step's key, and reads the answer by its schema", async () => {
    await using server = await serving({ status: 201, body: { id: 7, extra: true } });
    const step = Steps.http("crm", { input: Lead, url: `${server.origin}/leads`, response: Row });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toEqual({ status: "complete", output: { id: 7 } });
    expect(server.received).toMatchObject([
      {
        method: "POST",
        path: "/leads",
        headers: {
          "content-type": "application/json",
          "idempotency-key": expect.stringMatching(/^[\w-]+\/crm$/),
        },
        body: '{"name":"Ann"}',
      },
    ]);
  });

  test("answers the status where no schema is given", async () => {
    await using server = await serving({ status: 204 });
    const step = Steps.http("crm", { input: Lead, url: server.origin });
    expect((await runAlone(step, lead)).outcome).toEqual({
      status: "complete",
      output: { status: 204 },
    });
  });

  test("can be made of the input in every part", async () => {
    await using server = await serving({ body: { id: 1 } });
    const step = Steps.http("crm", {
      input: Lead,
      method: "PUT",
      url: ({ name }) => new URL(`/leads/${name}`, server.origin),
      headers: async ({ name }) => ({ "x-name": name, authorization: Redacted.make("Bearer abc") }),
      body: ({ name }, { key }) => ({ name, key }),
      keyHeader: "X-Request-Id",
      response: Row,
    });
    await runAlone(step, lead);
    const [sent] = server.received;
    expect(sent).toMatchObject({
      method: "PUT",
      path: "/leads/Ann",
      headers: { "x-name": "Ann", authorization: "Bearer abc" },
    });
    const key = sent?.headers["x-request-id"];
    expect(JSON.parse(sent?.body ?? "")).toEqual({ name: "Ann", key });
    expect(sent?.headers).not.toHaveProperty("idempotency-key");
  });

  test("can be a form or bytes of a type of their own", async () => {
    await using server = await serving({});
    const form = Steps.http("crm", {
      input: Lead,
      url: server.origin,
      body: ({ name }) => new URLSearchParams({ name }),
    });
    await runAlone(form, lead);
    const bytes = Steps.http("crm", {
      input: Lead,
      url: server.origin,
      body: ({ name }) => new Blob([name], { type: "text/csv" }),
    });
    await runAlone(bytes, lead);
    expect(server.received).toMatchObject([
      {
        headers: { "content-type": expect.stringContaining("x-www-form-urlencoded") },
        body: "name=Ann",
      },
      { headers: { "content-type": "text/csv" }, body: "Ann" },
    ]);
  });

  test("that only reads needs no key and has no body", async () => {
    await using server = await serving({ body: { id: 7 } });
    const get = { input: Lead, method: "GET", url: server.origin, response: Row } as const;
    expect((await runAlone(Steps.http("read", get), lead)).outcome.status).toBe("complete");
    expect(server.keys()).toEqual([undefined]);
    expect(server.received[0]?.body).toBe("");
    expect(() => Steps.http("read", { ...get, body: () => 1 })).toThrow(
      'step "read": expected no body, as it is a GET',
    );
  });
});

test.for([
  [{ method: "get" }, "method to be one of GET, POST"],
  [{ maxBytes: Number.NaN }, "maxBytes to be a number above 0, got NaN"],
  [{ maxBytes: 0 }, "maxBytes"],
  [{ timeout: "soon" }, "expected timeout to be a duration"],
] as const)("an option that cannot be is refused by its name: %j", ([option, said]) => {
  // Plain JavaScript has no types to keep it from these.
  const options = { input: Lead, url: "https://example.org", ...option } as never;
  expect(() => Steps.http("crm", options)).toThrow(said);
});

describe("an answer", () => {
  const read = <O>(server: { readonly origin: string }, response: Schema.Codec<O, unknown>) =>
    Steps.http("read", {
      input: Lead,
      method: "GET",
      url: server.origin,
      response,
      retry: Retry.none,
    });

  test("that is text is read as text, and as JSON where it says so", async () => {
    await using server = await serving(
      { headers: { "content-type": "text/plain" }, body: "true" },
      { headers: { "content-type": "application/problem+json" }, body: '"quoted"' },
    );
    expect((await runAlone(read(server, Schema.String), lead)).outcome).toMatchObject({
      output: "true",
    });
    expect((await runAlone(read(server, Schema.String), lead)).outcome).toMatchObject({
      output: "quoted",
    });
  });

  test("that is a file becomes an asset, of the type that its bytes show", async () => {
    const body = Buffer.from("ID3 a recording");
    await using server = await serving({ headers: { "content-type": "audio/mp3" }, body });
    const { outcome } = await runAlone(read(server, Asset.Audio), lead);
    expect(server.received[0]?.headers["accept"]).toBe("*/*");
    expect(outcome).toMatchObject({
      output: { contentType: "audio/mpeg", sizeBytes: body.length, sha256: expect.any(String) },
    });
  });

  test.for([
    [
      "an error page",
      { headers: { "content-type": "audio/mpeg" }, body: "<!doctype html>" },
      "provider",
    ],
    ["nothing", { headers: { "content-type": "audio/mpeg" } }, "provider"],
    ["a picture", { headers: { "content-type": "image/gif" }, body: "GIF89a" }, "validation"],
  ] as const)("that is %s is no recording", async ([, reply, kind]) => {
    await using server = await serving(reply);
    const { outcome } = await runAlone(read(server, Asset.Audio), lead);
    expect(outcome).toMatchObject({ status: "failed", kind });
  });

  test("of another shape is not asked for again, as it would be the same", async () => {
    await using server = await serving({ body: { id: "seven" } });
    const step = Steps.http("read", { input: Lead, url: server.origin, response: Row });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toMatchObject({
      kind: "validation",
      failure: { at: "output", issues: [{ path: "id" }] },
    });
    expect(server.received).toHaveLength(1);
  });

  test("that is no JSON is asked for again", async () => {
    await using server = await serving({ body: "<html>busy</html>" }, { body: { id: 7 } });
    const step = Steps.http("read", { input: Lead, url: server.origin, response: Row });
    expect((await runAlone(step, lead)).outcome).toMatchObject({ output: { id: 7 } });
  });

  test("that is longer than allowed is not read to its end, and not asked for again", async () => {
    await using server = await serving({ body: { id: 7, text: "x".repeat(5_000) } });
    const step = Steps.http("read", {
      input: Lead,
      url: server.origin,
      response: Row,
      maxBytes: 1_000,
    });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toMatchObject({
      kind: "provider",
      failure: { reason: "BadResponse", detail: expect.stringContaining("larger than 1000 bytes") },
    });
    expect(server.received).toHaveLength(1);
  });

  test("that breaks off is asked for again", async () => {
    await using server = await serving(
      { headers: { "content-length": "9", connection: "close" }, body: "{" },
      { body: { id: 7 } },
    );
    const step = Steps.http("read", { input: Lead, url: server.origin, response: Row });
    expect((await runAlone(step, lead)).outcome).toMatchObject({ output: { id: 7 } });
  });
});
