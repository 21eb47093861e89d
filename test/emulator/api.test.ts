/** The API as the official client and plain HTTP see it, with canned answers. */
import { describe, expect, test } from "vitest";
import { decodePng } from "../../emulator/src/images/png.ts";
import {
  call,
  clientOf,
  CONCEPT_PROMPT,
  createConcept,
  finished,
  FLUX,
  getPrediction,
  instantEmulator,
  listed,
  LLAMA,
  NSFW_VERSION,
  post,
} from "./emulator-client.ts";

describe("the official client", () => {
  test("creates by model name, polls to the end and reads tokens that make valid JSON", async () => {
    const replicate = clientOf(await instantEmulator());
    const created = await replicate.predictions.create({
      model: LLAMA,
      input: { prompt: CONCEPT_PROMPT },
    });
    const done = await replicate.wait(created, { interval: 1 });
    expect(done.status).toBe("succeeded");
    const text = (done.output as readonly string[]).join("");
    expect(Object.keys(JSON.parse(text))).toEqual(["headline", "visual_direction", "tone"]);
  });

  test("gets as many pictures as it asked for, at URLs that need no token", async () => {
    const replicate = clientOf(await instantEmulator());
    const input = { prompt: "a lamp", num_outputs: 3, output_format: "png" };
    const created = await replicate.predictions.create({ version: FLUX, input });
    const { output } = await replicate.wait(created, { interval: 1 });
    expect(output).toHaveLength(3);
    const [first] = output as readonly string[];
    const response = await fetch(String(first));
    expect(response.headers.get("content-type")).toBe("image/png");
    const pixels = decodePng(new Uint8Array(await response.arrayBuffer()));
    expect(pixels.width).toBeGreaterThan(0);
  });

  test("uploads a picture and has it moderated by a versioned model", async () => {
    const emulator = await instantEmulator();
    const replicate = clientOf(emulator);
    const file = await replicate.files.create(new Blob(["bytes"], { type: "image/png" }), {
      order: 17,
    });
    expect(file).toMatchObject({ size: 5, content_type: "image/png", metadata: { order: 17 } });
    const created = await replicate.predictions.create({
      version: NSFW_VERSION,
      input: { image: file.urls.get },
    });
    expect((await finished(emulator, created.id)).output).toBe("normal");
    expect(created.version).toBe(NSFW_VERSION.split(":")[1]);
    await replicate.files.delete(file.id);
    expect((await call(emulator, `/v1/files/${file.id}`)).status).toBe(404);
  });

  test("pages through the list from the newest to the oldest", async () => {
    const emulator = await instantEmulator({ pageSize: 2 });
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await createConcept(emulator)).id);
    const seen: string[] = [];
    const replicate = clientOf(emulator);
    for await (const page of replicate.paginate(() => replicate.predictions.list())) {
      seen.push(...page.map(({ id }) => id));
    }
    expect(seen).toEqual(made.toReversed());
  });

  test("reads the schemas of the three models", async () => {
    const replicate = clientOf(await instantEmulator());
    const model = await replicate.models.get("meta", "meta-llama-3-8b-instruct");
    expect(model.latest_version?.openapi_schema).toMatchObject({
      openapi: "3.0.2",
      components: { schemas: { Output: { "x-cog-array-display": "concatenate" } } },
    });
    const flux = await replicate.models.get("black-forest-labs", "flux-schnell");
    expect(flux.latest_version?.openapi_schema).toMatchObject({
      components: {
        schemas: {
          Input: {
            properties: {
              output_format: { allOf: [{ $ref: "#/components/schemas/output_format" }] },
            },
          },
        },
      },
    });
    const check = await replicate.models.get("falcons-ai", "nsfw_image_detection");
    expect(check.latest_version?.id).toBe(NSFW_VERSION.split(":")[1]);
  });
});

describe("life cycle", () => {
  test("cancel ends an unfinished prediction and leaves a finished one as it is", async () => {
    const emulator = await instantEmulator({ bootMs: 3_600_000 });
    const waiting = await createConcept(emulator);
    const canceled = await post(emulator, `/v1/predictions/${waiting.id}/cancel`, {});
    expect(await canceled.json()).toMatchObject({ status: "canceled" });
    const quick = await instantEmulator();
    const done = await finished(quick, (await createConcept(quick)).id);
    const after = await post(quick, `/v1/predictions/${done.id}/cancel`, {});
    expect(await after.json()).toMatchObject({ status: "succeeded" });
  });

  test("Cancel-After aborts what has not started, free of charge", async () => {
    let time = Date.now();
    const emulator = await instantEmulator({ bootMs: 3_600_000, now: () => time });
    const created = await createConcept(emulator, {}, { "cancel-after": "5s" });
    expect(created).toHaveProperty("deadline");
    time += 4_999;
    expect((await getPrediction(emulator, created.id)).status).toBe("starting");
    time += 1;
    expect((await getPrediction(emulator, created.id)).status).toBe("aborted");
    expect(emulator.ledger()).toMatchObject([{ status: "aborted", costUsd: 0 }]);
  });

  test("Cancel-After cancels what runs", async () => {
    let time = Date.now();
    const faults = [
      {
        match: { operation: "create" },
        fault: { type: "outcome", outcome: { kind: "hang" } },
      },
    ] as const;
    const emulator = await instantEmulator({ faults, now: () => time });
    const created = await createConcept(emulator, {}, { "cancel-after": "1m" });
    expect((await getPrediction(emulator, created.id)).status).toBe("processing");
    time += 60_000;
    expect((await getPrediction(emulator, created.id)).status).toBe("canceled");
  });

  test("a finished answer to Prefer: wait still says processing", async () => {
    const emulator = await instantEmulator();
    const answer = await createConcept(emulator, {}, { prefer: "wait=5" });
    expect(answer.status).toBe("processing");
    expect(answer.output).toBeInstanceOf(Array);
    expect(answer).not.toHaveProperty("metrics");
    expect((await getPrediction(emulator, answer.id)).status).toBe("succeeded");
  });

  test("every answer says that it is emulated", async () => {
    const emulator = await instantEmulator();
    const response = await call(emulator, "/v1/models");
    expect(response.headers.get("x-catena-emulator")).toBe("1");
    const done = await finished(emulator, (await createConcept(emulator)).id);
    expect(done.logs).toMatch(/^emulated: toy model/u);
    expect((await listed(emulator)).results).toHaveLength(1);
  });
});
