/** Files over HTTP: uploaded, taken by a field, served through the jobs that hold them and no others. */
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { describe, expect, it, onTestFinished } from "vitest";
import { Asset, Catena, Pipeline, type RuntimeOptions, Step } from "../../../src/index.ts";
import { admin, ask, base, holderOf, quick } from "./support/api.ts";

const png = Uint8Array.from([
  0x89,
  0x50,
  0x4e,
  0x47,
  0x0d,
  0x0a,
  0x1a,
  0x0a,
  ...Array.from({ length: 40 }, (_, at) => at),
]);

/** Takes a picture and shows it as its output does. */
const framed = Pipeline.make("framed", {
  version: 1,
  input: Schema.Struct({ picture: Asset.Image }),
})
  .step(
    Step.make("frame", {
      input: Schema.Struct({ picture: Asset.Image }),
      output: Asset.Image,
      run: ({ picture }) => picture,
    }),
  )
  .output(Schema.Struct({ image_url: Schema.String }), ({ last }) => ({ image_url: last.url }));

const acme = holderOf("a", ["submit", "read"], "acme");
const brook = holderOf("b", ["submit", "read"], "brook");

const start = (http = {}, options: RuntimeOptions = {}) =>
  Catena.start({
    ...quick,
    ...options,
    pipelines: [framed],
    http: { keys: [admin.key, acme.key, brook.key], ...http },
  });

const upload = (catena: Catena, bytes: Uint8Array<ArrayBuffer>, contentType = "image/png") =>
  catena.fetch(
    new Request(`${base}/assets`, {
      method: "POST",
      headers: { authorization: `Bearer ${acme.secret}`, "content-type": contentType },
      body: bytes,
    }),
  );

const fetchAsset = async (
  catena: Catena,
  url: string,
  {
    secret = acme.secret,
    headers = {},
  }: { secret?: string; headers?: Record<string, string> } = {},
) => {
  const response = await catena.fetch(
    new Request(new URL(url, base), { headers: { ...headers, authorization: `Bearer ${secret}` } }),
  );
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
};

const framedJob = async (catena: Catena) => {
  const uploaded: unknown = await (await upload(catena, png)).json();
  const picture = Schema.decodeUnknownSync(Asset.Image)(uploaded);
  const told = await ask(catena, "/framed", {
    body: { picture },
    secret: acme.secret,
    headers: { prefer: "wait=10" },
  });
  return { picture, told, url: String(told.json.output?.image_url) };
};

