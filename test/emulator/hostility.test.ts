/** The hostile reading of the API, which is the emulator's default: what may go wrong does. */
import { describe, expect, test } from "vitest";
import {
  call,
  createConcept,
  finished,
  FLUX,
  instantEmulator,
  listed,
  LLAMA,
  NSFW_VERSION,
  post,
} from "./emulator-client.ts";

const CREATE_LLAMA = `/v1/models/${LLAMA}/predictions`;
const CREATE_FLUX = `/v1/models/${FLUX}/predictions`;

describe("refused requests", () => {
  test.each([
    ["an unknown top-level field", CREATE_LLAMA, { input: { prompt: "x" }, signal: {} }, "signal"],
    ["an unknown input field", CREATE_LLAMA, { input: { prompt: "x", wit: 1 } }, "input.wit"],
    ["an explicit null", CREATE_LLAMA, { input: { prompt: "x", seed: null } }, "input.seed"],
    ["a missing field", CREATE_LLAMA, { input: {} }, "input"],
    ["a wrong type", CREATE_LLAMA, { input: { prompt: 7 } }, "input.prompt"],
    [
      "too large a number",
      CREATE_FLUX,
      { input: { prompt: "x", num_outputs: 5 } },
      "input.num_outputs",
    ],
    [
      "a value outside of the enum",
      CREATE_FLUX,
      { input: { prompt: "x", aspect_ratio: "7:1" } },
      "input.aspect_ratio",
    ],
    [
      "a format the toy cannot encode",
      CREATE_FLUX,
      { input: { prompt: "x", output_format: "webp" } },
      "input.output_format",
    ],
    [
      "an http webhook to the world",
      CREATE_LLAMA,
      { input: { prompt: "x" }, webhook: "http://example.com" },
      "webhook",
    ],
  ])("%s is 422 and names the field", async (_case, path, body, field) => {
    const emulator = await instantEmulator();
    const response = await post(emulator, path, body);
    expect(response.status).toBe(422);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      title: "Input validation failed",
      invalid_fields: [{ field }],
    });
    expect(emulator.ledger()).toEqual([]);
  });

  test("a missing or wrong token is 401", async () => {
    const emulator = await instantEmulator({ token: "r8_right" });
    for (const authorization of ["", "Bearer r8_wrong"]) {
      const response = await call(emulator, "/v1/predictions", { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ title: "Unauthenticated", status: 401 });
    }
  });

  test("an unknown version is 422, an unknown prediction, model or path is 404", async () => {
    const emulator = await instantEmulator();
    const unknown = await post(emulator, "/v1/predictions", { version: "a/b", input: {} });
    expect(unknown.status).toBe(422);
    expect(await unknown.json()).toMatchObject({ title: "Invalid version or not permitted" });
    for (const path of [
      "/v1/predictions/nope",
      "/v1/models/a/b",
      "/v1/deployments/a/b",
      "/v1/streams/nope",
    ]) {
      const response = await call(emulator, path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ status: 404 });
    }
  });

  test("a community model cannot be called without its version", async () => {
    const emulator = await instantEmulator();
    const [name] = NSFW_VERSION.split(":");
    const image = "data:image/png;base64,AA==";
    const byName = await post(emulator, `/v1/models/${name}/predictions`, { input: { image } });
    expect(byName.status).toBe(404);
    const bare = await post(emulator, "/v1/predictions", { version: name, input: { image } });
    expect(bare.status).toBe(422);
  });

  test("a Cancel-After under five seconds is 422", async () => {
    const emulator = await instantEmulator();
    const body = { input: { prompt: "x" } };
    const response = await post(emulator, CREATE_LLAMA, body, { "cancel-after": "4" });
    expect(response.status).toBe(422);
  });
});

describe("what answers look like", () => {
  test("a new prediction has neither output nor metrics, and hides its version", async () => {
    const created = await createConcept(await instantEmulator());
    expect(created.status).toBe("starting");
    expect(created.version).toBe("hidden");
    expect(created).not.toHaveProperty("output");
    expect(created).not.toHaveProperty("metrics");
    expect(created).not.toHaveProperty("completed_at");
  });

  test("lists lag, and leave the webhook out", async () => {
    let time = Date.now();
    const emulator = await instantEmulator({ listLagMs: 2_000, now: () => time });
    const webhook = "http://127.0.0.1:9/hook?key=k1";
    const created = await createConcept(emulator, { webhook, webhook_events_filter: ["start"] });
    await finished(emulator, created.id);
    expect((await listed(emulator)).results).toEqual([]);
    time += 2_000;
    const [seen] = (await listed(emulator)).results;
    expect(seen).toMatchObject({ id: created.id, input: created.input, source: "api" });
    expect(seen).not.toHaveProperty("webhook");
  });

  test("lists filter by creation time and source", async () => {
    let time = Date.parse("2026-01-01T00:00:00Z");
    const emulator = await instantEmulator({ now: () => time });
    await createConcept(emulator);
    time += 60_000;
    const second = await createConcept(emulator);
    const recent = await listed(emulator, "?created_after=2026-01-01T00:00:30Z");
    expect(recent.results.map(({ id }) => id)).toEqual([second.id]);
    expect((await listed(emulator, "?created_before=2026-01-01T00:00:30Z")).results).toHaveLength(
      1,
    );
    expect((await listed(emulator, "?source=web")).results).toEqual([]);
  });

  test("timestamps have fraction digits of varying number", async () => {
    const emulator = await instantEmulator();
    const lengths = new Set<number>();
    for (let index = 0; index < 30; index += 1) {
      lengths.add((await createConcept(emulator)).created_at.length);
    }
    expect(lengths.size).toBeGreaterThan(3);
  });

  test("an hour after its end a prediction's data and files are gone", async () => {
    let time = Date.now();
    const emulator = await instantEmulator({ now: () => time });
    const path = `/v1/models/${FLUX}/predictions`;
    const response = await post(emulator, path, { input: { prompt: "x" } });
    const { id } = (await response.json()) as { readonly id: string };
    const { output } = await finished(emulator, id);
    const url = String((output as readonly string[])[0]);
    expect((await fetch(url)).status).toBe(200);
    time += 3_600_000;
    expect(await finished(emulator, id)).toMatchObject({
      output: null,
      data_removed: true,
      input: {},
      logs: "",
    });
    expect((await fetch(url)).status).toBe(404);
    expect(emulator.ledger()).toMatchObject([{ status: "succeeded", costUsd: 0.003 }]);
  });
});
