/** What came of a request decides whether it is sent again, always under the same key. */
import { describe, expect, test } from "vitest";
import { Retry, Steps } from "../../../src/index.ts";
import { runAlone } from "./alone.ts";
import { lead, Lead, Row, serving } from "./leads.ts";
import type { Reply } from "./recording-server.ts";

describe("what may pass", () => {
  test.for([
    "drop",
    { status: 500 },
    { status: 503 },
    { status: 429 },
    { status: 408 },
    { status: 409 },
    { status: 425 },
  ] as const)("is asked for again under the same key: %j", async (reply) => {
    await using server = await serving(reply, reply, { body: { id: 7 } });
    const step = Steps.http("crm", { input: Lead, url: server.origin, response: Row });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toEqual({ status: "complete", output: { id: 7 } });
    expect(server.keys()).toHaveLength(3);
    expect(new Set(server.keys()).size).toBe(1);
  });

  test("waits as long as the other side asks", async () => {
    await using server = await serving({ status: 429, headers: { "retry-after": "120" } }, {});
    const step = Steps.http("crm", { input: Lead, url: server.origin });
    const { outcome, tookMs } = await runAlone(step, lead);
    expect(outcome.status).toBe("complete");
    expect(tookMs).toBeGreaterThanOrEqual(120_000);
  });

  test("fails after the last attempt, saying what was last heard", async () => {
    await using server = await serving({ status: 503, body: "try  later\n" });
    const step = Steps.http("crm", { input: Lead, url: server.origin });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toMatchObject({
      kind: "provider",
      failure: {
        reason: "Unavailable",
        status: 503,
        provider: new URL(server.origin).host,
        detail: "POST was answered with HTTP 503: try later",
      },
    });
    expect(server.received).toHaveLength(4);
  });
});

describe("what will not pass", () => {
  test.for([
    [400, "validation", undefined],
    [422, "validation", undefined],
    [401, "provider", "Unauthorized"],
    [403, "provider", "Unauthorized"],
    [404, "provider", "BadResponse"],
    [410, "provider", "BadResponse"],
    [304, "provider", "BadResponse"],
  ] as const)("is asked once: %i", async ([status, kind, reason]) => {
    await using server = await serving({ status });
    const step = Steps.http("crm", { input: Lead, url: server.origin });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toMatchObject({
      kind,
      failure: reason === undefined ? { at: "request" } : { reason, status },
    });
    expect(server.received).toHaveLength(1);
  });

  test.for(["not a URL", "ftp://example.org/", "http://ann:secret@example.org/", ""])(
    "is not even sent: %s",
    async (url) => {
      const { outcome } = await runAlone(Steps.http("crm", { input: Lead, url }), lead);
      expect(outcome).toMatchObject({
        kind: "validation",
        failure: { at: "request", issues: [{ path: "url" }] },
      });
      expect(JSON.stringify(outcome)).not.toContain("secret");
    },
  );
});

describe("a request that may not run again", () => {
  const once = (url: string) =>
    Steps.http("crm", { input: Lead, url, isRepeatable: false, retry: Retry.transient() });

  test.for(["drop", { status: 500 }, { status: 503 }] as const)(
    "rests with its outcome unknown where the other side may have done it: %j",
    async (reply) => {
      await using server = await serving(reply);
      const { outcome } = await runAlone(once(server.origin), lead);
      expect(outcome).toMatchObject({ kind: "provider", failure: { reason: "OutcomeUnknown" } });
      expect(server.received).toHaveLength(1);
    },
  );

  test("is tried again where the other side said that it did nothing", async () => {
    await using server = await serving({ status: 429 }, {});
    expect((await runAlone(once(server.origin), lead)).outcome.status).toBe("complete");
  });

  test("is tried again where nobody could be reached", async () => {
    const server = await serving({});
    const { origin } = server;
    await server[Symbol.asyncDispose]();
    const { outcome, journal } = await runAlone(once(origin), lead);
    expect(outcome).toMatchObject({
      kind: "provider",
      failure: { reason: "Unavailable", detail: expect.stringContaining("ECONNREFUSED") },
    });
    expect(journal.filter(({ type }) => type === "AttemptFailed")).toHaveLength(3);
  });

  test("is not sent twice for an answer that cannot be read", async () => {
    await using server = await serving({ body: "done!" });
    const step = Steps.http("crm", {
      input: Lead,
      url: server.origin,
      response: Row,
      isRepeatable: false,
      retry: Retry.transient(),
    });
    expect((await runAlone(step, lead)).outcome).toMatchObject({
      failure: { reason: "BadResponse" },
    });
    expect(server.received).toHaveLength(1);
  });
});

describe("a redirect", () => {
  const headers = { authorization: "Bearer abc" };
  const to = (location: string, status = 307): Reply => ({ status, headers: { location } });

  test("within the same origin is followed with method, body and key", async () => {
    await using server = await serving(to("/new"), { body: { id: 7 } });
    const step = Steps.http("crm", { input: Lead, url: server.origin, headers, response: Row });
    expect((await runAlone(step, lead)).outcome.status).toBe("complete");
    const [first, second] = server.received;
    expect(second).toMatchObject({ method: "POST", path: "/new", body: first?.body });
    expect(new Set(server.keys()).size).toBe(1);
  });

  test("to another origin is not followed, and what was sent stays here", async () => {
    await using other = await serving({});
    await using server = await serving(to(`${other.origin}/?token=from-server`));
    const step = Steps.http("crm", { input: Lead, url: server.origin, headers });
    const { outcome } = await runAlone(step, lead);
    expect(outcome).toMatchObject({
      kind: "provider",
      failure: {
        status: 307,
        detail: expect.stringContaining(`a redirect to ${other.origin}, which`),
      },
    });
    expect(JSON.stringify(outcome)).not.toContain("from-server");
    expect(other.received).toEqual([]);
  });

  test("that would turn a post into a get is not followed", async () => {
    await using server = await serving(to("/new", 302));
    const { outcome } = await runAlone(
      Steps.http("crm", { input: Lead, url: server.origin }),
      lead,
    );
    expect(outcome).toMatchObject({ failure: { status: 302 } });
    expect(server.received).toHaveLength(1);
  });

  test("in circles ends", async () => {
    await using server = await serving(to("/again", 302));
    const get = { input: Lead, method: "GET", url: server.origin } as const;
    const { outcome } = await runAlone(Steps.http("read", get), lead);
    expect(outcome).toMatchObject({ kind: "provider", failure: { reason: "BadResponse" } });
    expect(server.received).toHaveLength(6);
  });
});
