/** Guarantees about reports of providers, and about what waits longest. */
import { Effect, Option } from "effect";
import type { PredictionRow } from "../../journal-store.ts";
import { commitAll, expectEqual, expectResults, type CaseBody } from "./case.ts";
import {
  appendOf,
  createOf,
  messageOf,
  ownedOf,
  predictionOf,
  recordOf,
  releaseOf,
  settlementOf,
  startedAt,
} from "./samples.ts";

const hintOf = (key: string, at: number | null, provider = "replicate") =>
  ({ type: "HintPrediction", key, provider, at }) as const;

export const vitalCases: ReadonlyArray<CaseBody> = [
  {
    name: "a report is kept while its prediction is open, for whoever owns the job",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const row = predictionOf("k1", "a");
      const accepted = { type: "accept", key: "k1", predictionId: "p1" } as const;
      yield* commitAll(
        store,
        appendOf("a", 1, { ledger: [{ type: "intend", row }] }),
        hintOf("k1", 7),
      );
      yield* commitAll(store, appendOf("a", 2, { ledger: [accepted] }), hintOf("k1", 9));
      yield* expectEqual("of the owner", yield* store.hints("o"), [{ key: "k1", hintedAt: 9 }]);
      yield* expectEqual("of another", yield* store.hints("p"), []);
      yield* expectEqual("of nobody", yield* store.hints(null), []);
      const known = yield* store.prediction("k1");
      yield* expectEqual("the row", Option.getOrNull(known)?.state, "accepted");
      yield* commitAll(store, settlementOf("k1", "a"));
      yield* expectEqual("once settled", yield* store.hints("o"), []);
      yield* expectResults(store, [hintOf("k1", 11)], ["Conflict over Prediction"]);
    }),
  },
  {
    name: "a report on nothing, or of another provider, leaves nothing",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const row = predictionOf("k1", "a");
      yield* commitAll(store, appendOf("a", 1, { ledger: [{ type: "intend", row }] }));
      yield* expectResults(
        store,
        [hintOf("k2", 7), hintOf("k1", 7, "another")],
        ["Conflict over Prediction", "Conflict over Prediction"],
      );
      yield* expectEqual("hints", yield* store.hints("o"), []);
    }),
  },
  {
    name: "a report on an absent prediction is kept until it has been looked into",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const row = predictionOf("k1", "a");
      yield* commitAll(store, appendOf("a", 1, { ledger: [{ type: "intend", row }] }), {
        type: "ChangePrediction",
        key: "k1",
        from: ["intended"],
        change: { state: "absent" },
        inbox: null,
      });
      yield* commitAll(store, releaseOf("a", 2), hintOf("k1", 7));
      yield* expectEqual("hints", yield* store.hints(null), [{ key: "k1", hintedAt: 7 }]);
      yield* commitAll(store, hintOf("k1", null));
      yield* expectEqual("looked into", yield* store.hints(null), []);
    }),
  },
  {
    name: "the first of the queue, of whatever pipeline, is the one that waits longest",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* expectEqual("an empty queue", yield* store.oldestPending, Option.none());
      const old = recordOf("b", { pipeline: "gone", version: 3, createdAt: startedAt + 5 });
      yield* commitAll(store, ownedOf("a"), createOf("b", { record: old }), createOf("c"));
      yield* expectEqual(
        "first",
        yield* store.oldestPending,
        Option.some({ jobId: "b", since: startedAt + 5, pipeline: "gone", version: 3 }),
      );
    }),
  },
  {
    name: "one that was left to nobody stands in the queue for as long as its row says so, and since then",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const leave = (jobId: string, detail: string, updatedAt: number) =>
        appendOf(jobId, 1, {
          record: recordOf(jobId, { status: "processing", detail, updatedAt }),
          claim: { owner: null, epoch: 2 },
        });
      const fresh = recordOf("d", { createdAt: startedAt + 9 });
      yield* commitAll(store, ownedOf("a"), ownedOf("b"), ownedOf("c"));
      yield* commitAll(store, leave("a", "paused", startedAt), createOf("d", { record: fresh }));
      const first = Effect.map(store.oldestPending, Option.getOrNull);
      const since = (jobId: string, ms: number) => ({
        jobId,
        since: startedAt + ms,
        pipeline: "campaign",
        version: 1,
      });
      yield* expectEqual("new", yield* first, since("d", 9));
      yield* commitAll(store, leave("b", "queued", startedAt + 20));
      yield* expectEqual("later", yield* first, since("d", 9));
      yield* commitAll(store, leave("c", "queued", startedAt + 7));
      yield* expectEqual("earlier", yield* first, since("c", 7));
    }),
  },
  {
    name: "the message that has lain longest is found until it is read",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* expectEqual("none", yield* store.oldestMessage, Option.none());
      const busy = (jobId: string) =>
        createOf(jobId, {
          epoch: 1,
          owner: "o",
          record: recordOf(jobId, { status: "processing" }),
        });
      yield* commitAll(store, busy("a"), busy("b"), createOf("c"));
      const post = (id: string, jobId: string, at: number) =>
        ({ type: "PostInbox", row: { ...messageOf(id, jobId), at } }) as const;
      // One that waits for a slot reads its own with its turn.
      yield* commitAll(store, post("m0", "c", startedAt - 1));
      yield* expectEqual("of the queue", yield* store.oldestMessage, Option.none());
      yield* commitAll(store, post("m1", "b", startedAt), post("m2", "a", startedAt + 1));
      const oldest = (jobId: string, since: number) =>
        Effect.flatMap(store.oldestMessage, (found) =>
          expectEqual("oldest", found, Option.some({ jobId, since })),
        );
      yield* oldest("b", startedAt);
      yield* commitAll(store, appendOf("b", 1, { consumed: ["m1"] }));
      yield* oldest("a", startedAt + 1);
    }),
  },
  {
    name: "open predictions are counted by provider, and named where they have been open for long",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), createOf("b", { epoch: 1, owner: "p" }));
      const intend = (key: string, jobId: string, part: Partial<PredictionRow> = {}) =>
        ({ type: "intend", row: predictionOf(key, jobId, part) }) as const;
      const accepted = { type: "accept", key: "k1", predictionId: "p1" } as const;
      yield* commitAll(
        store,
        appendOf("a", 1, {
          ledger: [
            intend("k1", "a"),
            intend("k2", "a", { intendedAt: startedAt + 9 }),
            intend("k3", "a", { provider: "another", intendedAt: startedAt + 3 }),
            intend("k4", "a"),
            accepted,
            { type: "reject", key: "k4" },
          ],
        }),
        appendOf("b", 1, { ledger: [intend("k5", "b")] }),
      );
      const double = { state: "duplicate", predictionId: "p9" } as const;
      yield* commitAll(store, { type: "AddDuplicate", row: predictionOf("k1#p9", "a", double) });
      const found = yield* store.open("o", startedAt + 9);
      const expected = new Map([
        ["replicate", 2],
        ["another", 1],
      ]);
      yield* expectEqual("counts", found.counts, expected);
      const long = { jobId: "a", provider: "replicate", predictionId: "p1" };
      yield* expectEqual("long open", found.longOpen, [
        { ...long, key: "k1", intendedAt: startedAt },
        { ...long, key: "k3", provider: "another", predictionId: null, intendedAt: startedAt + 3 },
      ]);
    }),
  },
  {
    name: "jobs under way come oldest first, page by page, whoever owns them",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), createOf("b"), ownedOf("c"), ownedOf("d"));
      const waiting = { waitingFor: "the model of x", since: 3, until: 9, next: "it is checked" };
      const record = recordOf("c", {
        status: "processing",
        currentStep: "x",
        detail: "waiting",
        waiting,
        updatedAt: startedAt + 4,
      });
      yield* commitAll(
        store,
        appendOf("a", 1),
        appendOf("c", 1, { record }),
        appendOf("d", 1, { record: recordOf("d", { status: "failed" }) }),
      );
      const first = yield* store.unfinished(null, 1);
      yield* expectEqual(
        "first page",
        first.map(({ jobId }) => jobId),
        ["a"],
      );
      yield* expectEqual("second page", yield* store.unfinished("a", 9), [
        {
          jobId: "c",
          pipeline: "campaign",
          version: 1,
          step: "x",
          detail: "waiting",
          waitingFor: "the model of x",
          until: 9,
          updatedAt: startedAt + 4,
        },
      ]);
      yield* expectEqual("after the last", yield* store.unfinished("c", 9), []);
    }),
  },
];
