/** The API as a server of its own, at its start and at its end, and what it tells of itself. */
import { request as nodeRequest } from "node:http";
import { Effect, Exit, Layer, Schema, Scope, Context } from "effect";
import { describe, expect, it } from "vitest";
import {
  CannotListen,
  Catena,
  CatenaService,
  Functions,
  type HttpApiOptions,
  type ModelClient,
  Pipeline,
  serveHttp,
  type ServeOptions,
  StartError,
  Step,
} from "../../../src/index.ts";
import { admin, ask, base, posterOf, quick, startApi } from "./support/api.ts";

const poster = posterOf(({ product }) => product);

/** Serves for as long as the callback takes. */
const serving = async (
  options: Omit<ServeOptions, "port">,
  use: (url: string) => Promise<void>,
) => {
  const scope = Scope.makeUnsafe();
  try {
    const built = Layer.buildWithScope(Catena.layer({ ...quick, pipelines: [poster] }), scope);
    const service = Context.get(await Effect.runPromise(built), CatenaService);
    const served = Scope.provide(serveHttp(service, { port: 0, ...options }), scope);
    await use(await Effect.runPromise(served));
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void));
  }
};

const json = { "content-type": "application/json" };
const tea = JSON.stringify({ product: "tea" });

describe("serveHttp", () => {
  it("without keys serves whoever is on this machine", async () => {
    await serving({}, async (url) => {
      const told = await fetch(`${url}/poster`, { method: "POST", headers: json, body: tea });
      expect(told.status).toBe(202);
    });
  });

  it("without keys refuses pages of other sites, and names that only point here", async () => {
    await serving({}, async (url) => {
      const send = (headers: Record<string, string>) =>
        new Promise<number | undefined>((resolve, reject) => {
          nodeRequest(`${url}/poster/x`, { headers }, (response) => {
            response.resume();
            resolve(response.statusCode);
          })
            .on("error", reject)
            .end();
        });
      expect(await send({})).toBe(404);
      expect(await send({ origin: url })).toBe(404);
      expect(await send({ origin: "https://evil.test" })).toBe(401);
      expect(await send({ host: "rebound.evil.test" })).toBe(401);
    });
  });

  it.each(["0.0.0.0", "::", "192.168.1.5", "example.com"])(
    "without keys refuses to listen on %s, and says how to make one",
    async (host) => {
      const refused = await serving({ host }, () => Promise.resolve()).catch((e: unknown) => e);
      expect(refused).toBeInstanceOf(CannotListen);
      expect(String(refused)).toMatch(/newApiKey/);
    },
  );

  it("with keys asks everybody for one, and listens where it is told", async () => {
    const http: HttpApiOptions = { keys: [admin.key] };
    await serving({ host: "0.0.0.0", http }, async (url) => {
      const local = url.replace("0.0.0.0", "127.0.0.1");
      expect((await fetch(`${local}/poster/x`)).status).toBe(401);
      const headers = { authorization: `Bearer ${admin.secret}` };
      expect((await fetch(`${local}/poster/x`, { headers })).status).toBe(404);
    });
  });

  it("says which port is taken", async () => {
    await serving({}, async (url) => {
      const port = Number(new URL(url).port);
      // The one that listens already wins.
      const second = serving({ port } as Omit<ServeOptions, "port">, () => Promise.resolve());
      await expect(second).rejects.toThrow(`Cannot listen on 127.0.0.1 port ${port}: EADDRINUSE`);
    });
  });
});

