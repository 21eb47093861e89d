/** Files asked for on conditions (RFC 9110, sections 13 and 14), sent in another coding, and at the end of a service. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Catena } from "../../../src/index.ts";
import { admin, ask, base, posterOf, startApi } from "./support/api.ts";

const poster = posterOf(({ product }) => product);
const text = { "content-type": "text/plain" };

const kept = async (catena: Catena) => {
  const { json } = await ask(catena, "/assets", { body: "hello world", headers: text });
  return { url: String(json.url), tag: `"${String(json.sha256)}"` };
};

describe("a file that is asked for on a condition", () => {
  it("is not sent to who has it, however its mark is written", async () => {
    await using catena = await startApi(poster);
    const { url, tag } = await kept(catena);
    const told = async (mark: string) =>
      (await ask(catena, url, { headers: { "if-none-match": mark } })).status;
    for (const mark of [tag, `W/${tag}`, `"other", ${tag}`, "*"])
      expect([mark, await told(mark)]).toEqual([mark, 304]);
    for (const mark of ['"other"', "W/", tag.slice(1, -1)])
      expect([mark, await told(mark)]).toEqual([mark, 200]);
  });

  it("comes whole where the part that its reader has is of another", async () => {
    await using catena = await startApi(poster);
    const { url, tag } = await kept(catena);
    const told = async (mark: string) => {
      const headers = { range: "bytes=6-", "if-range": mark };
      const { status, text: got } = await ask(catena, url, { headers });
      return [status, got];
    };
    expect(await told(tag)).toEqual([206, "world"]);
    for (const mark of ['"other"', `W/${tag}`, "Sat, 31 Jan 2026 12:00:00 GMT"])
      expect(await told(mark)).toEqual([200, "hello world"]);
  });

  it("is measured whole by HEAD, and in parts under any spelling of bytes", async () => {
    await using catena = await startApi(poster);
    const { url } = await kept(catena);
    const head = await ask(catena, url, { method: "HEAD", headers: { range: "bytes=6-" } });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "11"]);
    const part = await ask(catena, url, { headers: { range: "Bytes=6-" } });
    expect([part.status, part.text]).toEqual([206, "world"]);
  });

  it("is said to have no such part as every refusal is said", async () => {
    await using catena = await startApi(poster);
    const { url } = await kept(catena);
    const told = await ask(catena, url, { headers: { range: "bytes=11-" } });
    expect(told).toMatchObject({ status: 416, json: { title: "Range Not Satisfiable" } });
    expect(told.headers.get("content-type")).toBe("application/problem+json");
    expect(told.headers.get("content-range")).toBe("bytes */11");
  });
});

describe("a body in another coding", () => {
  it.each(["/assets", "/poster"])("is refused by %s, not kept for what it is not", async (path) => {
    await using catena = await startApi(poster);
    const headers = { "content-encoding": "gzip", ...(path === "/assets" ? text : {}) };
    const told = await ask(catena, path, { body: '{"product":"tea"}', headers });
    expect(told).toMatchObject({ status: 415, json: { errors: [{ path: "Content-Encoding" }] } });
    expect(told.headers.get("accept-encoding")).toBe("identity");
    const plain = { ...headers, "content-encoding": "Identity" };
    const taken = await ask(catena, path, { body: '{"product":"tea"}', headers: plain });
    expect(taken.status).toBeLessThan(300);
  });
});

describe("a file that is still on its way when the service stops", () => {
  it("is let go, and nothing of it stays", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-unfinished-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const catena = await startApi(poster, { store: join(folder, "jobs.db") });
    const cancelled = Promise.withResolvers<string>();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(100_000));
      },
      cancel: () => {
        cancelled.resolve("cancelled");
      },
    });
    const headers = { authorization: `Bearer ${admin.secret}`, ...text };
    // A stream is sent by half duplex only, of which the types of the browser know nothing.
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      headers,
      body,
      duplex: "half",
    };
    const answer = catena.fetch(new Request(`${base}/assets`, init));
    const incoming = join(folder, "jobs.db-assets", "incoming");
    const unfinished = () => readdir(incoming).catch(() => []);
    await vi.waitFor(async () => {
      expect(await unfinished()).toHaveLength(1);
    });
    await catena.stop();
    expect((await answer).status).toBe(503);
    expect(await cancelled.promise).toBe("cancelled");
    await vi.waitFor(async () => {
      expect(await unfinished()).toEqual([]);
    });
  });
});
