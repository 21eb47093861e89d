/** Dead letters and alerts over HTTP: who may see and do what, and what nonsense is told. */
import { describe, expect, it } from "vitest";
import { admin, ask } from "./support/api.ts";
import { reader, startBreaking, tenant } from "./support/breaking-api.ts";

const start = async () => {
  const alerts = { every: "10 millis", deadLetters: { count: 1 } } as const;
  const around = await startBreaking({ alerts });
  const list = async (query = "", secret = admin.secret) => {
    const { status, json } = await ask(around.catena, `/dead-letters${query}`, { secret });
    return status === 200 ? json.letters.map(({ id }: { id: string }) => id) : status;
  };
  return { ...around, list };
};

describe("GET /dead-letters", () => {
  it("shows operators what died and why, newest first, by every word and page by page", async () => {
    const { catena, submit, list } = await start();
    await using _ = catena;
    const first = await submit("/chain", "bad");
    const second = await submit("/other", "bad");
    await submit("/chain", "good");
    const { json } = await ask(catena, "/dead-letters");
    expect(json).toMatchObject({
      letters: [
        { id: second, pipeline: "other" },
        {
          id: first,
          job_id: first,
          source: "job",
          pipeline: "chain",
          step: "second",
          kind: "provider",
          message: "A model provider could not finish the work.",
          error_message: "acme: Unavailable: canary-9",
          deaths: 1,
          links: { job: `/jobs/${first}`, redrive: `/dead-letters/${first}/redrive` },
        },
      ],
      next_cursor: null,
    });
    expect(await list("?pipeline=chain&kind=provider&step=second&source=job")).toEqual([first]);
    expect(await list(`?cause=${json.letters[0].cause}`)).toEqual([second]);
    expect(await list("?from=2100-01-01")).toEqual([]);
    expect(await list("?to=2100-01-01T00:00:00Z&kind=defect")).toEqual([]);
    const page = await ask(catena, "/dead-letters?limit=1");
    expect(await list(`?limit=1&cursor=${page.json.next_cursor}`)).toEqual([first]);
    expect(await list("?cursor=nobody")).toBe(400);
    expect(await list("?knd=defect")).toBe(400);
  });

  it("counts them by cause", async () => {
    const { catena, submit } = await start();
    await using _ = catena;
    const ids = [await submit("/chain", "bad 1"), await submit("/chain", "bad 2")];
    const { json } = await ask(catena, "/dead-letters/causes");
    expect(json.causes).toMatchObject([
      { letters: 2, deaths: 2, kind: "provider", step: "second", examples: ids.toReversed() },
    ]);
  });

  it("is for operators, and shows a tenant its own", async () => {
    const { catena, submit, list } = await start();
    await using _ = catena;
    const others = await submit("/chain", "bad");
    const own = await submit("/chain", "bad", tenant.secret);
    expect(await list("", reader.secret)).toBe(403);
    expect(await list("", tenant.secret)).toEqual([own]);
    const { json } = await ask(catena, "/dead-letters/causes", { secret: tenant.secret });
    expect(json.causes).toMatchObject([{ letters: 1, examples: [own] }]);
    const secret = tenant.secret;
    for (const verb of ["redrive", "discard"]) {
      const path = `/dead-letters/${others}/${verb}`;
      expect((await ask(catena, path, { method: "POST", secret })).status).toBe(404);
    }
    const body = { pipeline: "chain" };
    const done = await ask(catena, "/dead-letters/discard", { body, secret });
    expect(done.json).toMatchObject({ discarded: 1, is_complete: true });
    expect(await list()).toEqual([others]);
  });

  it("names every word that is not as expected", async () => {
    const { catena } = await start();
    await using _ = catena;
    const paths = async (query: string) => {
      const { status, json } = await ask(catena, `/dead-letters${query}`);
      expect(status).toBe(400);
      return json.errors.map(({ path }: { path: string }) => path);
    };
    expect(await paths("?kind=bad&from=x&to=1&source=y&pipeline=")).toEqual([
      "source",
      "pipeline",
      "kind",
      "from",
      "to",
    ]);
    expect(await paths("?limit=0")).toEqual(["limit"]);
  });
});

