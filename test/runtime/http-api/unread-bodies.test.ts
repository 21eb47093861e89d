/** Bodies that nobody reads here, and bodies that somebody has read before: every client gets its answer. */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server, connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { Catena } from "../../../src/index.ts";
import { admin, base, posterOf, startApi } from "./support/api.ts";

const poster = posterOf(({ product }) => product);
const json = { "content-type": "application/json" };
const own = { ...json, authorization: `Bearer ${admin.secret}` };

/** What a client reads that listens only once it has sent everything, as blocking ones do. */
const sentThenRead = async (catena: Catena, path: string, key: string): Promise<string> => {
  await using server = createServer(catena.handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A listening server of TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  const sizeBytes = 16_777_216;
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${key}Content-Type: application/json\r\nContent-Length: ${sizeBytes}\r\n\r\n`;
  // More than the sockets between the two would hold.
  for (const part of [head, Buffer.alloc(sizeBytes, " ")])
    await new Promise((sent) => socket.write(part, sent));
  socket.write("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
  let read = "";
  for await (const data of socket) {
    read += String(data);
    if (read.includes('{"status":"ok"}')) break;
  }
  return read;
};

describe("a body that is not read", () => {
  it.each([
    ["without a key", "/poster", "", 401],
    ["above the limit", "/poster", `Authorization: Bearer ${admin.secret}\r\n`, 413],
    ["to no address", "/nothing", "", 404],
  ])("%s is passed over: its sender gets the answer, and the next one", async (...told) => {
    const [, path, key, status] = told;
    await using catena = await startApi(poster);
    expect(await sentThenRead(catena, path, key)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

describe("a body that somebody has read before", () => {
  it.each(["", "/api"])("is said to be gone by fetch, mounted under %j", async (basePath) => {
    await using catena = await startApi(poster, { http: { basePath } });
    const asked = () =>
      new Request(`${base}${basePath}/poster`, { method: "POST", headers: own, body: "{}" });
    const [read, held] = [asked(), asked()];
    await read.text();
    held.body?.getReader();
    for (const request of [read, held]) {
      const told = await catena.fetch(request);
      expect(told.status).toBe(500);
      expect(await told.json()).toMatchObject({
        detail: expect.stringMatching(/before middleware/),
      });
    }
  });

  it("is said to be gone over HTTP/2, where no header tells that there was one", async () => {
    await using catena = await startApi(poster);
    const server = createHttp2Server((req, res) => {
      req.resume();
      // The handler speaks HTTP/2 as well, which the types of Node's listeners do not say.
      req.on("end", () => Reflect.apply(catena.handler, undefined, [req, res]));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // As above.
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      const stream = client.request({ ":method": "POST", ":path": "/poster", ...own });
      stream.end("{}");
      let text = "";
      for await (const data of stream) text += String(data);
      expect(JSON.parse(text)).toMatchObject({
        status: 500,
        detail: expect.stringMatching(/before middleware/),
      });
    } finally {
      client.destroy();
      server.close();
    }
  });
});
