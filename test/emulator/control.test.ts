/** The control API as a test in any language uses it: HTTP and JSON, no token. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startEmulator, type Emulator } from "../../emulator/src/emulator.ts";
import {
  call,
  createConcept,
  eventually,
  finished,
  FLUX,
  getPrediction,
  instantEmulator,
  post,
  type WirePrediction,
} from "./emulator-client.ts";
import { stateDirectory } from "./state-directory.ts";
import { receiver } from "./webhook-receiver.ts";

async function control(emulator: Emulator, path: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${emulator.url}/emulator/${path}`, init);
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  return response.json();
}

/** An emulator whose predictions stay `processing`. */
async function holding(): Promise<Emulator> {
  const rule = {
    match: { operation: "create" },
    fault: { type: "outcome", outcome: { kind: "hang" } },
  } as const;
  return instantEmulator({ faults: [rule] });
}

describe("one prediction", () => {
  test.each([
    [{ status: "succeeded", output: ["a"], metrics: { predict_time: 2 } }, { output: ["a"] }],
    [
      { status: "failed", error: "E1001: OOM", logs: "traceback" },
      { error: "E1001: OOM", logs: "traceback" },
    ],
    [{ status: "canceled" }, { error: null }],
    [{ status: "aborted" }, { error: null }],
  ])("is settled as %o", async (ending, seen) => {
    const emulator = await holding();
    const { id } = await createConcept(emulator);
    const { status } = ending;
    expect(await control(emulator, `predictions/${id}/settle`, ending)).toMatchObject({ status });
    expect(await getPrediction(emulator, id)).toMatchObject({ status, ...seen });
    expect(emulator.ledger()).toMatchObject([{ status }]);
  });

  test("is told to its webhook when it is settled", async () => {
    const emulator = await holding();
    const { url, deliveries } = await receiver();
    const { id } = await createConcept(emulator, { webhook: url });
    await control(emulator, `predictions/${id}/settle`, { status: "succeeded", output: "x" });
    await eventually(() => deliveries.map(({ status }) => status)).toEqual(["succeeded"]);
    expect(await control(emulator, `webhooks?prediction=${id}`)).toMatchObject({
      deliveries: [{ predictionId: id, event: "completed", attempt: 1, outcome: "delivered" }],
    });
    expect(await control(emulator, "webhooks?prediction=other")).toEqual({ deliveries: [] });
  });

  test("is held while it boots, and does its model's work when it is released", async () => {
    const emulator = await instantEmulator({ bootMs: 60_000 });
    const { id } = await createConcept(emulator);
    await control(emulator, `predictions/${id}/hold`, {});
    await emulator.advance(600_000);
    expect((await getPrediction(emulator, id)).status).toBe("starting");
    await control(emulator, `predictions/${id}/release`, {});
    await emulator.advance(60_000);
    expect((await getPrediction(emulator, id)).status).toBe("succeeded");
  });

  test("can be planned to hang before it starts", async () => {
    const emulator = await instantEmulator();
    const rule = {
      match: { operation: "create" },
      fault: { type: "outcome", outcome: { kind: "hang", in: "starting" } },
    };
    await control(emulator, "plan", [rule]);
    const { id } = await createConcept(emulator);
    expect((await getPrediction(emulator, id)).status).toBe("starting");
    await control(emulator, `predictions/${id}/release`, {});
    expect((await finished(emulator, id)).status).toBe("succeeded");
  });

  test("that has ended stays as it is, and one that is not there is not found", async () => {
    const emulator = await instantEmulator();
    const { id } = await createConcept(emulator);
    const before = await finished(emulator, id);
    const bodies = { hold: {}, release: {}, settle: { status: "failed" }, write: { parts: [] } };
    for (const [verb, body] of Object.entries(bodies)) {
      expect((await post(emulator, `/emulator/predictions/${id}/${verb}`, body)).status).toBe(409);
      expect((await post(emulator, `/emulator/predictions/nope/${verb}`, body)).status).toBe(404);
    }
    expect(await getPrediction(emulator, id)).toEqual(before);
  });

  test.each([null, {}, { parts: "x" }, { parts: [1] }, { parts: [], more: 1 }])(
    "writes no %o",
    async (body) => {
      const emulator = await holding();
      const { id } = await createConcept(emulator);
      const refused = await post(emulator, `/emulator/predictions/${id}/write`, body);
      expect(refused.status).toBe(422);
      expect(await refused.json()).toMatchObject({ title: "Not an output" });
    },
  );

  test.each([
    [null, "an ending is an object with a status"],
    [{ status: "done" }, "status is one of succeeded, failed, canceled, aborted"],
    [{ status: "failed", error: 7 }, "error is a text"],
    [{ status: "failed", logs: [] }, "logs is a text"],
    [{ status: "succeeded", metrics: { a: "1" } }, "metrics is an object of numbers"],
    [{ status: "succeeded", outptu: 1 }, "unknown field outptu"],
  ])("is not settled as %o", async (ending, detail) => {
    const emulator = await holding();
    const { id } = await createConcept(emulator);
    const refused = await post(emulator, `/emulator/predictions/${id}/settle`, ending);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toEqual({ title: "Not an ending", detail, status: 422 });
  });
});

