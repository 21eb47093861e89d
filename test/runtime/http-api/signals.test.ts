/** What a job waits for, over HTTP: sent once, checked before it is taken, described in the reference. */
import { Schema } from "effect";
import { describe, expect, it } from "vitest";
import { Catena, Pipeline, type StateRecord, Step } from "../../../src/index.ts";
import { admin, ask, holderOf, quick } from "./support/api.ts";

const Draft = Schema.Struct({ text: Schema.String });
const Decision = Schema.Struct({ price: Schema.Int, notes: Schema.Array(Schema.String) });

const shop = Pipeline.make("shop", { version: 2, input: Schema.Struct({ topic: Schema.String }) })
  .step(
    Step.make("write", {
      input: Schema.Struct({ topic: Schema.String }),
      output: Draft,
      run: ({ topic }) => ({ text: `about ${topic}` }),
    }),
  )
  .step(Step.signal("pricing", { input: Draft, output: Decision, timeout: "3 days" }))
  .step(Step.approval("review", { input: Decision }))
  .output(Decision, ({ last }) => last);

/** The older version waited for another word. */
const oldShop = Pipeline.make("shop", {
  version: 1,
  input: Schema.Struct({ topic: Schema.String }),
})
  .step(Step.signal("start", { input: Schema.Struct({ topic: Schema.String }), output: Draft }))
  .output(Draft, ({ last }) => last);

const reader = holderOf("reader", ["read"]);
const clerk = holderOf("clerk", ["submit"], "acme");

/** A shop, and a way to wait until the row of a job says something. */
const startShop = async () => {
  const seen: Array<StateRecord> = [];
  let tell = (): void => undefined;
  const catena = await Catena.start({
    ...quick,
    pipelines: [oldShop, shop],
    http: { keys: [admin.key, reader.key, clerk.key] },
    inspect: ({ record }) => {
      seen.push(record);
      tell();
    },
  });
  const comesTo = async (id: string, claim: (record: StateRecord) => boolean): Promise<void> => {
    while (!seen.some((record) => record.jobId === id && claim(record)))
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
  };
  /** The view of a job that has come to where it waits for its price. */
  const waiting = async () => {
    const { json } = await ask(catena, "/shop", { body: { topic: "tea" } });
    await comesTo(json.job_id, ({ waiting: now }) => now?.waitingFor === "signal pricing");
    return ask(catena, json.links.self);
  };
  return {
    catena,
    comesTo,
    waiting,
    [Symbol.asyncDispose]: () => catena.stop(),
  };
};

describe("a job that waits for a signal", () => {
  it("says so, since when and until when, and where to send it", async () => {
    await using open = await startShop();
    const { json } = await open.waiting();
    expect(json).toMatchObject({
      status: "processing",
      detail: "waiting",
      progress: { done: 1, of: 3, step: "pricing", attempt: 0 },
      next: "what is sent is its output",
      links: {
        signals: {
          pricing: `${json.links.self}/signals/pricing`,
          review: `${json.links.self}/signals/review`,
        },
      },
    });
    const waitMs = Date.parse(json.until) - Date.parse(json.since);
    // The row says since when by the clock of its commit, a moment after the timer was set.
    expect(Math.round(waitMs / 60_000)).toBe(3 * 24 * 60);
  });

  it("goes on once each signal was sent, the later one early", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    const { pricing, review } = json.links.signals;
    const early = await ask(catena, review, { body: { approved: true, by: "eve" } });
    expect(early.status).toBe(202);
    const body = { price: 5, notes: [] };
    const sent = await ask(catena, pricing, { body, headers: { prefer: "wait=30" } });
    expect(sent).toMatchObject({ status: 202, json: { status: "complete", output: body } });
  });

  it("shows what is to be decided to operators alone", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    const { pricing, review } = json.links.signals;
    const seen = await ask(catena, pricing);
    expect(seen.json).toEqual({
      job_id: json.job_id,
      signal: "pricing",
      state: "awaited",
      since: json.since,
      until: json.until,
      input: { text: "about tea" },
    });
    const { input: _, ...others } = seen.json;
    expect((await ask(catena, pricing, { secret: reader.secret })).json).toEqual(others);
    expect((await ask(catena, review)).json).toMatchObject({ state: "expected", since: null });
    await ask(catena, review, { body: { approved: true } });
    expect((await ask(catena, review)).json).toMatchObject({ state: "received" });
    await ask(catena, `${json.links.self}/cancel`, { body: {} });
    await open.comesTo(json.job_id, ({ status }) => status === "cancelled");
    expect((await ask(catena, pricing)).json).toMatchObject({ state: "closed" });
  });

  it("tells its story without what was sent", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    await ask(catena, json.links.signals.pricing, { body: { price: 12_345, notes: ["secret"] } });
    await ask(catena, json.links.signals.review, { body: { approved: false, comment: "hidden" } });
    await open.comesTo(json.job_id, ({ status }) => status === "failed");
    const { text } = await ask(catena, json.links.events);
    expect(text).toContain('"type":"SignalAwaited"');
    expect(text).toContain('"type":"SignalReceived"');
    expect(text).toContain("The content was not accepted: approval.");
    for (const inside of ["12345", "secret", "hidden"]) expect(text).not.toContain(inside);
  });
});

