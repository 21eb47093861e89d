/** An Idempotency-Key: one job for one body, under concurrent submits, restarts and other tenants. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { afterAll, describe, expect, it } from "vitest";
import { Catena, Pipeline, Step } from "../../../src/index.ts";
import { MemoryJournals, MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";
import { admin, ask, type Asked, holderOf, posterOf, quick, startApi } from "./support/api.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-idempotency-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const keyed = (body: unknown, key = "order-17", rest: Asked = {}): Asked => ({
  ...rest,
  body,
  headers: { "idempotency-key": key, prefer: "wait=5" },
});
const tea = { product: "tea" };
const shout = posterOf(({ product }) => product.toUpperCase());

/** A pipeline whose versions take different inputs. */
const teaOf = (version: number, input: Schema.Codec<object>) =>
  Pipeline.make("tea", { version, input })
    .step(Step.make("brew", { input, output: Schema.String, run: () => "tea" }))
    .output(Schema.String, ({ last }) => last);

describe("Idempotency-Key", () => {
  it("answers 202 with the same job, whatever its state, and 409 to another body", async () => {
    await using catena = await startApi(shout);
    const first = await ask(catena, "/poster", keyed(tea));
    const again = await ask(catena, "/poster", keyed(' { "product" : "tea" } '));
    expect(again).toMatchObject({ status: 202, json: { job_id: first.json.job_id } });
    expect(again.json.output).toEqual({ slogan: "TEA" });
    const other = await ask(catena, "/poster", keyed({ product: "coffee" }));
    expect(other).toMatchObject({ status: 409, json: { errors: [{ path: "Idempotency-Key" }] } });
    expect(await catena.jobs()).toHaveLength(1);
  });

  it("compares inputs larger than an entry, and whatever the order of their fields", async () => {
    await using catena = await startApi(shout);
    const product = "x".repeat(100_000);
    const first = await ask(catena, "/poster", keyed({ product, copies: 2 }));
    const again = await ask(catena, "/poster", keyed({ copies: 2, product }));
    expect(again.json.job_id).toBe(first.json.job_id);
    expect((await ask(catena, "/poster", keyed({ product, copies: 3 }))).status).toBe(409);
  });

  it("makes one job of many submits at once", async () => {
    await using catena = await startApi(shout, { store: join(folder, "many.db") });
    const told = await Promise.all(
      Array.from({ length: 20 }, () => ask(catena, "/poster", keyed(tea))),
    );
    expect(new Set(told.map(({ json }) => json.job_id)).size).toBe(1);
    expect(new Set(told.map(({ status }) => status))).toEqual(new Set([202]));
    expect(await catena.jobs()).toHaveLength(1);
  });

  it("makes one job of submits at once to two services of one store, before and after they restart", async () => {
    const store = join(folder, "two.db");
    const ids = new Set<string>();
    for (let life = 0; life < 2; life += 1) {
      const services = await Promise.all([startApi(shout, { store }), startApi(shout, { store })]);
      const told = await Promise.all(
        Array.from({ length: 10 }, () =>
          services.map((service) => ask(service, "/poster", keyed(tea))),
        ).flat(),
      );
      for (const { status, json } of told) {
        expect(status).toBe(202);
        ids.add(json.job_id);
      }
      await Promise.all(services.map((service) => service.stop()));
    }
    expect(ids.size).toBe(1);
  });

  it("still stands after a restart", async () => {
    const store = join(folder, "restart.db");
    const before = await startApi(shout, { store });
    const first = await ask(before, "/poster", keyed(tea));
    await before.stop();
    await using after = await startApi(shout, { store });
    expect((await ask(after, "/poster", keyed(tea))).json.job_id).toBe(first.json.job_id);
    expect((await ask(after, "/poster", keyed({ product: "coffee" }))).status).toBe(409);
  });

  it("is the same job's after a deployment whose pipeline reads the body otherwise, or not at all", async () => {
    const store = join(folder, "versions.db");
    const Old = Schema.Struct({ cups: Schema.Number });
    const More = Schema.Struct({
      cups: Schema.Number,
      lids: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1))),
    });
    const Other = Schema.Struct({ cups: Schema.String });
    const [old, more, other] = [teaOf(1, Old), teaOf(2, More), teaOf(3, Other)];
    const told = async (pipelines: ReadonlyArray<ReturnType<typeof teaOf>>, body: unknown) => {
      const http = { keys: [admin.key] };
      await using catena = await Catena.start({ ...quick, store, http, pipelines });
      const { status, json } = await ask(catena, "/tea", keyed(body));
      return [status, json.job_id];
    };
    const [status, id] = await told([old], { cups: 2 });
    expect(status).toBe(202);
    expect(await told([old, more], { cups: 2 })).toEqual([202, id]);
    expect(await told([more], { cups: 2 })).toEqual([202, id]);
    expect(await told([old, other], { cups: 2 })).toEqual([202, id]);
    expect(await told([other], { cups: 2 })).toEqual([202, id]);
    expect(await told([old, more], { cups: 3 })).toEqual([409, undefined]);
    expect(await told([more], { cups: 3 })).toEqual([409, undefined]);
    expect(await told([old, other], { cups: 3 })).toEqual([422, undefined]);
    expect(await told([other], { cups: 3 })).toEqual([422, undefined]);
  });

  it("belongs to a tenant: the same key of another one is another job", async () => {
    const [acme, brook] = [
      holderOf("a", ["submit", "read"], "acme"),
      holderOf("b", ["submit"], "brook"),
    ];
    const http = { keys: [admin.key, acme.key, brook.key] };
    await using catena = await startApi(shout, { http });
    const ids = await Promise.all(
      [acme, brook, admin].map(({ secret }) => ask(catena, "/poster", keyed(tea, "k", { secret }))),
    );
    expect(new Set(ids.map(({ json }) => json.job_id)).size).toBe(3);
    const [mine] = ids;
    const again = await ask(catena, "/poster", keyed(tea, "k", { secret: acme.secret }));
    expect(again.json.job_id).toBe(mine?.json.job_id);
  });

  it("is given up a day after its job has come to rest, and not before", async () => {
    const journals = new MemoryJournals();
    await using catena = await startApi(shout, { store: MemoryJournalStore.make(journals) });
    const first = await ask(catena, "/poster", keyed(tea));
    const aged = (byMs: number) => {
      const file = journals.files.get(first.json.job_id);
      if (file === undefined) throw new Error("the job is not in the store");
      const { record } = file.job;
      file.job = { ...file.job, record: { ...record, updatedAt: record.updatedAt - byMs } };
    };
    aged(86_000_000);
    expect((await ask(catena, "/poster", keyed({ product: "coffee" }))).status).toBe(409);
    aged(500_000);
    const fresh = await ask(catena, "/poster", keyed({ product: "coffee" }));
    expect(fresh).toMatchObject({ status: 202, json: { output: { slogan: "COFFEE" } } });
    expect(fresh.json.job_id).not.toBe(first.json.job_id);
  });

  it.each(["", "x".repeat(256), "süß"])("refuses %o as a key", async (key) => {
    await using catena = await startApi(shout);
    const told = await ask(catena, "/poster", keyed(tea, key));
    expect(told).toMatchObject({ status: 400, json: { errors: [{ path: "Idempotency-Key" }] } });
  });
});
