/** What an owner that is gone left behind, and which of it this process can take up. */
import { Effect } from "effect";
import type { Claim } from "./claim.ts";
import type { Deployed } from "./job-host.ts";
import type { JournalStore, StoredJob, StoreFailure } from "../journal-store.ts";

/**
 * Which jobs a process runs. `any`: also those that wait in the store, those of dead owners, and resting
 * ones that somebody tells something. `own`: those submitted to it, told something by it, or given to it.
 * `none`: it begins none, and goes on with those it has.
 */
export type Intake = "any" | "own" | "none";

/** By `name@version`. */
type DeployedByKey = ReadonlyMap<string, Deployed>;

/** The job's pipeline in this process; undefined where this process does not run it. */
export const deployedOf = (deployed: DeployedByKey, { record }: StoredJob): Deployed | undefined =>
  deployed.get(`${record.pipeline}@${record.version}`);

/** Everything that dead owners left and this process can take up. Fails with: StoreFailure. */
export const claimsOnDead = Effect.fnUntraced(function* (
  self: string,
  store: JournalStore["Service"],
  byKey: DeployedByKey,
): Effect.fn.Return<ReadonlyArray<Claim>, StoreFailure> {
  const dead = yield* store.deadOwners(self);
  const left = yield* Effect.forEach(dead, (owner) => claimsOn(owner, store, byKey));
  return left.flat();
});

/** The claim on one job that nobody alive owns; none where somebody does. Fails with: StoreFailure. */
export const claimsOnJob = Effect.fnUntraced(function* (
  { owner, found: stored }: { readonly owner: string; readonly found: StoredJob },
  store: JournalStore["Service"],
  byKey: DeployedByKey,
): Effect.fn.Return<ReadonlyArray<Claim>, StoreFailure> {
  const deployed = deployedOf(byKey, stored);
  if (deployed === undefined) return [];
  if (stored.owner === null) return [{ stored, deployed, isTakeover: false, starts: true }];
  const dead = yield* store.deadOwners(owner);
  if (!dead.includes(stored.owner)) return [];
  const isTakeover = !(yield* store.hasLeft(stored.owner));
  return [{ stored, deployed, isTakeover, starts: true }];
});

/** One that went by itself was not killed by its jobs: taking them up is no step towards poison. */
const claimsOn = Effect.fnUntraced(function* (
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
