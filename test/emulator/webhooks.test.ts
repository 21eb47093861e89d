/** Webhooks: signed, terminal ones sent again, others never, and lost or doubled when a fault plan says so. */
import { createServer } from "node:http";
import { validateWebhook } from "replicate";
import { expect, onTestFinished, test } from "vitest";
import {
  clientOf,
  createConcept,
  finished,
  instantEmulator,
  eventually,
} from "./emulator-client.ts";

interface Delivery {
  readonly status: string;
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
}

interface Receiver {
  readonly url: string;
  readonly deliveries: readonly Delivery[];
}

/** A receiver that answers with the given statuses in turn, then 200. */
async function receiver(...answers: readonly number[]): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString("utf8");
      const header = (name: string): string => String(request.headers[`webhook-${name}`]);
      const { status } = JSON.parse(body) as { readonly status: string };
      const [id, timestamp, signature] = [header("id"), header("timestamp"), header("signature")];
      deliveries.push({ status, id, timestamp, signature, body });
      response.writeHead(answers[deliveries.length - 1] ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/hook?key=k1`, deliveries };
}

test("start and completed arrive when asked for, signed with the account's secret", async () => {
  const emulator = await instantEmulator();
  const { url, deliveries } = await receiver();
  await createConcept(emulator, { webhook: url, webhook_events_filter: ["start", "completed"] });
  await eventually(() => deliveries.map(({ status }) => status).toSorted()).toEqual([
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