describe("assets", () => {
  it("an uploaded file is taken by a field, and what the output shows of it is served", async () => {
    await using catena = await start();
    const { told, url } = await framedJob(catena);
    expect(told.json.status).toBe("complete");
    expect(url).toMatch(/^\/assets\/[0-9a-f]{64}\?job_id=/);
    const { response, bytes } = await fetchAsset(catena, url);
    expect(response.status).toBe(200);
    expect(bytes).toEqual(png);
    const header = (name: string) => response.headers.get(name);
    expect(header("content-type")).toBe("image/png");
    expect(header("cache-control")).toMatch(/immutable/);
    expect(header("content-security-policy")).toBe("sandbox; default-src 'none'");
    expect(header("x-content-type-options")).toBe("nosniff");
  });

  it("serves ranges, and nothing to who has it already", async () => {
    await using catena = await start();
    const { url } = await framedJob(catena);
    const part = async (range: string) => {
      const { response, bytes } = await fetchAsset(catena, url, { headers: { range } });
      return [response.status, response.headers.get("content-range"), [...bytes]];
    };
    expect(await part("bytes=1-3")).toEqual([206, "bytes 1-3/48", [0x50, 0x4e, 0x47]]);
    expect(await part("bytes=46-")).toEqual([206, "bytes 46-47/48", [38, 39]]);
    expect(await part("bytes=-1")).toEqual([206, "bytes 47-47/48", [39]]);
    expect((await part("bytes=48-")).slice(0, 2)).toEqual([416, "bytes */48"]);
    expect(await part("lines=1-2")).toEqual([200, null, [...png]]);
    const etag = (await fetchAsset(catena, url)).response.headers.get("etag") ?? "";
    const known = await fetchAsset(catena, url, { headers: { "if-none-match": etag } });
    expect(known.response.status).toBe(304);
  });

  it("opens a file through a job that holds it, and to nobody else", async () => {
    await using catena = await start();
    const { url, picture } = await framedJob(catena);
    const status = async (path: string, secret: string) =>
      (await fetchAsset(catena, path, { secret })).response.status;
    expect(await status(url, brook.secret)).toBe(404);
    expect(await status(picture.url, brook.secret)).toBe(404);
    expect(await status(url.replace(/assets\/./, "assets/0"), acme.secret)).toBe(404);
    expect(await status("/assets/..%2f..%2fetc", acme.secret)).toBe(404);
    expect(await status(picture.url, admin.secret)).toBe(200);
  });

  it("points to the public URL where there is one", async () => {
    await using catena = await start({ publicUrl: "https://shop.example/api" });
    const { url } = await framedJob(catena);
    expect(url).toMatch(/^https:\/\/shop\.example\/api\/assets\//);
    expect((await fetchAsset(catena, new URL(url).pathname + new URL(url).search)).bytes).toEqual(
      png,
    );
  });

  it("believes of a reference its hash alone", async () => {
    await using catena = await start();
    const { picture } = await framedJob(catena);
    const forged = { ...picture, url: "https://evil.test/x.png", sizeBytes: 1 };
    const told = await ask(catena, "/framed", {
      body: { picture: forged },
      headers: { prefer: "wait=10" },
    });
    expect(told.json.output.image_url).toContain(`/assets/${picture.sha256}`);
    const absent = { ...picture, sha256: "0".repeat(64) };
    expect(await ask(catena, "/framed", { body: { picture: absent } })).toMatchObject({
      status: 422,
      json: { errors: [{ path: "picture", message: expect.stringContaining("/assets") }] },
    });
  });

  it("refuses what is too large, empty, a page, or not what it says", async () => {
    await using catena = await start({ maxAssetBytes: 100 });
    const html = new TextEncoder().encode("<!doctype html><script>1</script>");
    expect((await upload(catena, new Uint8Array(101))).status).toBe(413);
    expect((await upload(catena, new Uint8Array(0))).status).toBe(400);
    expect((await upload(catena, html, "text/plain")).status).toBe(415);
    expect((await upload(catena, png, "image/jpeg")).status).toBe(415);
  });

  it("leaves nothing of a file that grows beyond the limit, or whose sender goes away", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-uploads-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await using catena = await start({ maxAssetBytes: 100_000 }, { assets: folder });
    const piece = Uint8Array.from({ length: 30_000 }, (_, at) => (at < 8 ? (png[at] ?? 0) : 1));
    const send = (body: ReadableStream<Uint8Array>, signal: AbortSignal | null = null) => {
      // As fetch has it for bodies that stream.
      const streaming: { readonly duplex: "half" } = { duplex: "half" };
      const headers = { authorization: `Bearer ${acme.secret}`, "content-type": "image/png" };
      const init = { method: "POST", headers, body, signal, ...streaming };
      return catena.fetch(new Request(`${base}/assets`, init));
    };
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(piece) });
    expect((await send(endless)).status).toBe(413);
    const breaking = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(piece);
        controller.error(new Error("the line is gone"));
      },
    });
    expect((await send(breaking)).status).toBe(400);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile())).toEqual([]);
  });

  it("streams what it takes and what it serves", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-uploads-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await using catena = await start({}, { assets: folder });
    const [piece, count] = [1_048_576, 64];
    let ahead = 0;
    const written = async () => {
      const [name] = await readdir(join(folder, "incoming")).catch(() => []);
      return name === undefined ? 0 : (await stat(join(folder, "incoming", name))).size;
    };
    let sent = 0;
    const body = new ReadableStream({
      pull: async (controller) => {
        ahead = Math.max(ahead, sent * piece - (await written()));
        if (sent === count) controller.close();
        else controller.enqueue(new Uint8Array(piece).fill((sent += 1)));
      },
    });
    const streaming: { readonly duplex: "half" } = { duplex: "half" };
    const headers = { authorization: `Bearer ${admin.secret}`, "content-type": "video/x-raw" };
    const init = { method: "POST", headers, body, ...streaming };
    const uploaded = await catena.fetch(new Request(`${base}/assets`, init));
    expect(uploaded.status).toBe(201);
    const { url, sizeBytes } = Schema.decodeUnknownSync(Asset.Any)(await uploaded.json());
    expect(sizeBytes).toBe(piece * count);
    const served = await catena.fetch(new Request(new URL(url, base), { headers }));
    expect(served.headers.get("content-length")).toBe(String(piece * count));
    let received = 0;
    for await (const chunk of served.body ?? []) {
      received += chunk.length;
    }
    expect(received).toBe(piece * count);
    // What is on its way from hand to hand.
    expect(ahead).toBeLessThan(8 * piece);
  });
});
