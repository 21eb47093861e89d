/**
 * Files of several tenants over HTTP: each sees its own and of others not even that they are there, though
 * it knows their hashes, and whatever it, or a model, writes.
 */
import { DatabaseSync } from "node:sqlite";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  Asset,
  AssetStore,
  Catena,
  Functions,
  Pipeline,
  type RuntimeOptions,
  Step,
} from "../../../src/index.ts";
import { admin, ask, base, type Holder, holderOf, quick } from "./support/api.ts";

const pngOf = (seed: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, seed, 1, 2, 3]);

const Given = Schema.Struct({
  picture: Schema.optionalKey(Asset.Image),
  text: Schema.optionalKey(Schema.String),
  more: Schema.optionalKey(Schema.Json),
});

/** Shows what it was given. */
const echo = Pipeline.make("echo", { version: 1, input: Given })
  .step(Step.make("say", { input: Given, output: Given, run: (given) => given }))
  .output(Given, ({ last }) => last);

/** A step of the host's own makes a file. */
const drawn = Pipeline.make("drawn", { version: 1, input: Schema.Int })
  .step(
    Step.make("draw", {
      input: Schema.Int,
      output: Asset.Image,
      run: (seed) =>
        Effect.gen(function* () {
          const assets = yield* AssetStore;
          const bytes = pngOf(seed);
          return yield* Effect.orDie(assets.put({ bytes, contentType: "image/png" }));
        }),
    }),
  )
  .output(Asset.Image, ({ last }) => last);

/** A model makes a file. */
const painted = Pipeline.make("painted", { version: 1, input: Schema.Int })
  .step(
    Step.model("paint", {
      input: Schema.Int,
      output: Asset.Image,
      model: "house/painter",
      request: (seed) => ({ seed }),
    }),
  )
  .output(Asset.Image, ({ last }) => last);

/** Waits for a picture. */
const framed = Pipeline.make("framed", { version: 1, input: Schema.String })
  .step(Step.signal("picture", { input: Schema.String, output: Given }))
  .output(Given, ({ last }) => last);

const acme = holderOf("a", ["submit", "read"], "acme");
const brook = holderOf("b", ["submit", "read"], "brook");
const sender = holderOf("s", ["submit"], "acme");

const painter = Functions.client({
  models: {
    "house/painter": {
      output: { type: "string", format: "uri" },
      run: ({ seed }) =>
        `data:image/png;base64,${Buffer.from(pngOf(Number(seed))).toString("base64")}`,
    },
  },
});

const start = (options: RuntimeOptions = {}) =>
  Catena.start({
    ...quick,
    pollEvery: "10 millis",
    store: "memory",
    models: painter,
    ...options,
    pipelines: [echo, drawn, painted, framed],
    http: { keys: [admin.key, acme.key, brook.key, sender.key] },
  });

const upload = async (catena: Catena, { secret }: Holder, seed = 1) => {
  const headers = { authorization: `Bearer ${secret}`, "content-type": "image/png" };
  const init = { method: "POST", headers, body: pngOf(seed) };
  const response = await catena.fetch(new Request(`${base}/assets`, init));
  expect(response.status).toBe(201);
  return Schema.decodeUnknownSync(Asset.Image)(await response.json());
};

const statusOf = async (catena: Catena, path: string, { secret }: Holder) => {
  const headers = { authorization: `Bearer ${secret}` };
  const response = await catena.fetch(new Request(new URL(path, base), { headers }));
  await response.arrayBuffer();
  return response.status;
};

const run = (catena: Catena, { secret }: Holder, path: string, body: unknown) =>
  ask(catena, path, { secret, body, headers: { prefer: "wait=20" } });

const through = (sha256: string, job: { readonly json: { readonly job_id: string } }) =>
  `/assets/${sha256}?job_id=${job.json.job_id}`;

describe("an uploaded file", () => {
  it("is served to the tenant that uploaded it, before any job has it, and to no other", async () => {
    await using catena = await start();
    const { url } = await upload(catena, acme);
    expect(await statusOf(catena, url, acme)).toBe(200);
    expect(await statusOf(catena, url, brook)).toBe(404);
    expect(await statusOf(catena, url, sender)).toBe(403);
    expect(await statusOf(catena, url, admin)).toBe(200);
  });

  it("belongs to each tenant that uploaded its bytes", async () => {
    await using catena = await start();
    const picture = await upload(catena, acme);
    expect((await upload(catena, brook)).sha256).toBe(picture.sha256);
    for (const holder of [acme, brook]) {
      const job = await run(catena, holder, "/echo", { picture });
      expect(job.json.status).toBe("complete");
      expect(await statusOf(catena, through(picture.sha256, job), holder)).toBe(200);
    }
  });

  it("of nobody's tenant is no tenant's, and its uploader's to use", async () => {
    await using catena = await start();
    const picture = await upload(catena, admin);
    expect(await statusOf(catena, picture.url, acme)).toBe(404);
    expect((await run(catena, acme, "/echo", { picture })).status).toBe(422);
    expect((await run(catena, admin, "/echo", { picture })).json.status).toBe("complete");
  });

  it("is still its tenant's after a restart", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-tenants-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const places = { store: join(folder, "catena.db"), assets: join(folder, "assets") };
    const first = await start(places);
    const picture = await upload(first, acme);
    await first.stop();
    await using catena = await start(places);
    expect((await run(catena, brook, "/echo", { picture })).status).toBe(422);
    expect((await run(catena, acme, "/echo", { picture })).json.status).toBe("complete");
  });
});

