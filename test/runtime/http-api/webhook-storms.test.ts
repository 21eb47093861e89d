/**
 * Reports of a provider that are forged, stale, replayed, out of order, twice, lost, too early or too late.
 *
 * The invariant: whatever reaches the webhook, each prediction is settled once, from what a look with our
 * own token showed, and nobody makes a second prediction.
 */
import { describe, expect, it, vi } from "vitest";
import type { FaultRule } from "../../../emulator/src/emulator.ts";
import { admin, ask, base, type Told } from "./support/api.ts";
import { type Reporting, signed, startReporting } from "./support/reporting-provider.ts";

const wait = { prefer: "wait=15" };
const submit = ({ catena }: Reporting, product: string, headers = {}) =>
  ask(catena, "/lines", { body: JSON.stringify(product), headers });
const look = ({ catena }: Reporting, { json }: Told, headers = {}) =>
  ask(catena, json.links.self, { headers });

const webhooks = (fault: FaultRule["fault"], nth?: ReadonlyArray<number>): FaultRule => ({
  match: { operation: "webhook", ...(nth === undefined ? {} : { nth }) },
  fault,
});
const lie = { status: "succeeded", output: ["a lie"] };

/** The prediction's key and id as the operator sees them, once it has an id. */
const predictionOf = async (around: Reporting, { json }: Told) => {
  const found = await vi.waitUntil(async () => {
    const { json: seen } = await ask(around.catena, `/jobs/${json.job_id}`);
    return seen.predictions[0]?.prediction_id != null && seen.predictions[0];
  });
  const key = around.emulator.ledger().find(({ id }) => id === found.prediction_id)?.key ?? "";
  return { key, id: String(found.prediction_id) };
};

/** What must hold at the end of every one of these tests. */
const expectHonest = async (around: Reporting, count: number) => {
  const ledger = around.emulator.ledger();
  expect(ledger).toHaveLength(count);
  expect(around.settlements()).toEqual(Array.from({ length: count }, () => 1));
  // Nobody settles what nobody has looked at.
  expect(ledger.filter(({ id }) => !around.looks.includes(id))).toEqual([]);
  const { json } = await ask(around.catena, "/jobs?limit=50");
  for (const { job_id } of json.jobs) {
    const { text } = await ask(around.catena, `/jobs/${job_id}/raw`);
    expect(text).not.toContain("a lie");
  }
};

