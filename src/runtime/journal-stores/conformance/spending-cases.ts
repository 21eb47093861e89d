/** Guarantees about money: what is reserved and spent, and the budgets an intent has to fit in. */
import { Effect } from "effect";
import type { Budgets, DaySpending } from "../../journal-spending.ts";
import type { AppendEntries } from "../../journal-store.ts";
import { commitAll, ConformanceFailure, expectEqual, expectResults } from "./case.ts";
import type { CaseBody, Store } from "./case.ts";
import { appendOf, eraseOf, predictionOf, releaseOf } from "./samples.ts";
import { becomes, jobOf, nextDayAt, reserving, settles, today } from "./spending-samples.ts";

const ofAll = (reservedMicros: number, spentMicros: number): DaySpending => ({
  tenant: null,
  reservedMicros,
  spentMicros,
});

const day = (store: Store, on = today) => store.spendingOn(on, 10);

/** The append is refused over this budget, and nothing of it is there. */
const expectRefused = Effect.fnUntraced(function* (
  store: Store,
  write: AppendEntries,
  expected: { readonly budget: string; readonly used: number },
) {
  const before = yield* store.entries(write.jobId);
  const [result] = yield* store.commit([write]);
  if (result?.type !== "OverBudget") {
    const claim = `an intent over the ${expected.budget} budget`;
    return yield* new ConformanceFailure({ claim, expected: "OverBudget", actual: result });
  }
  const used = result.reservedMicros + result.spentMicros;
  yield* expectEqual("refused", { budget: result.budget, used }, expected);
  yield* expectEqual("entries", yield* store.entries(write.jobId), before);
});

