/** Who may call: keys and scopes, tenants that see their own, hosts that vouch, and nobody else. */
import { describe, expect, it } from "vitest";
import { Catena, type HttpApiOptions, newApiKey, StartError } from "../../../src/index.ts";
import { admin, ask, holderOf, posterOf, quick, startApi } from "./support/api.ts";

const poster = posterOf(({ product }) => product);
const tea = { product: "tea" };

const startWith = (http: HttpApiOptions | undefined) =>
  Catena.start({ ...quick, pipelines: [poster], ...(http === undefined ? {} : { http }) });

describe("keys", () => {
  it.each<[string, Record<string, string>]>([
    ["no key", {}],
    ["an unknown key", { authorization: `Bearer ${newApiKey().secret}` }],
    ["another scheme", { authorization: `Basic ${admin.secret}` }],
    ["a hash for a key", { authorization: `Bearer ${admin.key.sha256}` }],
    ["an empty key", { authorization: "Bearer " }],
  ])("refuses %s with 401, alike for what is there and what is not", async (_, headers) => {
    await using catena = await startApi(poster);
    for (const path of ["/poster/x", "/poster/x/events"]) {
      const told = await ask(catena, path, { headers, secret: null });
      expect(told).toMatchObject({ status: 401, json: { title: "Unauthorized" } });
      expect(told.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  it("lets a key do what its scopes say, and nothing more", async () => {
    const reader = holderOf("reader", ["read"]);
    const sender = holderOf("sender", ["submit"]);
    await using catena = await startApi(poster, {
      http: { keys: [admin.key, reader.key, sender.key] },
    });
    const made = await ask(catena, "/poster", { body: tea, secret: sender.secret });
    expect(made.status).toBe(202);
    const { self, cancel } = made.json.links;
    const statuses = await Promise.all([
      ask(catena, "/poster", { body: tea, secret: reader.secret }),
      ask(catena, self, { secret: reader.secret }),
      ask(catena, self, { secret: sender.secret }),
      ask(catena, cancel, { method: "POST", secret: reader.secret }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([403, 200, 403, 403]);
    expect(statuses[0]?.json.detail).toBe("This key does not have the scope submit");
  });

  it("shows a tenant its own jobs, and of others not even that they are there", async () => {
    const acme = holderOf("a", ["submit", "read", "operate"], "acme");
    const brook = holderOf("b", ["submit", "read", "operate"], "brook");
    await using catena = await startApi(poster, {
      http: { keys: [admin.key, acme.key, brook.key] },
    });
    const { json } = await ask(catena, "/poster", { body: tea, secret: acme.secret });
    const { self, cancel, events } = json.links;
    const of = (secret: string, path: string, method = "GET") =>
      ask(catena, path, { secret, method }).then(({ status }) => status);
    expect(await of(acme.secret, self)).toBe(200);
    expect(await of(admin.secret, self)).toBe(200);
    expect(await of(brook.secret, self)).toBe(404);
    expect(await of(brook.secret, cancel, "POST")).toBe(404);
    expect(await of(brook.secret, events)).toBe(404);
  });

  it("answers 429 to who asks too often, and says when to come back", async () => {
    const other = holderOf("other", ["read"]);
    const http = { requestsPerMinute: 3, keys: [admin.key, other.key] };
    await using catena = await startApi(poster, { http });
    const statuses: Array<number> = [];
    for (let count = 0; count < 5; count += 1)
      statuses.push((await ask(catena, "/poster/x")).status);
    expect(statuses).toEqual([404, 404, 404, 429, 429]);
    const told = await ask(catena, "/poster/x");
    expect(Number(told.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask(catena, "/poster/x", { secret: other.secret })).status).toBe(404);
  });

  it.each<[string, unknown, string]>([
    ["no list", {}, "http.keys"],
    ["an empty list", [], "http.keys"],
    ["no id", [{ sha256: "a".repeat(64), scopes: ["read"] }], "http.keys[0].id"],
    ["a short secret", [{ id: "a", secret: "hunter2", scopes: ["read"] }], "http.keys[0]"],
    ["a hash that is none", [{ id: "a", sha256: "abc", scopes: ["read"] }], "http.keys[0].sha256"],
    ["an unknown scope", [{ ...admin.key, scopes: ["all"] }], "http.keys[0].scopes"],
    ["a tenant that is none", [{ ...admin.key, tenant: "a b" }], "http.keys[0].tenant"],
    ["a misspelt tenant", [{ ...admin.key, tenat: "acme" }], "http.keys[0]"],
    ["one id twice", [admin.key, admin.key], "http.keys"],
    ["one secret for two", [admin.key, { ...admin.key, id: "b", tenant: "acme" }], "http.keys"],
  ])("refuses %s at the start, and names the field", async (_, keys, field) => {
    // What users of plain JavaScript may hand over.
    const http = { keys } as HttpApiOptions;
    const refused = await startWith(http).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StartError);
    expect(refused).toMatchObject({ field });
    expect(String(refused)).not.toContain("hunter2");
  });

  it("takes a secret as well as its hash", async () => {
    const { secret } = newApiKey();
    await using catena = await startWith({ keys: [{ id: "me", secret, scopes: ["submit"] }] });
    expect((await ask(catena, "/poster", { body: tea, secret })).status).toBe(202);
  });
});

describe("no keys", () => {
  it("lets nobody in, and says how to make a key", async () => {
    await using catena = await startWith(undefined);
    const told = await ask(catena, "/poster", { body: tea, secret: null });
    expect(told).toMatchObject({
      status: 401,
      json: { detail: expect.stringMatching(/newApiKey/) },
    });
  });

  it("lets in whom the host vouches for, with its tenant", async () => {
    await using catena = await startWith({
      caller: (request) => {
        const user = request.headers.get("x-user");
        return user === null ? null : { id: user, scopes: ["submit", "read"], tenant: user };
      },
    });
    const as = (user: string) => ({ secret: null, headers: { "x-user": user } });
    const made = await ask(catena, "/poster", { body: tea, ...as("ann") });
    expect(made.status).toBe(202);
    expect((await ask(catena, made.json.links.self, as("ann"))).status).toBe(200);
    expect((await ask(catena, made.json.links.self, as("bob"))).status).toBe(404);
    expect((await ask(catena, made.json.links.self, { secret: null })).status).toBe(401);
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("canary-11");
      },
    ],
    ["answers nonsense", () => ({ id: "x", scopes: "all" })],
    ["misspells the tenant", () => ({ id: "x", scopes: ["read"], tenent: "a" })],
    ["names a tenant that is none", () => ({ id: "x", scopes: ["read"], tenant: "a/b" })],
  ])("answers 503 where the host's check %s", async (_, caller) => {
    // What users of plain JavaScript may hand over.
    await using catena = await startWith({ caller } as HttpApiOptions);
    const told = await ask(catena, "/poster/x", { secret: null });
    expect(told.status).toBe(503);
    expect(told.text).not.toContain("canary");
  });
});

describe("pages of other origins", () => {
  it("get no CORS headers, unless their origin is named", async () => {
    const origin = "https://app.example.com";
    await using catena = await startApi(poster, { http: { corsOrigins: [origin] } });
    const asks = (from: string) => ask(catena, "/poster/x", { headers: { origin: from } });
    expect((await asks(origin)).headers.get("access-control-allow-origin")).toBe(origin);
    expect((await asks("https://evil.test")).headers.has("access-control-allow-origin")).toBe(
      false,
    );
    // What somebody keeps for one origin is no answer for another.
    const answers = [await asks(origin), await ask(catena, "/poster/x"), await asks("null")];
    expect(answers.map(({ headers }) => headers.get("vary"))).toEqual([
      "origin",
      "origin",
      "origin",
    ]);
    const preflight = (from: string) =>
      ask(catena, "/poster", {
        method: "OPTIONS",
        secret: null,
        headers: { origin: from, "access-control-request-method": "POST" },
      });
    expect((await preflight(origin)).status).toBe(204);
    expect((await preflight("https://evil.test")).headers.has("access-control-allow-origin")).toBe(
      false,
    );
  });
});
