/**
 * A thousand SIGKILLs over two hundred jobs, with faults off and with a plan of retryable faults; see
 * kills.test.ts for the invariant. Takes several minutes: `npx vitest run --mode slow test/reliability/kills`.
 */
import { describe, expect, it } from "vitest";
import type { FaultRule } from "../../emulator/src/emulator.ts";
import {
  besiege,
  predictionsDue,
  type SiegePlan,
  type Stock,
  stockViolations,
} from "./real/siege.ts";

const seed = Number(process.env["CATENA_SEED"] ?? "1");
const kills = Number(process.env["CATENA_KILLS"] ?? "1000");
const replay = `CATENA_SEED=${seed} npx vitest run --mode slow test/reliability/kills.slow.test.ts`;

const plan: SiegePlan = {
  seed,
  jobs: 200,
  kills,
  faults: [],
  workers: 2,
  concurrency: 4,
  maxLifeMs: 700,
  restEvery: 50,
  patienceMs: 180_000,
};

/** Nothing here may make a job fail: every fault passes, and the steps have more attempts than there are faults. */
const retryable: ReadonlyArray<FaultRule> = [
  rule("create", 0.03, 11, { type: "lost-answer", by: "reset", applied: true }),
  rule("create", 0.02, 12, { type: "lost-answer", by: "server-error", applied: false }),
  rule("create", 0.02, 13, { type: "lost-answer", by: "html", applied: true }),
  rule("create", 0.02, 14, { type: "rate-limited", retryAfterSeconds: 1 }),
  rule("create", 0.05, 15, {
    type: "outcome",
    outcome: { kind: "failed", error: "the model broke down" },
  }),
  rule("create", 0.03, 16, { type: "outcome", outcome: { kind: "slow-boot", bootMs: 400 } }),
  rule("get", 0.03, 17, { type: "lost-answer", by: "server-error", applied: false }),
  rule("list", 0.05, 18, { type: "lost-answer", by: "reset", applied: false }),
  rule("file", 0.05, 19, { type: "truncated-file", promisedLength: "whole" }),
];

function rule(
  operation: FaultRule["match"]["operation"],
  probability: number,
  ruleSeed: number,
  fault: FaultRule["fault"],
): FaultRule {
  return { match: { operation, probability, seed: ruleSeed }, fault };
}

const figures = (stock: Stock): string => {
  const count = (type: string) =>
    stock.jobs.flatMap(({ entries }) => entries.filter((entry) => entry.type === type)).length;
  const usd = stock.ledger.reduce((sum, { costUsd }) => sum + costUsd, 0);
  const counted = [
    "Claimed",
    "PredictionIntended",
    "PredictionUnknown",
    "PredictionAbsent",
    "AttemptFailed",
  ];
  return [
    `${stock.jobs.length} jobs, ${kills} kills, ${stock.ledger.length} predictions, ${usd.toFixed(6)} USD`,
    ...counted.map((type) => `${type} ${count(type)}`),
    `poisoned for a while ${stock.poisoned}`,
  ].join(", ");
};

describe("a thousand kills over two hundred jobs", { timeout: 3_600_000 }, () => {
  it("with faults off, every model step of every job was paid for once", async () => {
    const stock = await besiege(plan);
    console.log(figures(stock));
    expect(stockViolations(stock), replay).toEqual([]);
    expect(stock.ledger.length, replay).toBe(predictionsDue(stock));
  });

  it("with retryable faults, every job completes and the receipts are the ledger", async () => {
    const stock = await besiege({ ...plan, faults: retryable, seed: seed + 1 });
    console.log(figures(stock));
    expect(stockViolations(stock), replay).toEqual([]);
  });
});
