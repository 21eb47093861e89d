/** A pipeline's own addresses: new jobs, one job, what can be asked of it, and what is said to wrong requests. */
import { describe, expect, it } from "vitest";
import { PolicyFailure, Catena, Pipeline, Step } from "../../../src/index.ts";
import { Schema } from "effect";
import { admin, ask, base, posterOf, quick, startApi } from "./support/api.ts";

describe("POST /{pipeline}", () => {
  it("validates, creates and answers 202 with id, status and links", async () => {
    await using catena = await startApi(posterOf(({ product }) => `Buy ${product}`));
    const told = await ask(catena, "/poster", { body: { product: "tea" } });
    expect(told.status).toBe(202);
    expect(told.json).toMatchObject({
      pipeline: "poster",
      status: expect.stringMatching(/^(pending|processing|complete)$/),
      links: { self: `/poster/${told.json.job_id}`, events: `/poster/${told.json.job_id}/events` },
    });
    expect(told.headers.get("location")).toBe(told.json.links.self);
    const done = await ask(catena, told.json.links.self, { headers: { prefer: "wait=30" } });
    expect(done.json).toMatchObject({
      status: "complete",
      output: { slogan: "Buy tea" },
      progress: { done: 1, of: 1 },
      waiting_for: null,
    });
  });

  it("waits as long as the caller prefers, and answers with the output", async () => {
    await using catena = await startApi(posterOf(({ product }) => `Buy ${product}`));
    const headers = { prefer: "respond-async, wait=30" };
    const told = await ask(catena, "/poster", { body: { product: "tea" }, headers });
    expect(told).toMatchObject({ status: 202, json: { output: { slogan: "Buy tea" } } });
    expect(told.headers.get("preference-applied")).toBe("wait=30");
  });

  it.each<[string, unknown, string, string]>([
    ["an empty field", { product: "" }, "product", "length of at least 1"],
    ["a missing field", {}, "product", "Missing"],
    ["a field too many", { product: "x", colour: "red" }, "colour", "no excess property"],
    ["a field deep inside", { product: "x", lines: [{ text: 1 }] }, "lines.0.text", "string"],
    ["no object", 17, "", "object"],
  ])("names the path of %s", async (_, body, path, message) => {
    await using catena = await startApi(posterOf(() => ""));
    const told = await ask(catena, "/poster", { body });
    expect(told.status).toBe(422);
    expect(told.headers.get("content-type")).toContain("application/problem+json");
    expect(told.json).toMatchObject({ status: 422, title: "Unprocessable Content" });
    expect(told.json.errors).toEqual([
      { path, message: expect.stringMatching(new RegExp(message, "i")) },
    ]);
    expect(await catena.jobs()).toEqual([]);
  });

  it("names every wrong field at once", async () => {
    await using catena = await startApi(posterOf(() => ""));
    const { json } = await ask(catena, "/poster", { body: { product: "", copies: 0 } });
    expect(json.errors.map(({ path }: { path: string }) => path)).toEqual(["product", "copies"]);
  });

  it.each([
    ["no JSON", "{", 400, {}],
    ["another type", "x=1", 415, { "content-type": "application/x-www-form-urlencoded" }],
    ["more than the limit", JSON.stringify({ product: "x".repeat(2_000_000) }), 413, {}],
  ])("refuses %s", async (_, body, status, headers) => {
    await using catena = await startApi(posterOf(() => ""));
    const told = await ask(catena, "/poster", { method: "POST", body, headers });
    expect(told.status).toBe(status);
    expect(told.json).toMatchObject({ type: "about:blank", status });
  });

  it.each([
    ["lists", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("refuses %s inside each other without end", async (_, open, close) => {
    const any = Pipeline.make("any", { version: 1, input: Schema.Json })
      .step(Step.make("kept", { input: Schema.Json, output: Schema.Json, run: (json) => json }))
      .output(Schema.Json, ({ last }) => last);
    await using catena = await Catena.start({
      ...quick,
      pipelines: [any],
      http: { keys: [admin.key] },
    });
    const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
    for (const depth of [257, 5_000, 150_000]) {
      const told = await ask(catena, "/any", { body: nested(depth) });
      expect(told.status).toBe(400);
      expect(told.json.detail).toContain("nested deeper than 256 levels");
    }
    const prefer = { prefer: "wait=10" };
    const told = await ask(catena, "/any", { body: nested(256), headers: prefer });
    expect(told.json).toMatchObject({ status: "complete", output: JSON.parse(nested(256)) });
  });

  it("stops reading a body that streams beyond the limit", async () => {
    await using catena = await startApi(
      posterOf(() => ""),
      { http: { maxBodyBytes: 1_000 } },
    );
    let pulls = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        pulls += 1;
        controller.enqueue(new Uint8Array(600));
      },
    });
    const response = await catena.fetch(
      new Request(`${base}/poster`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${admin.secret}`,
          "content-type": "application/json",
        },
        body,
        duplex: "half",
      }),
    );
    expect(response.status).toBe(413);
    expect(pulls).toBeLessThan(10);
  });
});

describe("GET /{pipeline}/{job_id}", () => {
  it("says what a job waits for, since when, and what comes next", async () => {
    const gate = Promise.withResolvers<string>();
    await using catena = await startApi(posterOf(() => gate.promise));
    const { json } = await ask(catena, "/poster", { body: { product: "x" } });
    const told = await ask(catena, json.links.self);
    expect(told.json).toMatchObject({
      status: "processing",
      waiting_for: "slogan",
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      next: "its result is committed",
      progress: { done: 0, of: 1, step: "slogan" },
    });
    expect(told.json.output).toBeUndefined();
    gate.resolve("");
  });

  it("shows of a failure its kind and a sentence that is safe, of a bug nothing", async () => {
    const failing = Pipeline.make("failing", { version: 1, input: Schema.String })
      .step(
        Step.make("judge", {
          input: Schema.String,
          output: Schema.String,
          fails: ["policy"],
          run: async (how) => {
            if (how === "bug") throw new TypeError("canary-7f3a in a stack");
            throw new PolicyFailure({ rule: "no-logos", scores: { logo: 0.93 } });
          },
          mapError: (error: unknown) => (error instanceof PolicyFailure ? error : undefined),
        }),
      )
      .output(Schema.String, ({ last }) => last);
    const options = { ...quick, pipelines: [failing], http: { keys: [admin.key] } } as const;
    await using catena = await Catena.start(options);
    const headers = { prefer: "wait=30" };
    const policy = await ask(catena, "/failing", { body: '"x"', headers });
    expect(policy.json).toMatchObject({
      status: "failed",
      failure: {
        kind: "policy",
        step: "judge",
        message: "The content was not accepted: no-logos.",
      },
    });
    const bug = await ask(catena, "/failing", { body: '"bug"', headers });
    expect(bug.json.failure).toEqual({ kind: "defect", step: "judge", message: "step failed" });
    for (const { text } of [policy, bug]) expect(text).not.toMatch(/canary|0\.93|TypeError|\.ts:/);
  });

  it("knows no job of another pipeline, another id or another address", async () => {
    await using catena = await startApi(posterOf(() => ""));
    for (const path of [
      "/poster/nobody",
      "/poster/..%2f",
      "/nothing",
      "/poster/a/b/c",
      "/",
      "/%zz",
    ]) {
      const told = await ask(catena, path);
      expect([path, told.status, told.json?.status]).toEqual([path, 404, 404]);
    }
  });
});

describe("DELETE /{pipeline}/{job_id}", () => {
  it("erases what a job that rests holds, and leaves that it was there", async () => {
    await using catena = await startApi(posterOf(({ product }) => `canary ${product}`));
    const headers = { prefer: "wait=10", "idempotency-key": "k" };
    const made = await ask(catena, "/poster", { body: { product: "tea" }, headers });
    const { self, events } = made.json.links;
    const erased = await ask(catena, self, { method: "DELETE" });
    expect(erased).toMatchObject({
      status: 200,
      json: { status: "complete", erased_at: expect.stringMatching(/Z$/), files: 0 },
    });
    const read = await ask(catena, self);
    expect(read.json).toMatchObject({ status: "complete", erased_at: erased.json.erased_at });
    expect(read.json.output).toBeUndefined();
    for (const path of [self, events, "/jobs", `/jobs/${made.json.job_id}`]) {
      const told = await ask(catena, path);
      expect([path, told.status]).toEqual([path, 200]);
      expect(told.text).not.toMatch(/canary|tea/);
    }
    expect((await ask(catena, self, { method: "DELETE" })).status).toBe(200);
    const again = await ask(catena, "/poster", { body: { product: "tea" }, headers });
    expect(again.json.job_id).not.toBe(made.json.job_id);
  });

  it("answers 409 for a job that still runs, and says what to do first", async () => {
    const gate = Promise.withResolvers<string>();
    await using catena = await startApi(posterOf(() => gate.promise));
    const { json } = await ask(catena, "/poster", { body: { product: "x" } });
    const told = await ask(catena, json.links.self, { method: "DELETE" });
    expect(told).toMatchObject({
      status: 409,
      json: { detail: expect.stringMatching(/cancel it/) },
    });
    gate.resolve("");
  });
});

describe("what can be asked of a job", () => {
  it("cancels, retries, pauses and resumes where the job's state has a use for it, else answers 409", async () => {
    const gate = Promise.withResolvers<string>();
    await using catena = await startApi(posterOf(() => gate.promise));
    const { json } = await ask(catena, "/poster", { body: { product: "x" } });
    const { links } = json;
    const post = (path: string) =>
      ask(catena, path, { method: "POST", headers: { prefer: "wait=1" } });
    const early = await ask(catena, links.retry, { method: "POST" });
    expect(early).toMatchObject({
      status: 409,
      json: { detail: "The job is processing: there is nothing to retry" },
    });
    expect((await ask(catena, links.pause, { method: "POST" })).status).toBe(202);
    expect((await ask(catena, links.resume, { method: "POST" })).status).toBe(202);
    expect(await post(links.cancel)).toMatchObject({ status: 202, json: { status: "cancelled" } });
    expect((await post(links.cancel)).status).toBe(409);
    gate.resolve("");
  });
});
