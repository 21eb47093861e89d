/** Guarantees about owners: releasing, dying, taking over, and hearing of one another. */
import { Effect, Exit, Option, Scope } from "effect";
import { commitAll, expectEqual, expectResults, idsOf } from "./case.ts";
import type { CaseBody, Store } from "./case.ts";
import {
  appendOf,
  createOf,
  ownedOf,
  predictionOf,
  recordOf,
  releaseOf,
  settlementOf,
  stepEntry,
} from "./samples.ts";

const ownerOf = (store: Store, jobId: string) =>
  Effect.map(store.job(jobId), (job) => Option.getOrUndefined(job)?.owner);

const acceptedAtOnce = [
  { type: "intend" as const, row: predictionOf("k1", "a") },
  { type: "accept" as const, key: "k1", predictionId: "id of k1" },
];

export const ownerCases: ReadonlyArray<CaseBody> = [
  {
    name: "an owner lives until its scope closes and then has left, one that never was has not",
    run: Effect.fnUntraced(function* ({ open }) {
      const [store, other] = [yield* open, yield* open];
      const scope = yield* Scope.make();
      const owner = yield* Effect.provideService(store.register, Scope.Scope, scope);
      yield* commitAll(store, createOf("a", { owner, epoch: 1 }));
      yield* expectEqual("alive", yield* other.hasLeft(owner), false);
      yield* expectEqual("living", yield* other.livingOwners, [owner]);
      yield* Scope.close(scope, Exit.void);
      yield* expectEqual("left", yield* other.hasLeft(owner), true);
      yield* expectEqual("living after", yield* other.livingOwners, []);
      yield* expectEqual("unknown", yield* other.hasLeft("nobody"), false);
    }),
  },
  {
    name: "a released job loses its owner at once where no prediction is open",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), ownedOf("b"));
      yield* expectEqual("unreleased", idsOf(yield* store.jobsOf("o")), ["a", "b"]);
      yield* commitAll(store, releaseOf("a", 1));
      yield* expectEqual("after", idsOf(yield* store.jobsOf("o")), ["b"]);
      yield* expectEqual("owner", yield* ownerOf(store, "a"), null);
      yield* expectEqual("watched", yield* store.watchedJobs("o"), []);
    }),
  },
  {
    name: "a released job keeps its owner until its last prediction is closed",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      yield* commitAll(store, releaseOf("a", 1, { ledger: acceptedAtOnce }));
      yield* expectEqual("unreleased", yield* store.jobsOf("o"), []);
      yield* expectEqual("watched", idsOf(yield* store.watchedJobs("o")), ["a"]);
      yield* expectEqual("open", (yield* store.openPredictions("o")).length, 1);
      yield* expectEqual("of another", yield* store.openPredictions("p"), []);
      yield* commitAll(store, settlementOf("k1", "a"));
      yield* expectEqual("owner", yield* ownerOf(store, "a"), null);
      yield* expectEqual("message of nobody's job", yield* store.jobsWithInbox(null), ["a"]);
    }),
  },
  {
    name: "a takeover claims by epoch and fences the owner before",
    run: Effect.fnUntraced(function* ({ open }) {
      const [old, young] = [yield* open, yield* open];
      yield* commitAll(old, ownedOf("a"));
      const claim = { owner: "p", epoch: 2 };
      const claimed = { type: "Claimed" as const, isTakeover: true, ...claim, seq: 2, at: 0 };
      yield* commitAll(young, appendOf("a", 1, { entries: [claimed], claim }));
      yield* expectResults(
        old,
        [appendOf("a", 1), appendOf("a", 2)],
        ["Conflict over Job", "Conflict over Job"],
      );
      yield* commitAll(young, appendOf("a", 2, { epoch: 2 }));
      const job = Option.getOrUndefined(yield* old.job("a"));
      yield* expectEqual("row", [job?.owner, job?.epoch, job?.seq], ["p", 2, 3]);
      yield* expectEqual("entries", (yield* old.entries("a")).slice(1), [claimed, stepEntry(3)]);
      yield* expectEqual("of the old", yield* old.jobsOf("o"), []);
    }),
  },
  {
    name: "a watched job is claimed without an entry, a rested one opened again",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      yield* commitAll(store, releaseOf("a", 1, { ledger: acceptedAtOnce }));
      yield* commitAll(store, releaseOf("a", 2, { entries: [], claim: { owner: "p", epoch: 2 } }));
      yield* expectEqual("watched", idsOf(yield* store.watchedJobs("p")), ["a"]);
      yield* expectEqual("open", (yield* store.openPredictions("p")).length, 1);
      yield* commitAll(store, appendOf("a", 2, { epoch: 2, claim: { owner: "q", epoch: 3 } }));
      yield* expectEqual("unreleased", idsOf(yield* store.jobsOf("q")), ["a"]);
    }),
  },
  {
    name: "an owner is dead once its scope has closed, and only while it has jobs",
    run: Effect.fnUntraced(function* ({ open }) {
      const [store, other] = [yield* open, yield* open];
      const life = yield* Scope.make();
      const mortal = yield* Scope.provide(store.register, life);
      const self = yield* other.register;
      yield* expectEqual("ids differ", mortal === self, false);
      yield* commitAll(
        store,
        createOf("a", { epoch: 1, owner: mortal }),
        createOf("b", { epoch: 1, owner: self }),
      );
      yield* expectEqual("alive", yield* other.deadOwners(self), []);
      yield* expectEqual("alive after a look", yield* other.deadOwners(self), []);
      yield* Scope.close(life, Exit.void);
      yield* expectEqual("dead", yield* other.deadOwners(self), [mortal]);
      yield* expectEqual("asked again", yield* other.deadOwners(self), [mortal]);
      const claim = { owner: self, epoch: 2 };
      yield* commitAll(
        other,
        appendOf("a", 1, { claim, record: recordOf("a", { status: "processing" }) }),
      );
      yield* expectEqual("nothing left", yield* other.deadOwners(self), []);
    }),
  },
  {
    name: "a dead owner whose released job is still watched is told",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const mortal = yield* Effect.scoped(
        Effect.tap(store.register, (owner) => commitAll(store, createOf("a", { epoch: 1, owner }))),
      );
      yield* commitAll(store, releaseOf("a", 1, { ledger: acceptedAtOnce }));
      yield* expectEqual("dead", yield* store.deadOwners("nobody"), [mortal]);
      yield* commitAll(store, settlementOf("k1", "a"));
      yield* expectEqual("settled", yield* store.deadOwners("nobody"), []);
    }),
  },
  {
    name: "the change count moves with another connection's commit, not with one's own",
    run: Effect.fnUntraced(function* ({ open, countsOwnCommits = false }) {
      const [store, other] = [yield* open, yield* open];
      const first = yield* store.changeCount;
      yield* commitAll(store, createOf("a"));
      const second = yield* store.changeCount;
      if (!countsOwnCommits) yield* expectEqual("own", second, first);
      yield* commitAll(other, createOf("b"));
      const third = yield* store.changeCount;
      yield* expectEqual("another's", third === second, false);
      yield* expectEqual("nothing new", yield* store.changeCount, third);
      yield* expectEqual("seen at once", idsOf(yield* store.jobs({})), ["b", "a"]);
    }),
  },
];