export const spendingCases: ReadonlyArray<CaseBody> = [
  {
    name: "an intent reserves its estimate, its receipt replaces it, and a no frees it",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* expectEqual("nothing yet", yield* day(store), []);
      const intents = ["k1", "k2", "k3", "k4"].map((key) => ({ key, micros: 100.5 }));
      yield* commitAll(store, jobOf("a"), reserving("a", intents));
      yield* expectEqual("reserved", yield* day(store), [ofAll(402, 0)]);
      yield* commitAll(
        store,
        becomes("k1", { state: "accepted", predictionId: "p" }),
        becomes("k1", { isUnconfirmed: true }),
      );
      yield* expectEqual("open as before", yield* day(store), [ofAll(402, 0)]);
      yield* commitAll(store, settles("k1", 30.1), becomes("k2", { state: "absent" }));
      yield* commitAll(store, becomes("k3", { state: "rejected" }));
      yield* expectEqual("closed", yield* day(store), [ofAll(100.5, 30.1)]);
      yield* commitAll(store, settles("k4", 0, { isUnmeasured: true }));
      yield* expectEqual("what nobody measured", yield* day(store), [ofAll(100.5, 30.1)]);
      yield* expectEqual("of the job", yield* store.spendingOf("a", today), {
        job: { reservedMicros: 100.5, spentMicros: 30.1 },
        tenant: null,
        day: { reservedMicros: 100.5, spentMicros: 30.1 },
      });
    }),
  },
  {
    name: "a row belongs to the day of its intent and to its job's tenant",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, jobOf("a", "acme"), jobOf("b", "bolt"), jobOf("c"));
      yield* commitAll(
        store,
        reserving("a", [
          { key: "k1", micros: 10 },
          { key: "k2", micros: 5, at: nextDayAt },
        ]),
        reserving("b", [{ key: "k3", micros: 20, at: nextDayAt - 1 }]),
        reserving("c", [{ key: "k4", micros: 40 }]),
      );
      const reserved = (tenant: string | null, reservedMicros: number): DaySpending => ({
        tenant,
        reservedMicros,
        spentMicros: 0,
      });
      yield* expectEqual("today", yield* day(store), [
        reserved(null, 70),
        reserved("bolt", 20),
        reserved("acme", 10),
      ]);
      yield* expectEqual("the first", yield* store.spendingOn(today, 1), [reserved(null, 70)]);
      const { tenant: _, ...ofBolt } = reserved("bolt", 20);
      yield* expectEqual("of one", yield* store.spendingBy("bolt", today), ofBolt);
      const nothing = { reservedMicros: 0, spentMicros: 0 };
      yield* expectEqual("of another", yield* store.spendingBy("calm", today), nothing);
      yield* commitAll(store, settles("k1", 3));
      const amount = (reservedMicros: number, spentMicros: number) => ({
        reservedMicros,
        spentMicros,
      });
      yield* expectEqual("of a", yield* store.spendingOf("a", today + 1), {
        job: amount(5, 3),
        tenant: amount(5, 0),
        day: amount(5, 0),
      });
      const none = amount(0, 0);
      const nobodys = { job: none, tenant: null, day: none };
      yield* expectEqual("of none", yield* store.spendingOf("none", today + 2), nobodys);
    }),
  },
  {
    name: "an intent over a budget is refused whole, and the job stays its owner's",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, jobOf("a", "acme"), jobOf("b", "acme"), jobOf("c", "bolt"));
      const budgets: Budgets = { jobMicros: 20, tenantMicros: 30, dayMicros: 40 };
      const asks = (jobId: string, key: string, micros: number) =>
        reserving(jobId, [{ key, micros }], { budgets });
      yield* expectRefused(store, asks("a", "k1", 20.1), { budget: "job", used: 0 });
      yield* expectRefused(
        store,
        reserving(
          "a",
          [
            { key: "k1", micros: 20 },
            { key: "k2", micros: 1 },
          ],
          { budgets },
        ),
        { budget: "job", used: 20 },
      );
      yield* commitAll(store, asks("a", "k1", 20));
      yield* expectRefused(store, asks("b", "k2", 10.1), { budget: "tenant", used: 20 });
      yield* commitAll(store, asks("b", "k2", 10));
      yield* expectRefused(store, asks("c", "k3", 11), { budget: "day", used: 30 });
      yield* expectEqual("no row", yield* store.predictions("c"), []);
      // What is spent makes room as far as it is less than was reserved.
      yield* commitAll(store, settles("k1", 19));
      yield* commitAll(store, asks("c", "k3", 11));
    }),
  },
  {
    name: "what costs nothing, or is bounded by nothing, is never over a budget",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, jobOf("a"), jobOf("b"), jobOf("c"));
      yield* commitAll(store, reserving("a", [{ key: "k1", micros: 100 }]));
      const budgets: Budgets = { dayMicros: 50 };
      yield* commitAll(store, reserving("b", [{ key: "k2", micros: 0 }], { budgets }));
      // Jobs without a tenant have no tenant's budget.
      const own: Budgets = { tenantMicros: 0 };
      yield* commitAll(store, reserving("c", [{ key: "k3", micros: 7 }], { budgets: own }));
      yield* expectEqual("all", yield* day(store), [ofAll(107, 0)]);
    }),
  },
  {
    name: "a stale owner over a budget is told of the takeover, not of the budget",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, jobOf("a"));
      yield* commitAll(store, appendOf("a", 1, { claim: { owner: "p", epoch: 2 } }));
      const late = reserving("a", [{ key: "k1", micros: 9 }], { budgets: { jobMicros: 0 } });
      yield* expectResults(store, [late], ["Conflict over Job"]);
    }),
  },
  {
    name: "two connections reserve from one budget, and in one batch who comes first is served first",
    run: Effect.fnUntraced(function* ({ open }) {
      const [one, other] = [yield* open, yield* open];
      const ids = Array.from({ length: 40 }, (_, index) => `j${index}`);
      yield* commitAll(one, ...ids.map((jobId) => jobOf(jobId)));
      const budgets: Budgets = { dayMicros: 100 };
      const asks = ids.map((jobId) =>
        reserving(jobId, [{ key: `k ${jobId}`, micros: 7 }], { budgets }),
      );
      const results = yield* Effect.forEach(
        asks,
        (write, index) =>
          index < 10
            ? Effect.map((index % 2 === 0 ? one : other).commit([write]), (list) => list[0])
            : Effect.succeed(undefined),
        { concurrency: "unbounded" },
      );
      const rest = yield* other.commit(asks.slice(10));
      const types = [...results.slice(0, 10), ...rest].map((result) => result?.type);
      const fitting = 14;
      yield* expectEqual(
        "served",
        types.map((type) => type === "Committed"),
        ids.map((_, index) => index < fitting),
      );
      yield* expectEqual("reserved", yield* day(one), [ofAll(98, 0)]);
    }),
  },
  {
    name: "doubles are booked though they fit in no budget, and what is erased stays booked",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, jobOf("a", "acme"), reserving("a", [{ key: "k1", micros: 10 }]));
      yield* commitAll(store, becomes("k1", { state: "accepted", predictionId: "p" }));
      const part = { state: "duplicate", predictionId: "q", estimateMicros: 10 } as const;
      const row = predictionOf("k1#q", "a", part);
      yield* commitAll(store, { type: "AddDuplicate", row });
      yield* expectResults(
        store,
        [{ type: "AddDuplicate", row: { ...row, key: "other" } }],
        ["Conflict over Prediction"],
      );
      const both = (reservedMicros: number, spentMicros: number) => [
        ofAll(reservedMicros, spentMicros),
        { tenant: "acme", reservedMicros, spentMicros },
      ];
      yield* expectEqual("both", yield* day(store), both(20, 0));
      yield* commitAll(store, settles("k1", 4), settles("k1#q", 5), releaseOf("a", 2));
      yield* expectEqual("settled", yield* day(store), both(0, 9));
      yield* commitAll(store, eraseOf("a", 3));
      yield* expectEqual("erased", yield* day(store), both(0, 9));
    }),
  },
];
