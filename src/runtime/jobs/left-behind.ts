/** What an owner that is gone left behind, and which of it this process can take up. */
import { Effect } from "effect";
import type { Claim } from "./claim.ts";
import type { Deployed } from "./job-host.ts";
import type { JournalStore, StoredJob, StoreFailure } from "../journal-store.ts";

/** By `name@version`. */
type DeployedByKey = ReadonlyMap<string, Deployed>;

/** The job's pipeline in this process; undefined where this process does not run it. */
export const deployedOf = (deployed: DeployedByKey, { record }: StoredJob): Deployed | undefined =>
  deployed.get(`${record.pipeline}@${record.version}`);

/** One that went by itself was not killed by its jobs: taking them up is no step towards poison. */
export const claimsOn = Effect.fnUntraced(function* (
  dead: string,
  store: JournalStore["Service"],
  byKey: DeployedByKey,
): Effect.fn.Return<ReadonlyArray<Claim>, StoreFailure> {
  const isTakeover = !(yield* store.hasLeft(dead));
  const unfinished = yield* store.jobsOf(dead);
  // Those that rest already still have predictions whose end somebody must see.
  const watched = yield* store.watchedJobs(dead);
  return [...unfinished, ...watched].flatMap((stored) => {
    const deployed = deployedOf(byKey, stored);
    return deployed === undefined ? [] : [{ stored, deployed, isTakeover, starts: true }];
  });
});
