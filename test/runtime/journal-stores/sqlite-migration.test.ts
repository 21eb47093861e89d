/** A file of an earlier version is brought up to date when it is opened, and loses nothing. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "@effect/vitest";
import { Effect, Option } from "effect";
import { expect } from "vitest";
import {
  appendOf,
  createOf,
  predictionOf,
  settlementOf,
  startedAt,
} from "../../../src/runtime/journal-stores/conformance/samples.ts";
import { dayOf } from "../../../src/runtime/journal-stores/spending-rules.ts";
import { holdersTable } from "../../../src/runtime/journal-stores/sqlite/asset-holders.ts";
import { reusableByTenant } from "../../../src/runtime/journal-stores/sqlite/retention-schema.ts";
import { addSpending } from "../../../src/runtime/journal-stores/sqlite/spending-schema.ts";
import { makeRetention } from "../../../src/runtime/retention.ts";
import { retentionPolicy } from "../../../src/runtime/retention/policy.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { migrate, schemaVersion } from "../../../src/runtime/journal-stores/sqlite/schema.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const picture = "1".repeat(64);
const inPayload = "2".repeat(64);
const inMessage = "3".repeat(64);
const stray = "4".repeat(64);

interface Old {
  readonly path: string;
  readonly payload: string;
}

/** A file as version 1 wrote it: a complete job that names a picture and a large value, and one that waits. */
const makeOld = ({ path, payload }: Old) =>
  Effect.sync(() => {
    const db = new DatabaseSync(path);
    db.exec("PRAGMA journal_mode = WAL");
    migrate(db, 1);
    const job = db.prepare(
      `INSERT INTO jobs (job_id, seq, epoch, owner, released, status, attempt, cost_micros, created_at, updated_at,
         pipeline, version, fingerprint, idempotency_key, raw_reference, normalized_output, input_payload)
       VALUES (?, ?, 1, NULL, ?, ?, 0, 650, 5, 9, 'campaign', 1, 'f1', ?, NULL, ?, '{"json":"in"}')`,
    );
    job.run("a", 3, 1, "complete", "order-17", '{"json":"out"}');
    job.run("b", 1, 0, "processing", null, null);
    const entry = db.prepare(
      "INSERT INTO entries (job_id, seq, type, at, body) VALUES (?, ?, ?, 7, ?)",
    );
    const at = { v: 1, path: "paint", attempt: 1 };
    const submitted = { v: 1, pipeline: "campaign", version: 1, fingerprint: "f1" };
    const output = { json: { sha256: picture } };
    entry.run("a", 1, "JobSubmitted", JSON.stringify({ ...submitted, input: { json: "in" } }));
    entry.run("a", 2, "StepSucceeded", JSON.stringify({ ...at, output }));
    const large = { asset: payload, sizeBytes: 70_000 };
    entry.run("a", 3, "JobCompleted", JSON.stringify({ v: 1, output: large }));
    entry.run("b", 1, "JobSubmitted", JSON.stringify({ ...submitted, input: { json: "in" } }));
    const fact = { type: "StepSucceeded", ...at, output: { json: { sha256: inMessage } } };
    db.prepare("INSERT INTO inbox (id, job_id, at, facts) VALUES ('m', 'b', 1, ?)").run(
      JSON.stringify([fact]),
    );
    db.close();
  });

const oldFile = Effect.fnUntraced(function* () {
  const path = join(yield* temporaryFolder, "old.db");
  const assets = MemoryAssets.make();
  const bytes = new TextEncoder().encode(
    `{"image":{"sha256":"${inPayload}"},"pad":"${"x".repeat(70_000)}"}`,
  );
  const { sha256: payload } = yield* assets.put({ bytes, contentType: "application/json" });
  yield* makeOld({ path, payload });
  return { path, payload, assets };
});

describe("a SQLite file of version 1", () => {
  it.effect("opens, with its jobs as they were, and is of this version then", () =>
    Effect.gen(function* () {
      const { path } = yield* oldFile();
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      const job = Option.getOrThrow(yield* store.job("a"));
      expect(job).toMatchObject({
        idempotencyKey: "order-17",
        record: {
          status: "complete",
          costMicros: 650,
          erasedAt: null,
          normalizedOutput: { json: "out" },
        },
      });
      expect(yield* store.entries("a")).toHaveLength(3);
      const db = new DatabaseSync(path);
      expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: schemaVersion });
      db.close();
    }),
  );

  it.effect("has a letter for each job that lies failed, and none for the others", () =>
    Effect.gen(function* () {
      const { path } = yield* oldFile();
      const db = new DatabaseSync(path);
      db.exec(`UPDATE jobs SET status = 'failed', current_step = 'paint', failure_kind = 'timeout',
        error_message = 'The attempt took longer than 5 ms' WHERE job_id = 'a'`);
      db.close();
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      expect(yield* store.letters({}, { limit: 9 })).toMatchObject([
        {
          id: "a",
          pipeline: "campaign",
          step: "paint",
          kind: "timeout",
          message: null,
          reason: "The attempt took longer than 5 ms",
          deaths: 1,
          diedAt: 9,
        },
      ]);
    }),
  );

  it.effect("knows which assets its entries and unread messages name, and which jobs rest", () =>
    Effect.gen(function* () {
      const { path, payload } = yield* oldFile();
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      const sha256s = [picture, payload, inMessage, stray];
      expect([...(yield* store.freeAssets({ sha256s, asIf: null }))]).toEqual([stray]);
      expect(yield* store.unreadPayloads(9)).toEqual([
        { jobId: "a", sha256: payload, isRaw: false },
      ]);
      const rested = yield* store.rested({ before: 10, hasRaw: false, after: null, limit: 9 });
      expect(rested).toMatchObject([{ jobId: "a", restedAt: 9 }]);
    }),
  );

  it.effect("has its large values read for the names in them before anything is taken away", () =>
    Effect.gen(function* () {
      const { path, assets } = yield* oldFile();
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      const policy = retentionPolicy({ assets: "1 day" });
      const commit = (write: Parameters<typeof store.commit>[0][number]) =>
        Effect.map(store.commit([write]), ([result]) => result ?? { type: "Committed" as const });
      const retention = yield* makeRetention({ store, assets, commit, policy });
      yield* retention.prune({ dryRun: true });
      expect(yield* store.unreadPayloads(9)).toEqual([]);
      expect([...(yield* store.freeAssets({ sha256s: [inPayload, stray], asIf: null }))]).toEqual([
        stray,
      ]);
    }),
  );
});