describe("reports of a provider", () => {
  it("a job from POST over its report and its events to GET", async () => {
    await using around = await startReporting({ pollEvery: "10 minutes" });
    const told = await submit(around, "tea");
    const headers = { authorization: `Bearer ${admin.secret}` };
    const request = new Request(`${base}${told.json.links.events}`, { headers });
    const story = await (await around.catena.fetch(request)).text();
    const types = [...story.matchAll(/"type":"(\w+)"/g)].map(([, type]) => type);
    expect(types).toEqual([
      "JobSubmitted",
      "JobStarted",
      "StepStarted",
      "PredictionIntended",
      "StepSucceeded",
      "JobCompleted",
    ]);
    expect(story).toMatch(/event: end\ndata: \{"status":"complete"\}/);
    expect((await look(around, told)).json).toMatchObject({
      status: "complete",
      output: expect.any(String),
    });
    await expectHonest(around, 1);
  });

  it("forged or stale ones are refused, and nobody looks; the true one then settles", async () => {
    const faults = [webhooks({ type: "delayed-webhook", delayMs: 700 })];
    await using around = await startReporting({ pollEvery: "10 minutes", bootMs: 0, faults });
    const told = await submit(around, "tea");
    const { key, id } = await predictionOf(around, told);
    const address = `/webhooks/replicate?intent=${key}`;
    const body = JSON.stringify({ id, ...lie });
    const now = Date.now();
    const wrong = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
    const forged = signed(wrong, { address, body, at: now });
    const stale = signed(around.emulator.webhookSecret, { address, body, at: now - 360_000 });
    const changed = signed(around.emulator.webhookSecret, { address, body: "{}", at: now });
    expect(await around.send(forged)).toBe(401);
    expect(await around.send(stale)).toBe(401);
    expect(await around.send({ ...changed, body: Buffer.from(body) })).toBe(401);
    expect(around.received).toEqual([]);
    expect(around.looks).not.toContain(id);
    expect((await look(around, told, wait)).json.status).toBe("complete");
    await expectHonest(around, 1);
  });

  it("a true one sent to another job's address makes us look at that job, and settles nothing there", async () => {
    const faults: ReadonlyArray<FaultRule> = [
      {
        match: { operation: "create", nth: 2 },
        fault: { type: "outcome", outcome: { kind: "slow-boot", bootMs: 1_200 } },
      },
    ];
    await using around = await startReporting({ pollEvery: "10 minutes", faults });
    await submit(around, "one", wait);
    const reports = [...around.received];
    expect(reports).not.toEqual([]);
    const other = await submit(around, "two");
    const { key, id } = await predictionOf(around, other);
    const address = `/webhooks/replicate?intent=${key}`;
    for (const report of reports) expect(await around.send({ ...report, address })).toBe(204);
    await vi.waitUntil(() => around.looks.includes(id));
    expect((await look(around, other)).json.status).toBe("processing");
    expect((await look(around, other, wait)).json.status).toBe("complete");
    await expectHonest(around, 2);
  });

  it("a true one sent to another provider's address is not signed by that one", async () => {
    await using around = await startReporting({ pollEvery: "10 minutes", hasBackup: true });
    await submit(around, "tea", wait);
    const [report] = around.received;
    const address = report?.address.replace("/replicate", "/backup") ?? "";
    expect(address).toContain("/backup");
    for (const sent of around.received) expect(await around.send({ ...sent, address })).toBe(401);
    for (const sent of around.received)
      expect(await around.send({ ...sent, address: address.replace("/backup", "/nobody") })).toBe(
        404,
      );
    await expectHonest(around, 1);
  });

  it("one that another provider has signed for a job of this one settles nothing from what it says", async () => {
    const faults = [webhooks({ type: "delayed-webhook", delayMs: 700 })];
    await using around = await startReporting({ pollEvery: "10 minutes", hasBackup: true, faults });
    const told = await submit(around, "tea");
    const { key, id } = await predictionOf(around, told);
    const report = signed(around.backup?.webhookSecret ?? "", {
      address: `/webhooks/backup?intent=${key}`,
      body: JSON.stringify({ id, ...lie }),
      at: Date.now(),
    });
    expect(await around.send(report)).toBe(204);
    expect((await look(around, told, wait)).json.status).toBe("complete");
    await expectHonest(around, 1);
  });

  it("out of order, twice and lost ones cost time at most", async () => {
    const faults = [
      webhooks({ type: "dropped-webhook" }, [1, 5, 9]),
      webhooks({ type: "duplicated-webhook" }, [2, 6, 10]),
      webhooks({ type: "delayed-webhook", delayMs: 400 }, [3, 7, 11]),
    ];
    await using around = await startReporting({ pollEvery: "20 millis", faults });
    const told = await Promise.all(
      Array.from({ length: 12 }, (_, at) => submit(around, `product ${at}`, wait)),
    );
    expect(told.map(({ json }) => json.status)).toEqual(told.map(() => "complete"));
    await expectHonest(around, 12);
  });

  it("out of order and twice, they are enough without any look of our own", async () => {
    const faults = [
      webhooks({ type: "duplicated-webhook" }, [1, 3, 5]),
      webhooks({ type: "delayed-webhook", delayMs: 400 }, [2, 4, 6]),
    ];
    await using around = await startReporting({ pollEvery: "10 minutes", faults });
    const told = await Promise.all(
      Array.from({ length: 6 }, (_, at) => submit(around, `product ${at}`, wait)),
    );
    expect(told.map(({ json }) => json.status)).toEqual(told.map(() => "complete"));
    await expectHonest(around, 6);
  });

  it("one that overtakes the answer of the create is answered 2xx and breaks nothing", async () => {
    const faults: ReadonlyArray<FaultRule> = [
      { match: { operation: "create" }, fault: { type: "slow-answer", delayMs: 400 } },
    ];
    await using around = await startReporting({ pollEvery: "20 millis", bootMs: 0, faults });
    const told = await submit(around, "tea");
    await vi.waitUntil(() => around.received.length > 0);
    const { json } = await ask(around.catena, `/jobs/${told.json.job_id}`);
    expect(json.predictions[0]).toMatchObject({ prediction_id: null });
    expect((await look(around, told, wait)).json.status).toBe("complete");
    expect(around.emulator.deliveries().filter(({ outcome }) => outcome !== "delivered")).toEqual(
      [],
    );
    await expectHonest(around, 1);
  });

  it("late ones, after the settlement and after the erasure, are answered 2xx and change nothing", async () => {
    await using around = await startReporting({ pollEvery: "10 minutes" });
    const told = await submit(around, "tea", wait);
    const again = async () => {
      for (const report of around.received) expect(await around.send(report)).toBe(204);
    };
    await again();
    const settled = await look(around, told);
    expect(settled.json).toEqual(told.json);
    await ask(around.catena, told.json.links.self, { method: "DELETE" });
    const erased = await look(around, told);
    expect(erased.json.erased_at).toEqual(expect.any(String));
    await again();
    expect((await look(around, told)).json).toEqual(erased.json);
    await expectHonest(around, 1);
  });
});