describe("POST /dead-letters", () => {
  const post = { method: "POST" };

  it("redrives one: it is closed at once and its job goes on", async () => {
    const { catena, submit, list, mended } = await start();
    await using _ = catena;
    const id = await submit("/chain", "bad");
    mended.isDone = true;
    const told = await ask(catena, `/dead-letters/${id}/redrive`, post);
    expect(told).toMatchObject({ status: 202, json: { id } });
    expect(await list()).toEqual([]);
    const { json } = await ask(catena, `/chain/${id}`, { headers: { prefer: "wait=10" } });
    expect(json.status).toBe("complete");
    expect((await ask(catena, `/dead-letters/${id}/redrive`, post)).status).toBe(404);
  });

  it("redrives by filter, fresh where that is asked for, and says how many", async () => {
    const { catena, submit, list, mended } = await start();
    await using _ = catena;
    await submit("/chain", "bad 1");
    await submit("/chain", "bad 2");
    const other = await submit("/other", "bad");
    mended.isDone = true;
    const told = await ask(catena, "/dead-letters/redrive", {
      body: { pipeline: "chain", fresh: true },
    });
    expect(told).toMatchObject({
      status: 202,
      json: { redriven: 2, skipped: 0, reasons: [], is_complete: true },
    });
    expect(await list()).toEqual([other]);
  });

  it.each([
    [{}, 400],
    [{ fresh: true }, 400],
    [{ pipeline: "chain", fresh: "perhaps" }, 400],
    [{ pipelines: "chain" }, 400],
    [[], 400],
    ["chain", 400],
    [{ kind: 7 }, 400],
  ])("refuses to redrive %j", async (body, status) => {
    const { catena, submit, list } = await start();
    await using _ = catena;
    const id = await submit("/chain", "bad");
    const told = await ask(catena, "/dead-letters/redrive", { body: JSON.stringify(body) });
    expect(told.status).toBe(status);
    expect(told.json.title).toBe("Bad Request");
    expect(await list()).toEqual([id]);
  });

  it("discards one", async () => {
    const { catena, submit, list } = await start();
    await using _ = catena;
    const id = await submit("/chain", "bad");
    expect(await ask(catena, `/dead-letters/${id}/discard`, post)).toMatchObject({ status: 200 });
    expect(await list()).toEqual([]);
    expect((await ask(catena, `/chain/${id}`)).json.status).toBe("failed");
    expect((await ask(catena, `/dead-letters/${id}/discard`, post)).status).toBe(404);
  });

  it("needs the operator's scope", async () => {
    const { catena, submit } = await start();
    await using _ = catena;
    const id = await submit("/chain", "bad");
    for (const path of ["redrive", "discard", `${id}/redrive`, `${id}/discard`]) {
      const asked = { body: { pipeline: "chain" }, secret: reader.secret };
      expect((await ask(catena, `/dead-letters/${path}`, asked)).status).toBe(403);
    }
  });
});

describe("GET /alerts", () => {
  it("shows what is raised to operators of the whole service alone", async () => {
    const { catena, submit } = await start();
    await using _ = catena;
    expect((await ask(catena, "/alerts")).json).toEqual({ alerts: [] });
    await submit("/chain", "bad");
    while (catena.alerts().length === 0) await new Promise(setImmediate);
    const { status, json } = await ask(catena, "/alerts");
    expect(status).toBe(200);
    expect(json.alerts).toEqual([
      {
        name: "dead-letters",
        subject: "",
        what: "1 dead letter has come in the last 60 min",
        value: 1,
        threshold: 1,
        since: expect.stringMatching(/^\d{4}-.*Z$/),
        action: expect.stringContaining("/dead-letters/causes"),
      },
    ]);
    for (const { secret } of [reader, tenant])
      expect((await ask(catena, "/alerts", { secret })).status).toBe(403);
  });
});