describe("a SQLite file from before money was counted by the day", () => {
  it.effect("gets the sums of its ledger", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "uncounted.db");
      const day = dayOf(startedAt);
      const read = Effect.scoped(
        Effect.flatMap(SqliteJournalStore.make({ path, synchronous: "NORMAL" }), (store) =>
          store.spendingOn(day, 9),
        ),
      );
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
          const intend = (key: string, jobId: string) =>
            ({ type: "intend", row: predictionOf(key, jobId) }) as const;
          yield* store.commit([
            createOf("a", { epoch: 1, owner: "o", tenant: "acme" }),
            createOf("b", { epoch: 1, owner: "o" }),
            appendOf("a", 1, { ledger: [intend("k1", "a"), intend("k2", "a")] }),
            appendOf("b", 1, { ledger: [intend("k3", "b"), intend("k4", "b")] }),
            { ...settlementOf("k1", "a"), from: ["intended"] },
            {
              type: "ChangePrediction",
              key: "k3",
              from: ["intended"],
              change: { state: "absent" },
              inbox: null,
            },
          ]);
        }),
      );
      const sums = yield* read;
      expect(sums).toEqual([
        { tenant: null, reservedMicros: 1_300, spentMicros: 650 },
        { tenant: "acme", reservedMicros: 650, spentMicros: 650 },
      ]);
      const db = new DatabaseSync(path);
      db.exec("DROP TABLE spending");
      addSpending(db);
      db.close();
      expect(yield* read).toEqual(sums);
    }),
  );
});

describe("a SQLite file from before tenants held files", () => {
  it.effect("gives each tenant what its jobs named, and nobody what was named by others", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "unheld.db");
      const namesOf = (sha256: string, part = {}) => [
        { sha256, isRaw: false, isPayload: false, ...part },
      ];
      const name = { type: "NameAssets", at: startedAt } as const;
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
          yield* store.commit([
            createOf("a", { tenant: "acme" }),
            createOf("b"),
            { ...name, jobId: "a", names: namesOf(picture) },
            { ...name, jobId: "a", names: namesOf(inPayload, { isPayload: true }) },
            { ...name, jobId: "a", names: namesOf(inMessage, { isRaw: true }) },
            { ...name, jobId: "b", names: namesOf(stray) },
          ]);
        }),
      );
      const db = new DatabaseSync(path);
      db.exec("DROP TABLE asset_holders");
      db.exec(holdersTable);
      db.close();
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      const sha256s = [picture, inPayload, inMessage, stray];
      const held = (isUpload: boolean) => store.heldAssets({ tenant: "acme", sha256s, isUpload });
      expect([...(yield* held(false))]).toEqual([picture]);
      expect([...(yield* held(true))]).toEqual([]);
    }),
  );
});

describe("a SQLite file from before answers were reused within a tenant", () => {
  it.effect("finds each answer for the tenant of its job, and for no other", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryFolder, "untold.db");
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
          for (const [jobId, key, tenant] of [
            ["a", "k1", "acme"],
            ["b", "k2", null],
          ] as const)
            yield* store.commit([
              createOf(jobId, { epoch: 1, owner: "o", tenant }),
              appendOf(jobId, 1, { ledger: [{ type: "intend", row: predictionOf(key, jobId) }] }),
              { ...settlementOf(key, jobId), from: ["intended"] },
            ]);
        }),
      );
      const db = new DatabaseSync(path);
      db.exec("DROP INDEX predictions_by_input; ALTER TABLE predictions DROP COLUMN tenant");
      db.exec("CREATE INDEX predictions_by_input ON predictions (input_hash)");
      db.exec(reusableByTenant);
      db.close();
      const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
      const { provider, model, inputHash } = predictionOf("k1", "a");
      const query = { provider, model, inputHash, since: 0, notOf: "x" };
      const found = (tenant: string | null) =>
        Effect.map(store.reusable({ ...query, tenant }), (row) =>
          Option.getOrNull(Option.map(row, ({ key }) => key)),
        );
      const keys = [yield* found("acme"), yield* found(null), yield* found("brook")];
      expect(keys).toEqual(["k1", "k2", null]);
    }),
  );
});
