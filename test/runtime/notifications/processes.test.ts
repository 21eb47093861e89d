/**
 * Notifications of real processes over one SQLite file: each is sent by one of them, and what a killed one
 * had sent but not marked, or not sent yet, is sent by another under the same id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, it } from "@effect/vitest";
import { Effect } from "effect";
import { expect } from "vitest";
import { Notify } from "../../../src/index.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { temporaryFolder } from "../journal-stores/temporary-folder.ts";
import { openReceiver, type Receiver, taken } from "../notification-channels/webhook-receiver.ts";
import type { SenderOrder } from "./sender-process.ts";

const script = fileURLToPath(new URL("sender-process.ts", import.meta.url));
const secret = `whsec_${Buffer.from("s".repeat(32)).toString("base64")}`;

const gone = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
};

/** A process whose jobs are durable. */
const sender = (order: Omit<typeof SenderOrder.Type, "secret">) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, [script, JSON.stringify({ ...order, secret })], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(createInterface(child.stdout), "line");
      return child;
    }),
    (child) => Effect.promise(() => gone(child)),
  );

const place = Effect.gen(function* () {
  const receiver = yield* Effect.acquireRelease(
    Effect.promise(() => openReceiver()),
    (open) => Effect.promise(() => open[Symbol.asyncDispose]()),
  );
  return { receiver, store: join(yield* temporaryFolder, "catena.db") };
});

const limitMs = 30_000;

/** Looks, in real time, until so many posts have come. */
const arrived = ({ posts }: Receiver, count: number) =>
  Effect.promise(async () => {
    const endsAt = Date.now() + limitMs;
    while (posts.length < count && Date.now() < endsAt)
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    expect(posts.length).toBeGreaterThanOrEqual(count);
  });

const idsIn = ({ posts }: Receiver): ReadonlyArray<string> =>
  posts.map(({ headers }) => String(headers["webhook-id"]));

describe("notifications of processes over one file", () => {
  it.live("are sent once each while nobody dies", () =>
    Effect.gen(function* () {
      const { receiver, store } = yield* place;
      const order = { store, url: receiver.url, jobs: 40 };
      yield* Effect.all([sender(order), sender(order)], { concurrency: "unbounded" });
      yield* arrived(receiver, 80);
      expect(new Set(idsIn(receiver)).size).toBe(80);
      for (const { headers, body } of receiver.posts)
        expect(Notify.isSigned({ headers, body, secret })).toBe(true);
      const journals = yield* SqliteJournalStore.make({ path: store });
      const undelivered = yield* journals.notifications({ state: "due" });
      expect(undelivered.length).toBeLessThanOrEqual(16);
      expect(receiver.posts).toHaveLength(80);
    }),
  );

  it.live(
    "that a killed one had sent but not marked are sent again, under the same id and body",
    () =>
      Effect.gen(function* () {
        const { receiver, store } = yield* place;
        // Read, and never answered: the process dies while it waits.
        receiver.answer(() => undefined);
        const order = { store, url: receiver.url, jobs: 1 };
        const killed = yield* sender(order);
        yield* arrived(receiver, 1);
        yield* Effect.promise(() => gone(killed));
        receiver.answer(taken);
        yield* sender({ ...order, jobs: 0 });
        yield* arrived(receiver, 2);
        const [before, after] = receiver.posts;
        expect(after?.headers["webhook-id"]).toBe(before?.headers["webhook-id"]);
        expect(after?.body).toBe(before?.body);
      }),
  );

  it.live("that a killed one had not sent yet are taken over by a neighbour that lives", () =>
    Effect.gen(function* () {
      const { receiver, store } = yield* place;
      receiver.answer(() => undefined);
      const order = { store, url: receiver.url, jobs: 20 };
      yield* sender({ ...order, jobs: 0 });
      const killed = yield* sender(order);
      yield* arrived(receiver, 8);
      receiver.answer(taken);
      yield* Effect.promise(() => gone(killed));
      const seen = receiver.posts.length;
      yield* arrived(receiver, seen + 20);
      expect(new Set(idsIn(receiver).slice(seen)).size).toBe(20);
    }),
  );
});