describe("whoever knows the hash of another tenant's file", () => {
  it("is answered as if there were none, wherever the input names it", async () => {
    await using catena = await start();
    const picture = await upload(catena, acme);
    const absent = { ...picture, sha256: "0".repeat(64) };
    const said = async (file: Asset) => {
      const told = await Promise.all([
        run(catena, brook, "/echo", { picture: file }),
        run(catena, brook, "/echo", { more: { deep: [{ ...file, extra: true }] } }),
      ]);
      return told.map(({ status, text }) => [status, text]);
    };
    const stolen = await said(picture);
    expect(stolen).toEqual(await said(absent));
    expect(stolen.map(([status]) => status)).toEqual([422, 422]);
    expect(String(stolen[0]?.[1])).toContain('"path":"picture"');
    expect(String(stolen[1]?.[1])).toContain('"path":"more.deep.0"');
    expect((await ask(catena, "/jobs")).json.jobs).toEqual([]);
  });

  it("gets nothing by writing its name or its place into a text, and using that as a job that has it", async () => {
    await using catena = await start();
    const picture = await upload(catena, acme);
    const { sha256 } = picture;
    const place = `file:///srv/assets/${sha256.slice(0, 2)}/${sha256.slice(2)}.png`;
    for (const text of [sha256, `memory:${sha256}`, place, JSON.stringify(picture)]) {
      const job = await run(catena, brook, "/echo", { text });
      expect(job.json.status).toBe("complete");
      expect(await statusOf(catena, through(sha256, job), brook)).toBe(404);
      expect((await run(catena, brook, "/echo", { picture })).status).toBe(422);
    }
    const own = await run(catena, acme, "/echo", { picture });
    expect(await statusOf(catena, through(sha256, own), brook)).toBe(404);
    expect(await statusOf(catena, through(sha256, own), acme)).toBe(200);
  });

  it("cannot send it as a signal either", async () => {
    await using catena = await start();
    const picture = await upload(catena, acme);
    const job = await ask(catena, "/framed", { secret: brook.secret, body: '"x"' });
    const send = (body: unknown) => run(catena, brook, job.json.links.signals.picture, body);
    const refused = await send({ picture });
    expect(refused.status).toBe(422);
    expect(refused.json.errors).toMatchObject([{ path: "picture" }]);
    const own = await upload(catena, brook, 2);
    expect((await send({ picture: own })).json.status).toBe("complete");
    expect(await statusOf(catena, through(own.sha256, job), brook)).toBe(200);
    expect(await statusOf(catena, through(picture.sha256, job), brook)).toBe(404);
  });
});

describe("a file that a job was given or made", () => {
  it.each(["/drawn", "/painted"])(
    "by %s is its tenant's: through the job, and as an input of another",
    async (path) => {
      await using catena = await start();
      const made = await run(catena, acme, path, 7);
      expect(made.json.status).toBe("complete");
      const picture = Schema.decodeUnknownSync(Asset.Image)(made.json.output);
      const { sha256 } = picture;
      expect(await statusOf(catena, through(sha256, made), acme)).toBe(200);
      // Nobody but who uploaded a file gets it without a job.
      expect(await statusOf(catena, `/assets/${sha256}`, acme)).toBe(404);
      expect((await run(catena, brook, "/echo", { picture })).status).toBe(422);
      const next = await run(catena, acme, "/echo", { picture });
      expect(await statusOf(catena, through(sha256, next), acme)).toBe(200);
    },
  );

  it("by an operator's signal is its tenant's from then on", async () => {
    await using catena = await start();
    const picture = await upload(catena, admin);
    const job = await ask(catena, "/framed", { secret: acme.secret, body: '"x"' });
    expect(await statusOf(catena, through(picture.sha256, job), acme)).toBe(404);
    const sent = await run(catena, admin, job.json.links.signals.picture, { picture });
    expect(sent.json.status).toBe("complete");
    expect(await statusOf(catena, through(picture.sha256, job), acme)).toBe(200);
    expect((await run(catena, brook, "/echo", { picture })).status).toBe(422);
  });

  it("by this process's own signal is its tenant's from then on", async () => {
    await using catena = await start();
    const picture = await upload(catena, admin);
    const { json } = await ask(catena, "/framed", { secret: acme.secret, body: '"x"' });
    const job = await catena.job(framed, json.job_id);
    await job.signal("picture", { picture });
    await ask(catena, json.links.self, { headers: { prefer: "wait=20" } });
    expect(await statusOf(catena, through(picture.sha256, { json }), acme)).toBe(200);
  });
});

describe("a file that was taken away", () => {
  it("is nobody's: whoever uploads the same bytes later has them alone", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-tenants-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const store = join(folder, "catena.db");
    await using catena = await start({
      store,
      retention: { assets: "1 milli", assetGrace: "1 milli" },
    });
    const picture = await upload(catena, acme);
    let taken = 0;
    while (taken === 0) taken = (await catena.prune()).assets.count;
    expect(await statusOf(catena, picture.url, acme)).toBe(404);
    const db = new DatabaseSync(store, { readOnly: true });
    expect(db.prepare("SELECT * FROM asset_holders").all()).toEqual([]);
    db.close();
  });
});
