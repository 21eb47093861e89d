/** Guarantees about intents that are not settled: how they are found, and what is noted of them meanwhile. */
import { Effect } from "effect";
import { commitAll, expectEqual, expectResults } from "./case.ts";
import type { CaseBody } from "./case.ts";
import { appendOf, ownedOf, predictionOf, releaseOf, startedAt } from "./samples.ts";

export const intentCases: ReadonlyArray<CaseBody> = [
  {
    name: "absent intents are told by their age, whoever has their job",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), ownedOf("b"));
      const intended = (key: string, jobId: string, afterMs: number) =>
        appendOf(jobId, 1, {
          ledger: [
            { type: "intend", row: predictionOf(key, jobId, { intendedAt: startedAt + afterMs }) },
          ],
        });
      yield* commitAll(store, intended("k1", "a", 10), intended("k2", "b", 20));
      yield* expectEqual("none yet", yield* store.absentPredictions(0), []);
      const absent = (key: string) =>
        ({
          type: "ChangePrediction",
          key,
          from: ["intended"],
          change: { state: "absent" },
          inbox: null,
        }) as const;
      yield* commitAll(store, absent("k1"), absent("k2"), releaseOf("b", 2));
      const keys = (since: number) =>
        Effect.map(store.absentPredictions(since), (rows) => rows.map(({ key }) => key));
      yield* expectEqual("all", yield* keys(startedAt), ["k1", "k2"]);
      yield* expectEqual("the younger", yield* keys(startedAt + 20), ["k2"]);
    }),
  },
  {
    name: "intents without an answer are told by their input, whoever has their job",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), ownedOf("b"));
      const intended = (key: string, jobId: string, inputHash: string) =>
        appendOf(jobId, 1, {
          ledger: [{ type: "intend", row: predictionOf(key, jobId, { inputHash }) }],
        });
      yield* commitAll(store, intended("k1", "a", "equal"), intended("k2", "b", "other"));
      const keys = (provider: string, inputHash: string) =>
        Effect.map(store.unansweredPredictions(provider, inputHash), (rows) =>
          rows.map(({ key }) => key),
        );
      const { provider } = predictionOf("k1", "a");
      yield* expectEqual("equal", yield* keys(provider, "equal"), ["k1"]);
      yield* expectEqual("of another provider", yield* keys("nobody", "equal"), []);
      const change = (state: "unknown" | "absent") =>
        commitAll(store, {
          type: "ChangePrediction",
          key: "k1",
          from: ["intended", "unknown"],
          change: { state },
          inbox: null,
        });
      yield* change("unknown");
      yield* expectEqual("unknown", yield* keys(provider, "equal"), ["k1"]);
      yield* change("absent");
      yield* expectEqual("closed", yield* keys(provider, "equal"), []);
    }),
  },
  {
    name: "that files of a prediction are being copied, and by whom, is kept with its row",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const row = predictionOf("k", "a");
      yield* commitAll(store, ownedOf("a"));
      yield* commitAll(store, appendOf("a", 1, { ledger: [{ type: "intend", row }] }));
      const change = { copying: { by: "o", deaths: 2 } };
      const mark = {
        type: "ChangePrediction",
        key: "k",
        from: ["accepted"],
        change,
        inbox: null,
      } as const;
      yield* expectResults(store, [mark], ["Conflict over Prediction"]);
      yield* commitAll(store, { ...mark, from: ["intended"] });
      const [marked] = yield* store.predictions("a");
      yield* expectEqual("copying", marked?.copying, change.copying);
      yield* expectEqual("open", yield* store.openPredictions("o"), [marked]);
      const lifted = { copying: { by: null, deaths: 2 } };
      yield* commitAll(store, { ...mark, from: ["intended"], change: lifted });
      yield* expectEqual("lifted", (yield* store.predictions("a"))[0]?.copying, lifted.copying);
    }),
  },
];
