/** A request is asked for under one key, whatever becomes of the process that sent it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Catena, Functions, Pipeline, Steps } from "../../../src/index.ts";
import { paths } from "../../../src/testing.ts";
import { alone } from "./alone.ts";
import { lead, Lead, Row, serving } from "./leads.ts";

describe("over restarts", () => {
  const pipelineTo = (origin: string) =>
    alone(Steps.http("crm", { input: Lead, url: origin, response: Row }));

  test("a request whose process went away is sent again under the same key", async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-http-"));
    try {
      await using server = await serving("hold", { body: { id: 7 } });
      const pipeline = pipelineTo(server.origin);
      const options = {
        pipelines: [pipeline],
        store: join(folder, "jobs.db"),
        models: Functions.client({ models: {} }),
      };
      const before = await Catena.start(options);
      const { id } = await before.submit(pipeline, lead, { idempotencyKey: "order-1" });
      await server.receivedSoMany(1);
      await before.stop();
      await using after = await Catena.start(options);
      const job = await after.submit(pipeline, lead, { idempotencyKey: "order-1" });
      expect(await job.result()).toEqual({ id: 7 });
      expect(job.id).toBe(id);
      expect(server.keys()).toEqual([`${id}/crm`, `${id}/crm`]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("an answer that takes too long is given up, and asked for again under the same key", async () => {
    await using server = await serving("hold", { body: { id: 7 } });
    const pipeline = alone(
      Steps.http("crm", { input: Lead, url: server.origin, response: Row, timeout: "1 second" }),
    );
    const models = Functions.client({ models: {} });
    await using catena = await Catena.start({ pipelines: [pipeline], store: "memory", models });
    const job = await catena.submit(pipeline, lead);
    expect(await job.result()).toEqual({ id: 7 });
    expect(server.keys().length).toBeGreaterThan(1);
    expect(new Set(server.keys())).toEqual(new Set([`${job.id}/crm`]));
  });

  test("every path of the step asks the server under one key a job", async () => {
    await using server = await serving({ body: { id: 7 } });
    const Empty = Schema.Struct({ name: Schema.Literal("Ann") });
    const pipeline = Pipeline.make("crm", { version: 1, input: Empty })
      .step(Steps.http("crm", { input: Empty, url: server.origin, response: Row }))
      .output(Row, ({ last }) => last);
    const suite = paths(pipeline);
    for (const path of suite) {
      const before = server.keys().length;
      await path.run();
      expect(new Set(server.keys().slice(before)).size).toBeLessThanOrEqual(1);
    }
    expect(suite.uncovered()).toEqual([]);
  });
});
