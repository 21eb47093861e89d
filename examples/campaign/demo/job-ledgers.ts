/** Both books of one job, ours from the store and the provider's own, for whoever wants to see them. */
import type { Catena, Job, StateRecord } from "../../../src/index.ts";
import { campaignAssets } from "../campaign.ts";
import { compare, ledgerTable, verdict } from "./emulator-ledger.ts";
import type { DemoProvider } from "./provider.ts";

export interface LedgerView {
  readonly provider: DemoProvider;
  readonly isTable: boolean;
}

/** Both books for this job: the verdict, and after a resume the rows as well. */
export const ledgerLines = async (
  catena: Catena,
  job: Pick<Job<unknown>, "state">,
  { provider, isTable }: LedgerView,
): Promise<ReadonlyArray<string>> => {
  if (provider.ledger === null) return [];
  const { record, predictions } = await job.state();
  const ofOthers = await predictionsSince(catena, record);
  const made = await provider.ledger().catch(() => null);
  if (made === null) return ["", "The emulator's ledger cannot be read: it is gone since."];
  const theirs = made.filter(
    ({ id, createdAt }) => Date.parse(createdAt) >= record.createdAt && !ofOthers.has(id),
  );
  const books = { ours: predictions, theirs };
  return ["", ...(isTable ? ledgerTable(books) : []), verdict(compare(books))];
};

/** What other jobs of this store may have made while the job ran. */
const predictionsSince = async (
  catena: Catena,
  { jobId, createdAt }: StateRecord,
): Promise<ReadonlySet<string | null>> => {
  const records = await catena.jobs({ limit: 1_000 });
  const others = records.filter((other) => other.jobId !== jobId && other.updatedAt >= createdAt);
  const jobs = await Promise.all(others.map((other) => catena.job(campaignAssets, other.jobId)));
  const states = await Promise.all(jobs.map((other) => other.state()));
  return new Set(states.flatMap(({ predictions }) => predictions.map((row) => row.predictionId)));
};
