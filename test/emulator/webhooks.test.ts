/** Webhooks: signed, terminal ones sent again, others never, and lost, doubled or late when a fault plan says so. */
import { validateWebhook } from "replicate";
import { expect, test } from "vitest";
import {
  call,
  clientOf,
  createConcept,
  eventually,
  finished,
  FLUX,
  instantEmulator,
  post,
} from "./emulator-client.ts";
import { receiver } from "./webhook-receiver.ts";

test("start and completed arrive when asked for, signed with the account's secret", async () => {
  const emulator = await instantEmulator();
  const { url, deliveries } = await receiver();
  await createConcept(emulator, { webhook: url, webhook_events_filter: ["start", "completed"] });
  await eventually(() => deliveries.map(({ status }) => status)).toEqual([
    "processing",
    "succeeded",
  ]);
  const { key } = await clientOf(emulator).webhooks.default.secret.get();
  for (const delivery of deliveries) {
    expect(await validateWebhook({ ...delivery, secret: key })).toBe(true);
  }
});

test("a terminal webhook is sent again under the same id until it is answered with success", async () => {
  const emulator = await instantEmulator({ webhookRetryDelaysMs: [1, 1, 1] });
  const { url, deliveries } = await receiver(500, 404);
  await createConcept(emulator, { webhook: url, webhook_events_filter: ["completed"] });
  await eventually(() => deliveries).toHaveLength(3);
  expect(new Set(deliveries.map(({ id }) => id)).size).toBe(1);
});

test("a start webhook that failed is never sent again", async () => {
  const emulator = await instantEmulator({ webhookRetryDelaysMs: [1] });
  const { url, deliveries } = await receiver(500);
  const { id } = await createConcept(emulator, { webhook: url, webhook_events_filter: ["start"] });
  await eventually(() => deliveries).toHaveLength(1);
  await finished(emulator, id);
  const later = await receiver();
  await createConcept(emulator, { webhook: later.url, webhook_events_filter: ["completed"] });
  await eventually(() => later.deliveries).toHaveLength(1);
  expect(deliveries).toHaveLength(1);
});

test("a fault plan drops one delivery and doubles another", async () => {
  const emulator = await instantEmulator({
    faults: [
      { match: { operation: "webhook", nth: 1 }, fault: { type: "dropped-webhook" } },
      { match: { operation: "webhook", nth: 2 }, fault: { type: "duplicated-webhook" } },
    ],
  });
  const dropped = await receiver();
  const lost = await createConcept(emulator, {
    webhook: dropped.url,
    webhook_events_filter: ["completed"],
  });
  await finished(emulator, lost.id);
  const doubled = await receiver();
  await createConcept(emulator, {
    webhook: doubled.url,
    webhook_events_filter: ["completed"],
  });
  await eventually(() => doubled.deliveries).toHaveLength(2);
  expect(dropped.deliveries).toHaveLength(0);
});

test("a request that names no events gets outputs and the end, one that names all gets each", async () => {
  const emulator = await instantEmulator();
  const eventsOf = async (filter: readonly string[] | undefined): Promise<readonly string[]> => {
    const { url } = await receiver();
    const body = { webhook: url, ...(filter && { webhook_events_filter: filter }) };
    const { id } = await createConcept(emulator, body);
    const sent = () => emulator.deliveries().filter(({ predictionId }) => predictionId === id);
    await eventually(() => sent().map(({ event }) => event)).toContain("completed");
    return sent().map(({ event }) => event);
  };
  expect(await eventsOf(undefined)).toEqual(["output", "completed"]);
  // Outputs and logs share one interval of 500 ms: what came within it is left out.
  expect(await eventsOf(["start", "output", "logs", "completed"])).toEqual([
    "start",
    "logs",
    "completed",
  ]);
});

