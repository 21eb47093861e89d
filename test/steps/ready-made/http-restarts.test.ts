/** A request is asked for under one key, whatever becomes of the process that sent it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Schema } from "effect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Catena, Functions, Pipeline, Steps } from "../../../src/index.ts";
import { paths } from "../../../src/testing.ts";
import { alone } from "./alone.ts";
import { lead, Lead, leadsTo, Row, serving } from "./leads.ts";

describe("over restarts", () => {
  const models = Functions.client({ models: {} });
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "catena-http-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Goes on with the job of the store, whose process is gone, and tells its id. */
  const goOn = async (origin: string, store: string): Promise<string> => {
    const pipeline = leadsTo(origin);
    await using catena = await Catena.start({ pipelines: [pipeline], store, models });
    const job = await catena.submit(pipeline, lead, { idempotencyKey: "order-1" });
    expect(await job.result()).toEqual({ id: 7 });
    expect(job.isNew).toBe(false);
    return job.id;
  };

  test("a request whose process stopped is sent again under the same key", async () => {
    await using server = await serving("hold", { body: { id: 7 } });
    const store = join(folder, "jobs.db");
    const pipeline = leadsTo(server.origin);
    const before = await Catena.start({ pipelines: [pipeline], store, models });
    await before.submit(pipeline, lead, { idempotencyKey: "order-1" });
    await server.receivedSoMany(1);
    await before.stop();
    const id = await goOn(server.origin, store);
    expect(server.keys()).toEqual([`${id}/crm`, `${id}/crm`]);
  });

  test("a request whose process was killed is sent again under the same key", async () => {
    await using server = await serving("hold", { body: { id: 7 } });
    const store = join(folder, "jobs.db");
    const program = join(import.meta.dirname, "sender.ts");
    const child = spawn(process.execPath, [program, server.origin, store], { stdio: "ignore" });
    const exited = once(child, "exit");
    await server.receivedSoMany(1);
    child.kill("SIGKILL");
    expect(await exited).toEqual([null, "SIGKILL"]);
    const id = await goOn(server.origin, store);
    expect(server.keys()).toEqual([`${id}/crm`, `${id}/crm`]);
  });

  test("an answer that takes too long is given up, and asked for again under the same key", async () => {
    await using server = await serving("hold", { body: { id: 7 } });
    const pipeline = alone(
      Steps.http("crm", { input: Lead, url: server.origin, response: Row, timeout: "1 second" }),
    );
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
