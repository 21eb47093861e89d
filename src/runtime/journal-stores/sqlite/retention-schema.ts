/**
 * The tables and columns that retention needs, and what older files get: the names of the assets that
 * their entries say. The names inside of payloads lie in the asset store, where no migration can look:
 * such payloads are noted, to be read before anything is taken away.
 */
import type { DatabaseSync } from "node:sqlite";
import { Schema } from "effect";
import { Fact } from "../../../machines/entry.ts";
import { assetNamesIn } from "../../../steps/asset-names.ts";
import type { NamedAsset } from "../../journal-retention.ts";
import { assetsNamedBy } from "../retention-rules.ts";

/*
 * The indices hang on columns that only the end of a job sets: an index on what every append changes would
 * cost each of them a third.
 */

/** The condition of a job at rest that is not erased; queries repeat it to use its index. */
export const restingJob = "rested_at IS NOT NULL AND erased_at IS NULL";

/** The condition of a job at rest whose raw answers were not taken away since it came to rest. */
export const jobWithRaw = `${restingJob} AND (raw_erased_at IS NULL OR raw_erased_at < rested_at)`;

/** The condition of an answer that may be used again. */
export const reusablePrediction = "state = 'settled' AND status = 'succeeded'";

export const retentionTables = `
   ALTER TABLE jobs ADD COLUMN rested_at INTEGER;
   ALTER TABLE jobs ADD COLUMN erased_at INTEGER;
   ALTER TABLE jobs ADD COLUMN raw_erased_at INTEGER;
   UPDATE jobs SET rested_at = updated_at WHERE released = 1;
   CREATE INDEX jobs_resting ON jobs (rested_at, job_id) WHERE ${restingJob};
   CREATE INDEX jobs_with_raw ON jobs (rested_at, job_id) WHERE ${jobWithRaw};

   CREATE TABLE asset_names (
     sha256 TEXT NOT NULL,
     job_id TEXT NOT NULL,
     raw INTEGER NOT NULL,
     payload INTEGER NOT NULL,
     early_at INTEGER,
     PRIMARY KEY (sha256, job_id, raw)
   ) WITHOUT ROWID;
   CREATE INDEX asset_names_by_job ON asset_names (job_id);
   CREATE INDEX asset_names_early ON asset_names (early_at) WHERE early_at IS NOT NULL;

   CREATE TABLE leftover_assets (
     sha256 TEXT PRIMARY KEY,
     rested_at INTEGER NOT NULL
   ) WITHOUT ROWID;

   CREATE TABLE unread_payloads (
     sha256 TEXT NOT NULL,
     job_id TEXT NOT NULL,
     raw INTEGER NOT NULL,
     PRIMARY KEY (sha256, job_id, raw)
   ) WITHOUT ROWID;

   CREATE INDEX predictions_by_input ON predictions (input_hash) WHERE ${reusablePrediction};
`;

/** An answer is looked for among its tenant's own: many tenants may ask the same. */
export const reusableByTenant = `
   ALTER TABLE predictions ADD COLUMN tenant TEXT;
   UPDATE predictions SET tenant = (SELECT tenant FROM jobs WHERE jobs.job_id = predictions.job_id)
     WHERE job_id IN (SELECT job_id FROM jobs WHERE tenant IS NOT NULL);
   DROP INDEX predictions_by_input;
   CREATE INDEX predictions_by_input ON predictions (input_hash, tenant, settled_at)
     WHERE ${reusablePrediction};
`;

export const insertName =
  "INSERT INTO asset_names (sha256, job_id, raw, payload, early_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

const decodeFact = Schema.decodeUnknownOption(Fact);
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown));

/** Gives a file from before names were kept the names that its entries and unread messages say. */
export const nameOldAssets = (db: DatabaseSync): void => {
  const write = { name: db.prepare(insertName), unread: db.prepare(insertUnread) };
  const add = (jobId: string, names: ReadonlyArray<NamedAsset>): void => {
    for (const { sha256, isRaw, isPayload } of names) {
      const raw = isRaw ? 1 : 0;
      write.name.run(sha256, jobId, raw, isPayload ? 1 : 0, null);
      if (isPayload) write.unread.run(sha256, jobId, raw);
    }
  };
  for (const { job_id: jobId, type, body } of db.prepare(oldEntries).iterate()) {
    const text = String(body);
    const json = decodeJson(text);
    const parsed = json._tag === "Some" && isObject(json.value) ? json.value : {};
    add(String(jobId), namesIn({ ...parsed, type }, text));
  }
  for (const { job_id: jobId, facts } of db.prepare(oldMessages).iterate()) {
    const text = String(facts);
    const json = decodeJson(text);
    const list: ReadonlyArray<unknown> =
      json._tag === "Some" && Array.isArray(json.value) ? json.value : [];
    for (const fact of list) add(String(jobId), namesIn(fact, text));
  }
};

const insertUnread =
  "INSERT INTO unread_payloads (sha256, job_id, raw) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
const oldEntries = "SELECT job_id, type, body FROM entries";
const oldMessages = "SELECT job_id, facts FROM inbox WHERE consumed = 0";

const isObject = (json: unknown): json is object => typeof json === "object" && json !== null;

/** What cannot be decoded any more names what it seems to name. */
const namesIn = (stored: unknown, text: string): ReadonlyArray<NamedAsset> => {
  const fact = decodeFact(stored);
  if (fact._tag === "Some") return assetsNamedBy(fact.value, text);
  return assetNamesIn(text).map((sha256) => ({ sha256, isRaw: false, isPayload: false }));
};