describe("the start", () => {
  it.each(["jobs", "assets", "webhooks", "health", "docs", "openapi", "metrics"])(
    "refuses %s as a pipeline's name",
    async (name) => {
      const pipeline = Pipeline.make(name, { version: 1, input: Schema.String })
        .step(
          Step.make("only", { input: Schema.String, output: Schema.String, run: (text) => text }),
        )
        .output(Schema.String, ({ last }) => last);
      const refused = await Catena.start({ pipelines: [pipeline] }).catch((e: unknown) => e);
      expect(refused).toBeInstanceOf(StartError);
      expect(refused).toMatchObject({ field: "pipelines[0].name" });
    },
  );

  it.each<[string, HttpApiOptions]>([
    ["http.publicUrl", { publicUrl: "ftp://x" }],
    ["http.publicUrl", { publicUrl: "https://user:pass@x" }],
    ["http.basePath", { basePath: "api" }],
    ["http.basePath", { basePath: "/poster" }],
    ["http.corsOrigins", { corsOrigins: ["*"] }],
    ["http.maxBodyBytes", { maxBodyBytes: 0 }],
    ["http.requestsPerMinute", { requestsPerMinute: -1 }],
    ["http.heartbeatEvery", { heartbeatEvery: 0 }],
    ["http.webhookSecrets.replicate", { webhookSecrets: { replicate: "canary" } }],
  ])("refuses a wrong %s: %o", async (field, http) => {
    const refused = await Catena.start({ pipelines: [poster], http }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(StartError);
    expect(refused).toMatchObject({ field });
    expect(String(refused)).not.toMatch(/canary|user:pass/);
  });
});

describe("the end", () => {
  it("answers 503 once stopped, also to those who waited", async () => {
    const gate = Promise.withResolvers<string>();
    const catena = await startApi(posterOf(() => gate.promise));
    const waiting = ask(catena, "/poster", {
      body: { product: "x" },
      headers: { prefer: "wait=30" },
    });
    while ((await catena.jobs()).length === 0) await new Promise(setImmediate);
    await catena.stop();
    expect((await waiting).status).toBe(503);
    expect(await ask(catena, "/poster", { body: { product: "x" } })).toMatchObject({
      status: 503,
      json: { title: "Service Unavailable" },
    });
    gate.resolve("");
  });

  it("answers 503 to a request whose body never ends", async () => {
    const catena = await startApi(poster);
    const asked = Promise.withResolvers<void>();
    const body = new ReadableStream({
      pull: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    });
    const headers = { authorization: `Bearer ${admin.secret}`, ...json };
    // As fetch has it for bodies that stream.
    const streaming: { readonly duplex: "half" } = { duplex: "half" };
    const told = catena.fetch(
      new Request(`${base}/poster`, { method: "POST", headers, body, ...streaming }),
    );
    await asked.promise;
    await catena.stop();
    expect((await told).status).toBe(503);
  });

  it("waits no longer than it is told for a step that takes its time to let go", async () => {
    const gate = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const stubborn = Pipeline.make("stubborn", { version: 1, input: Schema.String })
      .step(
        Step.make("hold", {
          input: Schema.String,
          output: Schema.String,
          run: () => {
            begun.resolve();
            return Effect.uninterruptible(Effect.promise(() => gate.promise));
          },
        }),
      )
      .output(Schema.String, ({ last }) => last);
    const catena = await Catena.start({ ...quick, pipelines: [stubborn] });
    await catena.submit(stubborn, "x");
    await begun.promise;
    await catena.stop({ within: "50 millis" });
    gate.resolve("");
  });

  it("waits for a call on its way no longer than it is told", async () => {
    const said = Functions.client({ models: { line: { run: () => "a line" } } });
    const sent = Promise.withResolvers<void>();
    const silent: ModelClient = {
      ...said,
      submit: () => Effect.andThen(Effect.sync(sent.resolve), Effect.never),
    };
    const lines = Pipeline.make("lines", { version: 1, input: Schema.String })
      .step(
        Step.model("line", {
          input: Schema.String,
          output: Schema.String,
          model: "line",
          request: (prompt) => ({ prompt }),
        }),
      )
      .output(Schema.String, ({ last }) => last);
    const catena = await Catena.start({ ...quick, pipelines: [lines], models: silent });
    await catena.submit(lines, "x");
    await sent.promise;
    const from = performance.now();
    await catena.stop({ within: "50 millis" });
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});

describe("what it tells of itself", () => {
  it("lives and is ready, without a key", async () => {
    await using catena = await startApi(poster);
    for (const path of ["/health/live", "/health/ready"])
      for (const method of ["GET", "HEAD"]) {
        const told = await ask(catena, path, { secret: null, method });
        expect(told).toMatchObject({
          status: 200,
          text: method === "GET" ? '{"status":"ok"}' : "",
        });
      }
  });

  it("answers HEAD as it answers GET, without the body", async () => {
    await using catena = await startApi(poster);
    const { json } = await ask(catena, "/poster", { body: { product: "x" } });
    for (const path of [json.links.self, json.links.events, "/jobs", "/poster/x", "/nothing"]) {
      const [get, head] = [await ask(catena, path), await ask(catena, path, { method: "HEAD" })];
      expect([path, head.status, head.text]).toEqual([path, get.status, ""]);
    }
    const unknown = await ask(catena, "/jobs", { method: "HEAD", secret: null });
    expect([unknown.status, unknown.text]).toEqual([401, ""]);
  });

  it("describes every address in OpenAPI, with the pipeline's own schemas", async () => {
    await using catena = await startApi(poster, { http: { basePath: "/api" } });
    const { status, json: spec } = await ask(catena, "/openapi.json", { secret: null });
    expect(status).toBe(200);
    expect(spec.servers).toEqual([{ url: "/api" }]);
    expect(Object.keys(spec.paths)).toEqual(
      expect.arrayContaining([
        "/poster",
        "/poster/{job_id}",
        "/poster/{job_id}/events",
        "/jobs",
        "/assets",
      ]),
    );
    const { requestBody, responses, security } = spec.paths["/poster"].post;
    const schema = JSON.stringify(requestBody.content["application/json"].schema);
    expect(schema).toMatch(/product/);
    expect(JSON.stringify(responses["202"])).toMatch(/slogan/);
    expect(Object.keys(responses["422"].content)).toEqual(["application/problem+json"]);
    expect(security).toEqual([{ bearer: [] }]);
  });

  it("has a reference page that talks to nobody else, and neither where they are turned off", async () => {
    await using catena = await startApi(poster);
    const page = await ask(catena, "/docs", { secret: null });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toMatch(/default-src 'none'/);
    await using plain = await startApi(poster, { http: { docs: false } });
    for (const path of ["/docs", "/openapi.json"])
      expect((await ask(plain, path, { secret: null })).status).toBe(404);
  });
});
