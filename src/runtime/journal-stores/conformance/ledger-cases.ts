/** Guarantees about the ledger of predictions. */
import { Effect, Option } from "effect";
import type { LedgerChange } from "../../journal-store.ts";
import { commitAll, expectEqual, expectResults } from "./case.ts";
import type { CaseBody, Store } from "./case.ts";
import {
  appendOf,
  createOf,
  messageOf,
  ownedOf,
  predictionOf,
  releaseOf,
  settlementOf,
  startedAt,
  submittedOf,
} from "./samples.ts";

const intend = (key: string, jobId = "a"): LedgerChange => ({
  type: "intend",
  row: predictionOf(key, jobId),
});
const accept = (key: string, predictionId = `id of ${key}`): LedgerChange => ({
  type: "accept",
  key,
  predictionId,
});

const stateOf = (store: Store, key: string) =>
  Effect.map(store.prediction(key), (row) => Option.getOrUndefined(row)?.state);

/** Job `a` of owner `o` with these intents made, at seq 2. */
const withIntents = Effect.fnUntraced(function* (store: Store, ...keys: ReadonlyArray<string>) {
  yield* commitAll(store, ownedOf("a"));
  yield* commitAll(store, appendOf("a", 1, { ledger: keys.map((key) => intend(key)) }));
});

