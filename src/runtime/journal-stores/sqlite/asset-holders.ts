/**
 * Which tenant holds which asset, as SQL. Older files know what each job named and no uploads: what the jobs
 * of a tenant named is the tenant's there.
 */
import type { ForgetHolders, HeldQuery, RecordUpload } from "../../journal-holdings.ts";
import type { NameAssets } from "../../journal-retention.ts";
import type { WriteResult } from "../../journal-store.ts";
import { committed } from "../write-rules.ts";
import type { Connection } from "./transaction.ts";

export const holdersTable = `
   CREATE TABLE asset_holders (
     sha256 TEXT NOT NULL,
     tenant TEXT NOT NULL,
     uploaded INTEGER NOT NULL,
     at INTEGER NOT NULL,
     PRIMARY KEY (sha256, tenant)
   ) WITHOUT ROWID;
   INSERT INTO asset_holders (sha256, tenant, uploaded, at)
     SELECT DISTINCT sha256, tenant, 0, 0 FROM asset_names JOIN jobs USING (job_id)
     WHERE tenant IS NOT NULL AND raw = 0 AND payload = 0;
`;

const insert = "INSERT INTO asset_holders (sha256, tenant, uploaded, at)";
const younger = `ON CONFLICT (sha256, tenant) DO UPDATE
  SET uploaded = max(uploaded, excluded.uploaded), at = max(at, excluded.at)`;

export const recordUpload = (
  { prepare }: Connection,
  { sha256, tenant, at }: RecordUpload,
): WriteResult => {
  prepare(`${insert} VALUES (?, ?, 1, ?) ${younger}`).run(sha256, tenant, at);
  return committed;
};

/** What the job was given or made is its tenant's, where the job is there and has one. */
export const holdOwn = ({ prepare }: Connection, { jobId, names, at }: NameAssets): void => {
  for (const { sha256, isOwn } of names)
    if (isOwn === true)
      prepare(
        `${insert} SELECT ?, tenant, 0, ? FROM jobs WHERE job_id = ? AND tenant IS NOT NULL ${younger}`,
      ).run(sha256, at, jobId);
};

export const forgetHolders = (
  { prepare }: Connection,
  { sha256s, before }: ForgetHolders,
): WriteResult => {
  for (const sha256 of sha256s)
    prepare("DELETE FROM asset_holders WHERE sha256 = ? AND at < ?").run(sha256, before);
  return committed;
};

export const readHeldAssets = (
  { prepare }: Connection,
  { tenant, sha256s, isUpload }: HeldQuery,
): ReadonlySet<string> =>
  new Set(
    prepare(
      `SELECT sha256 FROM json_each(?) AS asked CROSS JOIN asset_holders
       ON sha256 = asked.value AND tenant = ? AND uploaded >= ?`,
    )
      .all(JSON.stringify(sha256s), tenant, isUpload ? 1 : 0)
      .map(({ sha256 }) => String(sha256)),
  );
