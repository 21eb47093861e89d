/** Guarantees about money: what is reserved and spent, and the budgets an intent has to fit in. */
import { Effect } from "effect";
import type { Budgets, DaySpending } from "../../journal-spending.ts";
import type {
  AppendEntries,
  ChangePrediction,
  LedgerChange,
  PredictionRow,
} from "../../journal-store.ts";
import { amountOf, bookingOf, dayOf, nothingBooked, plus } from "../spending-rules.ts";
import { commitAll, ConformanceFailure, expectEqual, expectResults } from "./case.ts";
import type { CaseBody, Store } from "./case.ts";
import { appendOf, createOf, eraseOf, predictionOf, releaseOf, startedAt } from "./samples.ts";

const today = dayOf(startedAt);
const nextDayAt = (today + 1) * 86_400_000;

/** A job of owner `o`. */
const jobOf = (jobId: string, tenant: string | null = null) =>
  createOf(jobId, { epoch: 1, owner: "o", tenant });

interface Intent {
  readonly key: string;
  readonly micros: number;
  readonly at?: number;
}

const intend = (jobId: string, { key, micros, at = startedAt }: Intent): LedgerChange => ({
  type: "intend",
  row: predictionOf(key, jobId, { estimateMicros: micros, intendedAt: at }),
});

/** An append at seq 1 with these intents. */
const reserving = (
  jobId: string,
  intents: ReadonlyArray<Intent>,
  part: Partial<AppendEntries> = {},
): AppendEntries =>
  appendOf(jobId, 1, { ledger: intents.map((intent) => intend(jobId, intent)), ...part });

const becomes = (key: string, change: ChangePrediction["change"]): ChangePrediction => ({
  type: "ChangePrediction",
  key,
  from: ["intended", "unknown", "accepted", "duplicate"],
  change,
  inbox: null,
});

const settles = (
  key: string,
  costMicros: number,
  more: { readonly isUnmeasured?: boolean } = {},
): ChangePrediction =>
  becomes(key, {
    state: "settled",
    status: "succeeded",
    settledAt: startedAt + 9,
    receipt: {
      provider: "replicate",
      model: "meta/llama",
      predictionId: `id of ${key}`,
      costMicros,
      basis: "seconds",
      metrics: {},
      ...more,
    },
  });

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

/** What the rows of these jobs add up to on a day. */
const recount = Effect.fnUntraced(function* (
  store: Store,
  jobIds: ReadonlyArray<string>,
  on: number,
) {
  const rows: Array<PredictionRow> = [];
  for (const jobId of jobIds) rows.push(...(yield* store.predictions(jobId)));
  const booked = rows.filter(({ intendedAt }) => dayOf(intendedAt) === on).map(bookingOf);
  return amountOf(booked.reduce(plus, nothingBooked));
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
  {
    name: "the sums are those of a recount, whatever becomes of the rows",
    run: Effect.fnUntraced(function* ({ open }) {
      const [one, other] = [yield* open, yield* open];
      const ids = ["a", "b", "c"];
      yield* commitAll(one, ...ids.map((jobId) => jobOf(jobId, jobId === "c" ? null : "acme")));
      const next = draws(20_261_126);
      const keys: Array<string> = [];
      const seqs = new Map(ids.map((jobId) => [jobId, 1]));
      for (let turn = 0; turn < 120; turn += 1) {
        const store = next(2) === 0 ? one : other;
        const jobId = ids[next(3)] ?? "a";
        const afterSeq = seqs.get(jobId) ?? 1;
        const at = startedAt + next(2) * 86_400_000;
        const key = next(4) === 0 ? (keys[next(keys.length)] ?? "k") : `k${turn}`;
        const asks = intend(jobId, { key, micros: next(1_000) / 10, at });
        const append = appendOf(jobId, afterSeq + (next(8) === 0 ? 1 : 0), {
          ledger: [asks],
          budgets: { jobMicros: 900, dayMicros: 1_500 },
        });
        const known = keys[next(keys.length)] ?? "k";
        const changes = [
          becomes(known, { state: "accepted", predictionId: `p${next(40)}` }),
          becomes(known, { state: "rejected" }),
          becomes(known, { state: "absent" }),
          settles(known, next(2_000) / 10, next(5) === 0 ? { isUnmeasured: true } : {}),
        ];
        const change = changes[next(4)] ?? append;
        const write = next(2) === 0 ? append : change;
        const [result] = yield* store.commit([write]);
        if (result?.type === "Committed" && write === append) {
          seqs.set(jobId, afterSeq + 1);
          keys.push(key);
        }
        for (const on of [today, today + 1]) {
          const [all] = yield* day(other, on);
          const { reservedMicros, spentMicros } = all ?? ofAll(0, 0);
          const counted = yield* recount(one, ids, on);
          yield* expectEqual(`turn ${turn}`, { reservedMicros, spentMicros }, counted);
        }
      }
    }),
  },
];

/** The same numbers below a bound, every time. Source: Park and Miller, 1988. */
const draws = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return below === 0 ? 0 : state % below;
  };
};
