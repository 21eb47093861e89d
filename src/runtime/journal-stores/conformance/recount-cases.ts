/** The guarantee that what is counted by the day is what the rows of the ledger add up to. */
import { Effect } from "effect";
import type { PredictionRow } from "../../journal-store.ts";
import { amountOf, bookingOf, dayOf, nothingBooked, plus } from "../spending-rules.ts";
import { commitAll, expectEqual } from "./case.ts";
import type { CaseBody, Store } from "./case.ts";
import { appendOf, startedAt } from "./samples.ts";
import { becomes, intend, jobOf, settles, today } from "./spending-samples.ts";

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

export const recountCases: ReadonlyArray<CaseBody> = [
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
          const [all] = yield* other.spendingOn(on, 1);
          const { reservedMicros = 0, spentMicros = 0 } = all ?? {};
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
