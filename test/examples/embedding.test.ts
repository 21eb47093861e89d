/** Every way to serve the API inside another application: mounted under /api, it does the whole of a job. */
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { Layer } from "effect";
import { HttpRouter, HttpServer } from "effect/http";
import express from "express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "../../examples/embedding/effect-router.ts";
import { expressApp } from "../../examples/embedding/express.ts";
import { fastifyApp } from "../../examples/embedding/fastify.ts";
import { honoApp } from "../../examples/embedding/hono.ts";
import { routeHandlers } from "../../examples/embedding/next.ts";
import { slogans } from "../../examples/embedding/shop.ts";
import { Catena, newApiKey } from "../../src/index.ts";

const { secret, sha256 } = newApiKey();
const keys = [{ id: "test", sha256, scopes: ["submit", "read", "operate"] }] as const;
let catena: Catena;
beforeAll(async () => {
  catena = await Catena.start({ pipelines: [slogans], http: { basePath: "/api", keys } });
});
afterAll(() => catena.stop());

// oxlint-disable-next-line typescript/no-explicit-any -- what a response holds is looked at by matchers, which take anything
const jsonOf = (response: Response): Promise<any> => response.json();

type Send = (path: string, init?: RequestInit) => Promise<Response>;

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: {
    authorization: `Bearer ${secret}`,
    "content-type": "application/json",
    prefer: "wait=10",
  },
  body: JSON.stringify(body),
});

/** A submit with its wait, a read of what it links to, its events, a refusal and a wrong address. */
const expectWholeJob = async (send: Send): Promise<void> => {
  const made = await send("/api/slogans", post({ product: "tea" }));
  expect(made.status).toBe(202);
  const job = await jsonOf(made);
  expect(job).toMatchObject({ status: "complete", output: { slogan: "tea: never without it" } });
  expect(job.links.self).toBe(`/api/slogans/${job.job_id}`);
  const headers = { authorization: `Bearer ${secret}` };
  const read = await send(job.links.self, { headers });
  expect(await read.json()).toMatchObject({ job_id: job.job_id, status: "complete" });
  const events = await send(job.links.events, { headers });
  expect(await events.text()).toMatch(/event: entry[^]*event: end\ndata: {"status":"complete"}/);
  const refused = await send("/api/slogans", post({ product: 1 }));
  expect(refused.status).toBe(422);
  expect(await refused.json()).toMatchObject({ errors: [{ path: "product" }] });
  expect((await send("/api/nothing", { headers })).status).toBe(404);
};

const listening = async (server: Server): Promise<Send> => {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return (path, init) => fetch(`http://127.0.0.1:${portOf(server)}${path}`, init);
};

const portOf = (server: Server): number => {
  const address = server.address();
  // It listens on a port: only a pipe's address is text.
  return (address as AddressInfo).port;
};

const serving = async (listener: RequestListener, use: (send: Send) => Promise<void>) => {
  const server = createServer(listener);
  try {
    await use(await listening(server));
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

describe("the API inside another application", () => {
  it("Hono", async () => {
    const app = honoApp(catena);
    await expectWholeJob(async (path, init) => app.request(path, init));
    expect(await (await app.request("/")).text()).toBe("the shop");
  });

  it("Hono that cuts the mount path off", async () => {
    const { Hono } = await import("hono");
    const app = new Hono().mount("/api", catena.fetch);
    await expectWholeJob(async (path, init) => app.request(path, init));
  });

  it("Next's route handlers", async () => {
    const handlers = routeHandlers(catena);
    await expectWholeJob((path, init) => {
      const request = new Request(`https://shop.example${path}`, init);
      return handlers[request.method === "GET" ? "GET" : "POST"](request);
    });
  });

  it("Express", async () => {
    await serving(expressApp(catena), async (send) => {
      await expectWholeJob(send);
      expect(await (await send("/echo", post({ a: 1 }))).json()).toEqual({ a: 1 });
    });
  });

  it("Fastify", async () => {
    const app = fastifyApp(catena);
    try {
      const address = await app.listen({ port: 0, host: "127.0.0.1" });
      await expectWholeJob((path, init) => fetch(`${address}${path}`, init));
      const echo = await fetch(`${address}/echo`, post({ a: 1 }));
      expect(await echo.json()).toEqual({ a: 1 });
    } finally {
      await app.close();
    }
  });

  it("an Effect router", async () => {
    const app = Layer.provide(routes(keys), HttpServer.layerServices);
    const { handler, dispose } = HttpRouter.toWebHandler(app, { disableLogger: true });
    try {
      const send: Send = (path, init) => handler(new Request(`http://shop.example${path}`, init));
      await expectWholeJob(send);
      expect(await (await send("/")).text()).toBe("the shop");
    } finally {
      await dispose();
    }
  });

  it("names the order of middleware where somebody has read the body before", async () => {
    const app = express().use(express.json()).use("/api", catena.handler);
    await serving(app, async (send) => {
      const told = await send("/api/slogans", post({ product: "tea" }));
      expect(told.status).toBe(500);
      expect((await jsonOf(told)).detail).toMatch(
        /before middleware that parses bodies.*express\.json/,
      );
    });
  });

  it("answers a request that is none with 400 and goes on", async () => {
    await serving(catena.handler, async (send) => {
      const { port } = new URL((await send("/health/live")).url);
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(Number(port), "127.0.0.1", () => {
          socket.end("GET /\0 HTTP/1.1\r\nHost: a b\r\n\r\n");
        });
        socket.setEncoding("utf8").on("data", resolve);
      });
      expect(answer).toMatch(/^HTTP\/1\.1 400/);
      expect((await send("/health/live")).status).toBe(200);
    });
  });
});