export const ledgerCases: ReadonlyArray<CaseBody> = [
  {
    name: "an intent is accepted, settled once, and its message shares its fate",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* withIntents(store, "k1", "k2");
      yield* expectEqual("intended", yield* store.predictions("a"), [
        predictionOf("k1", "a"),
        predictionOf("k2", "a"),
      ]);
      yield* commitAll(store, appendOf("a", 2, { ledger: [accept("k1")] }));
      const settle = settlementOf("k1", "a");
      yield* expectResults(store, [settle, settle], ["Committed", "Conflict over Prediction"]);
      const settled = predictionOf("k1", "a", { ...settle.change, predictionId: "id of k1" });
      yield* expectEqual("settled", yield* store.prediction("k1"), Option.some(settled));
      yield* expectEqual("message", yield* store.inbox("a"), [messageOf("settled k1", "a")]);
      yield* expectEqual("open", yield* store.openPredictions("o"), [predictionOf("k2", "a")]);
      yield* expectEqual("unknown key", yield* store.prediction("k9"), Option.none());
    }),
  },
  {
    name: "a change whose message is known leaves the prediction as it was",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* withIntents(store, "k1");
      yield* commitAll(store, appendOf("a", 2, { ledger: [accept("k1")] }), {
        type: "PostInbox",
        row: messageOf("settled k1", "a"),
      });
      yield* expectResults(
        store,
        [settlementOf("k1", "a"), createOf("b")],
        ["Conflict over Message", "Committed"],
      );
      yield* expectEqual("state", yield* stateOf(store, "k1"), "accepted");
    }),
  },
  {
    name: "an answer used again is booked with the entry that says so, and is never open",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const part = { state: "reused", status: "succeeded", settledAt: startedAt } as const;
      const row = predictionOf("k1", "a", part);
      const reuse = { type: "reuse", row } as const;
      yield* commitAll(store, appendOf("a", 1, { ledger: [reuse] }));
      yield* expectEqual("booked", yield* store.predictions("a"), [row]);
      yield* expectEqual("open", yield* store.openPredictions("o"), []);
      const twice = appendOf("a", 2, { ledger: [reuse] });
      yield* expectResults(store, [twice], ["Conflict over Prediction"]);
    }),
  },
  {
    name: "a provider's id belongs to one prediction; who comes second conflicts whole",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* withIntents(store, "k1", "k2");
      const twice = appendOf("a", 2, { ledger: [accept("k1", "p"), accept("k2", "p")] });
      yield* expectResults(
        store,
        [twice, createOf("b")],
        ["Conflict over Prediction", "Committed"],
      );
      yield* expectEqual("entries", (yield* store.entries("a")).length, 2);
      yield* expectEqual(
        "states",
        [yield* stateOf(store, "k1"), yield* stateOf(store, "k2")],
        ["intended", "intended"],
      );
      yield* commitAll(store, appendOf("a", 2, { ledger: [accept("k1", "p")] }));
      yield* expectResults(
        store,
        [appendOf("a", 3, { ledger: [accept("k2", "p")] })],
        ["Conflict over Prediction"],
      );
      const adopt = {
        type: "ChangePrediction" as const,
        key: "k2",
        from: ["intended" as const],
        change: { state: "accepted" as const, predictionId: "p" },
        inbox: messageOf("m", "a"),
      };
      yield* expectResults(store, [adopt], ["Conflict over Prediction"]);
      yield* expectEqual("inbox", yield* store.inbox("a"), []);
      yield* expectEqual(
        "known",
        yield* store.knownPredictions("replicate", ["p", "q"]),
        new Set(["p"]),
      );
      yield* expectEqual(
        "of another provider",
        yield* store.knownPredictions("openai", ["p"]),
        new Set(),
      );
      yield* expectEqual("job", Option.getOrUndefined(yield* store.job("a"))?.seq, 3);
    }),
  },
  {
    name: "an intent's key is taken once, and only its own job may move it",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* withIntents(store, "k1");
      yield* commitAll(store, ownedOf("b"));
      yield* expectResults(
        store,
        [
          appendOf("a", 2, { ledger: [intend("k1")] }),
          appendOf("b", 1, { ledger: [accept("k1")] }),
          appendOf("b", 1, { ledger: [{ type: "reject", key: "k9" }] }),
        ],
        ["Conflict over Prediction", "Conflict over Prediction", "Conflict over Prediction"],
      );
      yield* expectEqual("b's entries", yield* store.entries("b"), [submittedOf("b")]);
    }),
  },
  {
    name: "the ledger never goes back: what says less changes nothing, what contradicts conflicts",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* withIntents(store, "k1", "k2");
      yield* commitAll(
        store,
        appendOf("a", 2, { ledger: [accept("k1"), { type: "unknown", key: "k2" }] }),
      );
      yield* commitAll(
        store,
        appendOf("a", 3, { ledger: [{ type: "unknown", key: "k1" }, accept("k1")] }),
      );
      yield* expectEqual("accepted stays", yield* stateOf(store, "k1"), "accepted");
      yield* expectResults(
        store,
        [
          appendOf("a", 4, { ledger: [{ type: "reject", key: "k1" }] }),
          appendOf("a", 4, { ledger: [accept("k1", "other")] }),
        ],
        ["Conflict over Prediction", "Conflict over Prediction"],
      );
      yield* commitAll(store, appendOf("a", 4, { ledger: [{ type: "reject", key: "k2" }] }));
      yield* expectEqual("unknown is rejected", yield* stateOf(store, "k2"), "rejected");
    }),
  },
  {
    name: "the first request to cancel is kept, and a closed prediction gets none",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* withIntents(store, "k1", "k2");
      const cancel = (key: string, at: number): LedgerChange => ({
        type: "requestCancel",
        key,
        at,
      });
      yield* commitAll(
        store,
        appendOf("a", 2, { ledger: [{ type: "reject", key: "k2" }] }),
        appendOf("a", 3, { ledger: [cancel("k1", 5), cancel("k2", 5)] }),
        appendOf("a", 4, { ledger: [cancel("k1", 6)] }),
      );
      const rows = yield* store.predictions("a");
      yield* expectEqual(
        "at",
        rows.map((row) => row.cancelRequestedAt),
        [5, null],
      );
    }),
  },
  {
    name: "a double is recorded once and stays open until it is settled, though nobody owns its job",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      yield* commitAll(store, releaseOf("a", 1));
      const row = predictionOf("k1#p", "a", { state: "duplicate", predictionId: "p" });
      yield* expectResults(
        store,
        [
          { type: "AddDuplicate", row },
          { type: "AddDuplicate", row },
          { type: "AddDuplicate", row: { ...row, key: "k2#p" } },
          { type: "AddDuplicate", row: { ...row, key: "k3#q", predictionId: "q", jobId: "none" } },
        ],
        ["Committed", "Conflict over Prediction", "Conflict over Prediction", "Conflict over Job"],
      );
      yield* expectEqual("open", yield* store.openPredictions("p"), [row]);
      const settledAt = startedAt + 1;
      yield* commitAll(store, {
        type: "ChangePrediction",
        key: row.key,
        from: ["duplicate"],
        change: { settledAt, isUnconfirmed: true },
        inbox: null,
      });
      yield* expectEqual("closed", yield* store.openPredictions("p"), []);
      yield* expectEqual(
        "row",
        yield* store.prediction(row.key),
        Option.some({ ...row, settledAt, isUnconfirmed: true }),
      );
    }),
  },
];
