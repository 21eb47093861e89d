/** Moving the time: everything that waits for an instant happens when it is reached, in order, and nothing twice. */
import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Clock } from "../../emulator/src/clock.ts";
import { startEmulator, type Emulator } from "../../emulator/src/emulator.ts";
import {
  call,
  createConcept,
  finished,
  FLUX,
  getPrediction,
  instantEmulator,
  listed,
  post,
} from "./emulator-client.ts";
import { stateDirectory } from "./state-directory.ts";

describe("the clock", () => {
  test("wakes sleepers at their instants, the nearest first, also those that fell asleep meanwhile", async () => {
    const clock = new Clock(() => 1_000);
    const seen: string[] = [];
    const sleeper = async (name: string, durationMs: number): Promise<void> => {
      await clock.sleep(durationMs);
      seen.push(`${name} ${clock.now()}`);
    };
    void sleeper("late", 300_000).then(() => sleeper("later", 50_000));
    void sleeper("early", 100_000);
    await clock.advance(299_000);
    expect(seen).toEqual(["early 101000"]);
    await clock.advance(500_000);
    expect(seen).toEqual(["early 101000", "late 301000", "later 351000"]);
    expect(clock.now()).toBe(800_000);
    expect(clock.realNow()).toBe(1_000);
  });

  test("stands still while work is under way", async () => {
    const clock = new Clock(() => 0);
    const finishedAt: number[] = [];
    const work = async (): Promise<void> => {
      await clock.sleep(10_000);
      await clock.during(new Promise<void>((resolve) => void setImmediate(resolve)));
      finishedAt.push(clock.now());
    };
    void work();
    await clock.advance(1_000_000);
    expect(finishedAt).toEqual([10_000]);
  });

  test("an aborted sleep is over at once and says so", async () => {
    const clock = new Clock(() => 0);
    const controller = new AbortController();
    const sleep = clock.sleep(1_000, controller.signal);
    controller.abort();
    expect(await sleep).toBe(false);
    expect(await clock.sleep(1_000, controller.signal)).toBe(false);
  });
});

async function upload(
  emulator: Emulator,
): Promise<{ readonly id: string; readonly expires_at: string }> {
  const form = new FormData();
  form.set("content", new Blob(["bytes"], { type: "image/png" }), "a.png");
  const response = await call(emulator, "/v1/files", { method: "POST", body: form });
  return (await response.json()) as { readonly id: string; readonly expires_at: string };
}

test("an upload is there for a day and then in no answer and no list", async () => {
  const emulator = await instantEmulator();
  const { id } = await upload(emulator);
  await emulator.advance(86_399_000);
  expect((await call(emulator, `/v1/files/${id}`)).status).toBe(200);
  await emulator.advance(1_000);
  expect((await call(emulator, `/v1/files/${id}`)).status).toBe(404);
  expect(await (await call(emulator, "/v1/files")).json()).toMatchObject({ results: [] });
});

test("an upload expires on disk too, also in the process after the next", async () => {
  const options = { stateDirectory: await stateDirectory(), models: "instant" } as const;
  const first = await startEmulator({ ...options, uploadRetentionMs: 60_000 });
  const { id } = await upload(first);
  await first.stop();
  const second = await startEmulator({ ...options, uploadRetentionMs: 60_000 });
  expect((await call(second, `/v1/files/${id}`)).status).toBe(200);
  await second.advance(60_000);
  await second.stop();
  const third = await startEmulator(options);
  expect((await call(third, `/v1/files/${id}`)).status).toBe(404);
  await third.stop();
});

test("an expired upload makes the prediction that wants it fail", async () => {
  const emulator = await instantEmulator();
  const { id } = await upload(emulator);
  await emulator.advance(86_400_000);
  const made = await post(emulator, "/v1/deployments/emulated/nsfw_image_detection/predictions", {
    input: { image: `${emulator.url}/v1/files/${id}` },
  });
  const prediction = await finished(emulator, ((await made.json()) as { readonly id: string }).id);
  expect(prediction).toMatchObject({ status: "failed", error: expect.stringContaining("fetch") });
});

