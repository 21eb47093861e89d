/** Jobs of every pipeline over HTTP: searched page by page, looked into, asked by the many. */
import { describe, expect, it } from "vitest";
import { admin, ask } from "./support/api.ts";
import { reader, startBreaking, tenant } from "./support/breaking-api.ts";

const start = async () => {
  const around = await startBreaking();
  const search = async (query: string, secret = admin.secret) => {
    const { status, json } = await ask(around.catena, `/jobs?${query}`, { secret });
    return status === 200 ? json.jobs.map((job: { job_id: string }) => job.job_id) : status;
  };
  return { ...around, search };
};

describe("GET /jobs", () => {
  it("searches by status, pipeline, kind, time and text, newest first", async () => {
    const { catena, submit, search } = await start();
    await using _ = catena;
    const good = await submit("/chain", "good Tea");
    const bad = await submit("/chain", "bad tea");
    const other = await submit("/other", "good");
    expect(await search("")).toEqual([other, bad, good]);
    expect(await search("status=failed")).toEqual([bad]);
    expect(await search("kind=provider&pipeline=chain")).toEqual([bad]);
    expect(await search("text=TEA")).toEqual([bad, good]);
    expect(await search(`text=${good}`)).toEqual([good]);
    expect(await search("from=2100-01-01")).toEqual([]);
    expect(await search("to=2100-01-01T00:00:00Z&pipeline=other")).toEqual([other]);
  });

  it("goes on after a page at its cursor, with nothing twice", async () => {
    const { catena, submit } = await start();
    await using _ = catena;
    const made = [];
    for (let count = 0; count < 5; count += 1) made.unshift(await submit("/chain", "x"));
    const found = [];
    for (let cursor = ""; found.length < 6; ) {
      const { json } = await ask(catena, `/jobs?limit=2${cursor}`);
      found.push(...json.jobs.map((job: { job_id: string }) => job.job_id));
      if (json.next_cursor === null) break;
      cursor = `&cursor=${json.next_cursor}`;
    }
    expect(found).toEqual(made);
  });

  it("refuses a cursor that no page gave, and another tenant's job as one", async () => {
    const { catena, submit } = await start();
    await using _ = catena;
    const foreign = await submit("/chain", "x");
    await submit("/chain", "x", tenant.secret);
    for (const cursor of ["zzz", foreign]) {
      const told = await ask(catena, `/jobs?cursor=${cursor}`, { secret: tenant.secret });
      expect(told).toMatchObject({ status: 400, json: { errors: [{ path: "cursor" }] } });
    }
  });

  it("shows a tenant its own", async () => {
    const { catena, submit, search } = await start();
    await using _ = catena;
    await submit("/chain", "x");
    const mine = await submit("/chain", "x", tenant.secret);
    expect(await search("", tenant.secret)).toEqual([mine]);
    expect(await search(`text=${mine}`, tenant.secret)).toEqual([mine]);
  });

  it("names every word of a search that is not valid", async () => {
    const { catena } = await start();
    await using _ = catena;
    const { status, json } = await ask(catena, "/jobs?status=done&kind=bad&from=yesterday&to=1");
    expect(status).toBe(400);
    const paths = json.errors.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(["status", "kind", "from", "to"]);
    const unknown = await ask(catena, "/jobs?staus=failed&limit=2");
    expect(unknown).toMatchObject({ status: 400, json: { errors: [{ path: "staus" }] } });
    for (const limit of ["0", "201", "x", "-1"])
      expect((await ask(catena, `/jobs?limit=${limit}`)).status).toBe(400);
  });

  it("shows what went wrong inside, costs and raw answers to operators only", async () => {
    const { catena, submit } = await start();
    await using _ = catena;
    const bad = await submit("/chain", "bad");
    const { secret } = reader;
    const read = await ask(catena, `/jobs/${bad}`, { secret });
    expect(read.json).toMatchObject({ job: { status: "failed" }, entries: expect.any(Array) });
    expect(read.text).not.toMatch(/canary|cost|predictions/);
    expect((await ask(catena, "/jobs", { secret })).text).not.toMatch(/canary|cost/);
    expect((await ask(catena, `/jobs/${bad}/raw`, { secret })).status).toBe(403);
    const operated = await ask(catena, `/jobs/${bad}`);
    expect(operated.json).toMatchObject({
      job: { error_message: "acme: Unavailable: canary-9", cost_usd: 0 },
      predictions: [],
    });
    expect((await ask(catena, `/jobs/${bad}/raw`)).json).toEqual({ answers: [] });
  });
});

describe("POST /jobs/retry and /jobs/cancel", () => {
  it("ask every job that the search finds", async () => {
    const { catena, mended, submit, search } = await start();
    await using _ = catena;
    const bad = [await submit("/chain", "bad 1"), await submit("/chain", "bad 2")];
    await submit("/chain", "good");
    mended.isDone = true;
    const told = await ask(catena, "/jobs/retry", { body: { text: "bad" } });
    expect(told).toMatchObject({ status: 202, json: { asked: 2, skipped: 0, is_complete: true } });
    for (const jobId of bad)
      await ask(catena, `/chain/${jobId}`, { headers: { prefer: "wait=10" } });
    expect(await search("status=failed")).toEqual([]);
    const late = await ask(catena, "/jobs/cancel", { body: { pipeline: "chain" } });
    expect(late.json).toEqual({ asked: 0, skipped: 3, is_complete: true });
  });

  it("refuse to ask everybody, and words they do not know", async () => {
    const { catena } = await start();
    await using _ = catena;
    const nothing = [{}, [], "null", { status: null }, { text: null, kind: "provider" }];
    for (const body of [...nothing, { stat: "failed" }, { status: "done" }, { text: "" }])
      expect((await ask(catena, "/jobs/cancel", { body })).status).toBe(400);
    const { secret } = reader;
    expect((await ask(catena, "/jobs/retry", { body: { text: "x" }, secret })).status).toBe(403);
  });
});
