/** The journal store and the asset store as one process sees them: with crash points, faults, and rules watched. */
import { Effect } from "effect";
import { type JournalStore, StoreFailure } from "../../../src/runtime/journal-store.ts";
import {
  type MemoryJournals,
  MemoryJournalStore,
} from "../../../src/runtime/journal-stores/memory.ts";
import { type AssetStore, AssetStoreFailure } from "../../../src/steps/asset-store.ts";
import type { Mortal } from "./mortal.ts";
import type { Surroundings } from "./surroundings.ts";

export const breakableStore = (
  process: Mortal,
  { chance, faults, rules }: Pick<Surroundings, "chance" | "faults" | "rules">,
  journals: MemoryJournals,
): JournalStore["Service"] => {
  const store = MemoryJournalStore.make(journals);
  const alive = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.andThen(process.alive, effect);
  return {
    commit: (writes) =>
      Effect.gen(function* () {
        yield* process.passes("commit:before");
        // Now and then the disk takes its time.
        if (chance.isTrue(0.2)) yield* Effect.sleep(chance.between(1, 400));
        yield* process.alive;
        if (faults.next("commit") !== undefined) return yield* Effect.fail(diskFull);
        const check = rules.commit(process, writes);
        const results = yield* store.commit(writes);
        check(results);
        yield* process.passes("commit:after");
        return results;
      }),
    job: (jobId) => alive(store.job(jobId)),
    jobWithKey: (pipeline, key) => alive(store.jobWithKey(pipeline, key)),
    jobs: (filter) => alive(store.jobs(filter)),
    entries: (jobId) => alive(store.entries(jobId)),
    entry: (jobId, seq) => alive(store.entry(jobId, seq)),
    inbox: (jobId) => alive(store.inbox(jobId)),
    jobsWithInbox: (owner) => alive(store.jobsWithInbox(owner)),
    pending: (pipelines, limit) => alive(store.pending(pipelines, limit)),
    jobsOf: (owner) => alive(store.jobsOf(owner)),
    watchedJobs: (owner) => alive(store.watchedJobs(owner)),
    timersOf: (owner) => alive(store.timersOf(owner)),
    predictions: (jobId) => alive(store.predictions(jobId)),
    openPredictions: (owner) => alive(store.openPredictions(owner)),
    absentPredictions: (since) => alive(store.absentPredictions(since)),
    unansweredPredictions: (provider, inputHash) =>
      alive(store.unansweredPredictions(provider, inputHash)),
    knownPredictions: (provider, ids) => alive(store.knownPredictions(provider, ids)),
    prediction: (key) => alive(store.prediction(key)),
    spendingOf: (jobId, day) => alive(store.spendingOf(jobId, day)),
    spendingBy: (tenant, day) => alive(store.spendingBy(tenant, day)),
    spendingOn: (day, limit) => alive(store.spendingOn(day, limit)),
    reusable: (query) => alive(store.reusable(query)),
    rested: (query) => alive(store.rested(query)),
    content: (jobId) => alive(store.content(jobId)),
    freeAssets: (query) => alive(store.freeAssets(query)),
    heldAssets: (query) => alive(store.heldAssets(query)),
    leftovers: (after, limit) => alive(store.leftovers(after, limit)),
    unreadPayloads: (limit) => alive(store.unreadPayloads(limit)),
    scrub: alive(store.scrub),
    letters: (filter, page) => alive(store.letters(filter, page)),
    letter: (id) => alive(store.letter(id)),
    letterCauses: (filter, limit) => alive(store.letterCauses(filter, limit)),
    letterCount: (filter) => alive(store.letterCount(filter)),
    hints: (owner) => alive(store.hints(owner)),
    oldestPending: alive(store.oldestPending),
    oldestMessage: alive(store.oldestMessage),
    open: (owner, before) => alive(store.open(owner, before)),
    unfinished: (after, limit) => alive(store.unfinished(after, limit)),
    notifications: (filter) => alive(store.notifications(filter)),
    notification: (id) => alive(store.notification(id)),
    dueNotifications: (...asked) => alive(store.dueNotifications(...asked)),
    sendersTo: (subscriptions) => alive(store.sendersTo(subscriptions)),
    register: Effect.tap(alive(store.register), (owner) =>
      Effect.sync(() => {
        process.owner = owner;
      }),
    ),
    deadOwners: (self) => alive(store.deadOwners(self)),
    livingOwners: alive(store.livingOwners),
    hasLeft: (owner) => alive(store.hasLeft(owner)),
    changeCount: alive(store.changeCount),
  };
};

const diskFull = new StoreFailure({
  operation: "commit",
  reason: "Full",
  cause: new Error("planned by the simulation"),
});

export const breakableAssets = (
  process: Mortal,
  { faults }: Pick<Surroundings, "faults">,
  assets: AssetStore["Service"],
): AssetStore["Service"] => ({
  put: (stored) =>
    Effect.gen(function* () {
      yield* process.passes("put:before");
      if (faults.next("put") !== undefined) {
        const cause = new Error("planned by the simulation");
        return yield* new AssetStoreFailure({ operation: "put", cause });
      }
      const asset = yield* assets.put(stored);
      yield* process.passes("put:after");
      return asset;
    }),
  putStream: (streamed) => Effect.andThen(process.alive, assets.putStream(streamed)),
  open: (sha256) => Effect.andThen(process.alive, assets.open(sha256)),
  get: (sha256) => Effect.andThen(process.alive, assets.get(sha256)),
  touch: (sha256) => Effect.andThen(process.alive, assets.touch(sha256)),
  list: (page) => Effect.andThen(process.alive, assets.list(page)),
  remove: (removal) => Effect.andThen(process.alive, assets.remove(removal)),
});