describe("time and credit", () => {
  test("the clock says how far it is ahead", async () => {
    const emulator = await instantEmulator({ now: () => Date.parse("2026-01-01T00:00:00Z") });
    expect(await control(emulator, "clock", { advanceMs: 3_600_000 })).toEqual({
      now: "2026-01-01T01:00:00.000Z",
      aheadMs: 3_600_000,
    });
    expect(await control(emulator, "clock")).toMatchObject({ aheadMs: 3_600_000 });
  });

  test.each([
    ["clock", { advanceMs: -1 }],
    ["clock", { advanceMs: 1e300 }],
    ["clock", { advanceMs: "1h" }],
    ["clock", {}],
    ["credit", {}],
    ["credit", { usd: "5" }],
    ["plan", { rules: [{}] }],
    ["plan", "no JSON"],
  ])("%s refuses %o and names what it wants", async (path, body) => {
    const response = await post(await instantEmulator(), `/emulator/${path}`, body);
    expect(response.status).toBe(422);
    expect(((await response.json()) as { readonly detail: string }).detail).toMatch(
      /advanceMs|usd|a (?:plan|rule) is/u,
    );
  });
});

describe("reset", () => {
  test("forgets everything but settings and secret, on disk too", async () => {
    const directory = await stateDirectory();
    const options = { stateDirectory: directory, models: "instant", listLagMs: 0 } as const;
    const emulator = await startEmulator({ ...options, creditUsd: 50 });
    const hang = {
      match: { operation: "create", nth: 2 },
      fault: { type: "outcome", outcome: { kind: "hang" } },
    };
    await control(emulator, "plan", [hang]);
    const made = await post(emulator, `/v1/models/${FLUX}/predictions`, { input: { prompt: "x" } });
    const { id } = (await made.json()) as WirePrediction;
    await finished(emulator, id);
    const hanging = await createConcept(emulator);
    await control(emulator, "clock", { advanceMs: 60_000 });
    const { webhookSecret } = emulator;
    expect(await control(emulator, "reset", {})).toEqual({ status: "reset" });
    for (const gone of [id, hanging.id])
      expect((await call(emulator, `/v1/predictions/${gone}`)).status).toBe(404);
    expect(await control(emulator, "ledger")).toMatchObject({ entries: [], totalUsd: 0 });
    expect(await control(emulator, "plan")).toEqual({ rules: [] });
    expect(await control(emulator, "credit")).toEqual({ usd: 50 });
    expect(await control(emulator, "clock")).toMatchObject({ aheadMs: 0 });
    expect(readFileSync(join(directory, "predictions.jsonl"), "utf8")).toBe("");
    expect(readdirSync(join(directory, "files"))).toEqual([]);
    expect(emulator.isIdle(0)).toBe(true);
    const kept = await finished(emulator, (await createConcept(emulator)).id);
    await emulator.stop();
    const next = await startEmulator(options);
    expect(next.webhookSecret).toBe(webhookSecret);
    expect(next.ledger().map((entry) => entry.id)).toEqual([kept.id]);
    await next.stop();
  });

  test("sends no webhook of what it forgot", async () => {
    const emulator = await instantEmulator();
    const { url, deliveries } = await receiver(500, 500, 500);
    const { id } = await createConcept(emulator, {
      webhook: url,
      webhook_events_filter: ["completed"],
    });
    await finished(emulator, id);
    await eventually(() => deliveries).toHaveLength(1);
    await control(emulator, "reset", {});
    await emulator.advance(600_000);
    expect(deliveries).toHaveLength(1);
    expect(await control(emulator, "webhooks")).toEqual({ deliveries: [] });
  });
});

test("a page of another origin controls nothing, one of this machine may", async () => {
  const emulator = await instantEmulator();
  const ask = (origin: string) =>
    fetch(`${emulator.url}/emulator/reset`, { method: "POST", headers: { origin } });
  expect((await ask("https://example.com")).status).toBe(403);
  expect((await ask("null")).status).toBe(403);
  expect((await ask("http://localhost:5173")).status).toBe(200);
});