test("outputs are told every 500 ms at most", async () => {
  const emulator = await instantEmulator({ bootMs: 60_000 });
  const { url, deliveries } = await receiver();
  const request = { input: { prompt: "x" }, webhook: url, webhook_events_filter: ["output"] };
  await post(emulator, `/v1/models/${FLUX}/predictions`, request);
  await emulator.advance(60_000);
  expect(deliveries.map(({ status }) => status)).toEqual(["processing"]);
  expect(JSON.parse(deliveries[0]?.body ?? "")).toMatchObject({
    output: [expect.stringContaining("/delivery/")],
  });
});

test("a receiver that is never content is tried six times, the last about a minute after the end", async () => {
  const emulator = await instantEmulator();
  const { url, deliveries } = await receiver(...Array.from({ length: 20 }, () => 500));
  const { id } = await createConcept(emulator, {
    webhook: url,
    webhook_events_filter: ["completed"],
  });
  await finished(emulator, id);
  await emulator.advance(600_000);
  expect(new Set(deliveries.map((delivery) => delivery.id)).size).toBe(1);
  const sent = emulator.deliveries();
  expect(sent.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual(
    [1, 2, 3, 4, 5, 6].map((attempt) => `${attempt} refused`),
  );
  const [first, last] = [sent[0], sent.at(-1)].map((one) => Date.parse(one?.sentAt ?? ""));
  expect(Math.round(((last ?? 0) - (first ?? 0)) / 1_000)).toBe(60);
});

test("a redirect is not followed, and not tried again", async () => {
  const emulator = await instantEmulator();
  const { url, deliveries } = await receiver(301);
  const { id } = await createConcept(emulator, {
    webhook: url,
    webhook_events_filter: ["completed"],
  });
  await finished(emulator, id);
  await emulator.advance(600_000);
  expect(deliveries).toHaveLength(1);
  expect(emulator.deliveries()).toMatchObject([{ httpStatus: 301, outcome: "redirected" }]);
});

test("nobody listening is tried again, and the log tells of each try", async () => {
  const emulator = await instantEmulator();
  const webhook = "http://127.0.0.1:1/hook";
  const { id } = await createConcept(emulator, { webhook, webhook_events_filter: ["completed"] });
  await finished(emulator, id);
  await emulator.advance(600_000);
  expect(emulator.deliveries().map(({ outcome }) => outcome)).toEqual(Array(6).fill("failed"));
});

test("a held back start arrives after the end", async () => {
  const emulator = await instantEmulator({
    faults: [
      {
        match: { operation: "webhook", nth: 1 },
        fault: { type: "delayed-webhook", delayMs: 60_000 },
      },
    ],
  });
  const { url, deliveries } = await receiver();
  await createConcept(emulator, { webhook: url, webhook_events_filter: ["start", "completed"] });
  await eventually(() => deliveries).toHaveLength(1);
  await emulator.advance(60_000);
  expect(deliveries.map(({ status }) => status)).toEqual(["succeeded", "processing"]);
});

test("the body is the prediction as a look gives it, byte for byte", async () => {
  const emulator = await instantEmulator();
  const { url, deliveries } = await receiver();
  const request = { webhook: url, webhook_events_filter: ["completed"] };
  const { id } = await createConcept(emulator, {
    input: { prompt: "Product: <Lamp>" },
    ...request,
  });
  await eventually(() => deliveries).toHaveLength(1);
  const response = await call(emulator, `/v1/predictions/${id}`);
  expect(deliveries[0]?.body).toBe(await response.text());
});

test("the clock of a signature is the receiver's, however far the emulator's was moved", async () => {
  const emulator = await instantEmulator();
  await emulator.advance(86_400_000);
  const { url, deliveries } = await receiver();
  await createConcept(emulator, { webhook: url, webhook_events_filter: ["completed"] });
  await eventually(() => deliveries).toHaveLength(1);
  const ageSeconds = Date.now() / 1_000 - Number(deliveries[0]?.timestamp);
  expect(Math.abs(ageSeconds)).toBeLessThan(60);
});
