/**
 * `catena.stop({ within })` while forty jobs are under way over HTTP: predictions open, creates unanswered,
 * callers waiting, an event stream read.
 *
 * The invariant: by the deadline everything is let go, the next start takes every job up where it stood, all
 * complete, and each model step of each job was paid for once.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { Effect } from "effect";
import { type Emulator, type FaultRule, startEmulator } from "../../emulator/src/emulator.ts";
import { Catena, newApiKey, Replicate } from "../../src/index.ts";
import { SqliteJournalStore } from "../../src/runtime/journal-stores/sqlite.ts";
import { chain, paidSteps } from "./real/chain.ts";
import { readJobs, stockViolations } from "./real/siege.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-stopped-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const jobs = 40;
const withinMs = 300;
/** What a busy machine may add. */
const slackMs = 2_000;

/** Pictures are painted when the test says so, and some answers come long after the deadline. */
const faults: ReadonlyArray<FaultRule> = [
  {
    match: { operation: "create", model: "black-forest-labs/flux-schnell" },
    fault: { type: "outcome", outcome: { kind: "hang" } },
  },
  {
    match: { operation: "create", model: "meta/meta-llama-3-8b-instruct", nth: [3, 17, 29] },
    fault: { type: "slow-answer", delayMs: 60_000 },
  },
];

const { secret, sha256 } = newApiKey();
const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };

const startOn = (store: string, { url }: Emulator) =>
  Catena.start({
    pipelines: [chain],
    store,
    models: Replicate.client({
      token: "r8_test",
      baseUrl: `${url}/v1`,
      allowOwnOriginDownloads: true,
      allowInsecureDownloads: true,
    }),
    orphanGrace: "2 seconds",
    pollEvery: "50 millis",
    lookEvery: "50 millis",
    rate: { createsPerMinute: 60_000, burst: 1_000 },
    http: { keys: [{ id: "all", sha256, scopes: ["submit", "read"] }], requestsPerMinute: 100_000 },
  });

/** An address that stays, whichever Catena answers there. */
const openAddress = async () => {
  const late: { listener?: RequestListener } = {};
  const server = createServer((req, res) => late.listener?.(req, res)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    late,
    // It listens on a port: only a pipe's address is text.
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};

const openIds = ({ ledger }: Emulator): ReadonlyArray<string> =>
  ledger().flatMap(({ id, completedAt }) => (completedAt === undefined ? [id] : []));

/** Lets what hangs do its work; what is made from now on does it at once. */
const release = async (emulator: Emulator): Promise<void> => {
  emulator.plan([]);
  for (const id of openIds(emulator))
    await fetch(`${emulator.url}/emulator/predictions/${id}/release`, { method: "POST" });
};

it("lets everything go by the deadline; the next start finishes it and pays for nothing again", async () => {
  const store = join(folder, "catena.db");
  await using emulator = await startEmulator({ models: "instant", listLagMs: 300, faults });
  await using address = await openAddress();
  const first = await startOn(store, emulator);
  address.late.listener = first.handler;
  const submitted = await Promise.all(
    Array.from({ length: jobs }, async (_, at) => {
      const body = JSON.stringify({ product: `product ${at - (at % 3 === 2 ? 1 : 0)}` });
      const told = await fetch(`${address.url}/killed-chain`, { method: "POST", headers, body });
      expect(told.status).toBe(202);
      return told.headers.get("location") ?? "";
    }),
  );
  const [watched = "", waited = ""] = submitted;
  const story = await fetch(`${address.url}${watched}/events`, { headers });
  const told = story.text();
  const waiting = fetch(`${address.url}${waited}`, { headers: { ...headers, prefer: "wait=30" } });
  await vi.waitUntil(() => openIds(emulator).length >= jobs - 3, { timeout: 60_000, interval: 10 });

  const from = performance.now();
  await first.stop({ within: withinMs });
  expect(performance.now() - from).toBeLessThan(withinMs + slackMs);
  expect(await told).not.toContain("event: end");
  expect((await waiting).status).toBe(503);
  expect((await fetch(`${address.url}${watched}`, { headers })).status).toBe(503);

  const second = await startOn(store, emulator);
  address.late.listener = second.handler;
  expect(second.recovered).toBe(jobs);
  await release(emulator);
  const ends = await Promise.all(
    submitted.map((self) =>
      fetch(`${address.url}${self}`, { headers: { ...headers, prefer: "wait=30" } }).then(
        (response) => response.text(),
      ),
    ),
  );
  expect(ends.filter((text) => !text.includes('"status":"complete"'))).toEqual([]);
  await second.stop();

  const read = Effect.flatMap(
    SqliteJournalStore.make({ path: store, synchronous: "NORMAL" }),
    (opened) => Effect.promise(() => readJobs(opened, jobs)),
  );
  const stock = { jobs: await Effect.runPromise(Effect.scoped(read)), ledger: emulator.ledger() };
  expect(stockViolations({ ...stock, poisoned: 0, complaints: [] })).toEqual([]);
  expect(stock.ledger).toHaveLength(jobs * paidSteps);
  expect(stock.ledger.filter(({ duplicateOf }) => duplicateOf !== undefined)).toEqual([]);
}, 120_000);