describe("POST /{pipeline}/{job_id}/signals/{name}", () => {
  it("refuses a wrong value with every path, and the job waits on", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    const { pricing } = json.links.signals;
    const told = await ask(catena, pricing, { body: { price: 1.5, notes: [7], more: 1 } });
    expect(told.status).toBe(422);
    expect(told.json.detail).toBe("The body does not fit the signal pricing");
    expect(told.json.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      "more",
      "notes.0",
      "price",
    ]);
    expect((await ask(catena, pricing, { method: "POST", body: "{" })).status).toBe(400);
    expect((await ask(catena, pricing)).json.state).toBe("awaited");
  });

  it("answers the same again as before, and another value with 409", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    const { pricing } = json.links.signals;
    const body = { price: 5, notes: [] };
    const headers = { "idempotency-key": "click-1" };
    expect((await ask(catena, pricing, { body, headers })).status).toBe(202);
    expect((await ask(catena, pricing, { body, headers })).status).toBe(202);
    expect((await ask(catena, pricing, { body })).status).toBe(202);
    const other = await ask(catena, pricing, { body: { price: 6, notes: [] } });
    expect(other).toMatchObject({
      status: 409,
      json: { detail: "Its signal pricing was received already, with another value" },
    });
    const key = await ask(catena, pricing, { body, headers: { "idempotency-key": "" } });
    expect(key.status).toBe(400);
  });

  it("answers 404 to a name that the pipeline does not have, and 409 once the job is over", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    const unknown = await ask(catena, `${json.links.self}/signals/prizing`, { body: {} });
    expect(unknown).toMatchObject({
      status: 404,
      json: { detail: 'The pipeline shop@2 has no signal "prizing"; it has pricing, review' },
    });
    await ask(catena, `${json.links.self}/cancel`, { body: {} });
    await open.comesTo(json.job_id, ({ status }) => status === "cancelled");
    const late = await ask(catena, json.links.signals.pricing, { body: { price: 5, notes: [] } });
    expect(late).toMatchObject({
      status: 409,
      json: { detail: "It is cancelled and takes no signals" },
    });
  });

  it("knows the signals of the job's own version", async () => {
    await using open = await startShop();
    const { catena } = open;
    const job = await catena.submit(oldShop, { topic: "tea" });
    const path = `/shop/${job.id}/signals`;
    expect((await ask(catena, `${path}/pricing`, { body: {} })).status).toBe(404);
    const sent = await ask(catena, `${path}/start`, { body: { text: "now" } });
    expect(sent.status).toBe(202);
    expect(await job.result()).toEqual({ text: "now" });
  });

  it("needs the scope to submit, and a job of the caller's tenant", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { json } = await open.waiting();
    const { pricing } = json.links.signals;
    const body = { price: 5, notes: [] };
    expect((await ask(catena, pricing, { body, secret: reader.secret })).status).toBe(403);
    expect((await ask(catena, pricing, { body, secret: clerk.secret })).status).toBe(404);
    const own = await ask(catena, "/shop", { body: { topic: "ink" }, secret: clerk.secret });
    const sent = await ask(catena, own.json.links.signals.pricing, {
      body,
      secret: clerk.secret,
    });
    expect(sent.status).toBe(202);
  });

  it("is in the reference, with the signal's own schema", async () => {
    await using open = await startShop();
    const { catena } = open;
    const { paths } = (await ask(catena, "/openapi.json")).json;
    const own = Object.keys(paths).filter((path) => path.includes("/signals/"));
    expect(own).toEqual(["/shop/{job_id}/signals/pricing", "/shop/{job_id}/signals/review"]);
    const { post } = paths["/shop/{job_id}/signals/pricing"];
    const { schema } = post.requestBody.content["application/json"];
    expect(JSON.stringify(schema)).toContain('"required":["price","notes"]');
  });
});