test("a download needs the account's signature, and only until its expiry", async () => {
  const emulator = await instantEmulator();
  const { id } = await upload(emulator);
  const expiry = Math.floor(Date.now() / 1_000) + 60;
  const key = Buffer.from(emulator.webhookSecret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`emulated ${id} ${expiry}`).digest("base64");
  const query = new URLSearchParams({ owner: "emulated", expiry: String(expiry), signature });
  const path = `/v1/files/${id}/download`;
  expect(await (await call(emulator, `${path}?${query.toString()}`)).text()).toBe("bytes");
  expect((await call(emulator, path)).status).toBe(401);
  query.set("expiry", String(expiry + 1));
  expect((await call(emulator, `${path}?${query.toString()}`)).status).toBe(401);
  query.set("expiry", String(expiry));
  await emulator.advance(61_000);
  expect((await call(emulator, `${path}?${query.toString()}`)).status).toBe(401);
});

test("an output is gone after the hour, its bytes too", async () => {
  const emulator = await instantEmulator();
  const made = await post(emulator, `/v1/models/${FLUX}/predictions`, { input: { prompt: "x" } });
  const { output } = await finished(emulator, ((await made.json()) as { readonly id: string }).id);
  const [url = ""] = output as readonly string[];
  await emulator.advance(3_590_000);
  expect((await fetch(url)).status).toBe(200);
  await emulator.advance(10_000);
  expect((await fetch(url)).status).toBe(404);
});

test("deadlines, boots and longest runs come when their time has come, with nobody looking", async () => {
  const emulator = await instantEmulator({ bootMs: 60_000, listLagMs: 0 });
  const booting = await createConcept(emulator, {}, { "cancel-after": "59s" });
  emulator.plan([
    {
      match: { operation: "create", nth: [1, 2] },
      fault: { type: "outcome", outcome: { kind: "hang" } },
    },
  ]);
  const hanging = await createConcept(emulator);
  const bounded = await createConcept(emulator, {}, { "cancel-after": "1h30m" });
  const quick = await createConcept(emulator);
  await emulator.advance(60_000);
  const statusOf = async (id: string) => (await getPrediction(emulator, id)).status;
  expect(emulator.ledger().map(({ status }) => status)).toEqual([
    "aborted",
    "starting",
    "starting",
    "succeeded",
  ]);
  expect(await statusOf(hanging.id)).toBe("processing");
  await emulator.advance(1_800_000);
  expect(await statusOf(booting.id)).toBe("aborted");
  expect(await getPrediction(emulator, hanging.id)).toMatchObject({
    status: "failed",
    error: "Prediction timed out",
  });
  expect(await statusOf(bounded.id)).toBe("failed");
  expect(await statusOf(quick.id)).toBe("succeeded");
});

test.each(["30s", "30", "0h0m30s", "30s ", "5s", "1h30m45s"])(
  "Cancel-After takes %j and the answer names the deadline",
  async (header) => {
    const now = Date.parse("2026-01-01T00:00:00.000Z");
    const emulator = await instantEmulator({ bootMs: 60_000_000, now: () => now });
    const created = await createConcept(emulator, {}, { "cancel-after": header });
    const seconds = { "5s": 5, "1h30m45s": 5_445 }[header] ?? 30;
    expect(Date.parse(String(Reflect.get(created, "deadline")))).toBe(now + seconds * 1_000);
  },
);

test.each(["4", "4s", "0", "", "5x", "-5s", "1.5m", "soon", "9999999999999h"])(
  "Cancel-After refuses %j",
  async (header) => {
    const emulator = await instantEmulator();
    const body = { input: { prompt: "x" } };
    const path = "/v1/models/meta/meta-llama-3-8b-instruct/predictions";
    expect((await post(emulator, path, body, { "cancel-after": header })).status).toBe(422);
  },
);

test("a wait that ends too early is answered with 202 and an unfinished prediction", async () => {
  const emulator = await instantEmulator({ bootMs: 3_600_000 });
  const body = { input: { prompt: "x" } };
  const path = "/v1/models/meta/meta-llama-3-8b-instruct/predictions";
  const waiting = post(emulator, path, body, { prefer: "wait" });
  await expect.poll(() => emulator.ledger().length).toBe(1);
  await emulator.advance(60_000);
  const response = await waiting;
  expect(response.status).toBe(202);
  expect(response.headers.get("preference-applied")).toBe("wait=60");
  expect(await response.json()).toMatchObject({ status: "starting" });
});

test("lists follow the moved time", async () => {
  const emulator = await instantEmulator({ listLagMs: 2_000 });
  await createConcept(emulator);
  expect((await listed(emulator)).results).toHaveLength(0);
  await emulator.advance(2_000);
  expect((await listed(emulator)).results).toHaveLength(1);
});
