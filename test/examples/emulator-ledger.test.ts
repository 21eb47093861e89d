import { expect, test } from "vitest";
import {
  compare,
  type LedgerLine,
  ledgerTable,
  verdict,
} from "../../examples/campaign/demo/emulator-ledger.ts";
import type { PredictionRow } from "../../src/index.ts";

const ours = (id: string, costMicros: number): PredictionRow => ({
  key: `key-${id}`,
  jobId: "job",
  path: "image",
  attempt: 1,
  call: 1,
  provider: "replicate",
  model: "owner/painter:1234",
  inputHash: "hash",
  estimateMicros: 0,
  timeoutMs: 1_000,
  intendedAt: 0,
  state: "settled",
  predictionId: id,
  status: "succeeded",
  cancelRequestedAt: null,
  isUnconfirmed: false,
  copying: null,
  settledAt: 1,
  raw: null,
  receipt: {
    provider: "replicate",
    model: "owner/painter",
    predictionId: id,
    costMicros,
    basis: "",
    metrics: {},
  },
});

const theirs = (id: string, costUsd: number, status = "succeeded"): LedgerLine => ({
  id,
  model: "owner/painter",
  createdAt: "2026-01-01T00:00:00.000Z",
  status,
  costUsd,
});

test("equal books agree, to a tenth of a millionth of a dollar", () => {
  const books = { ours: [ours("a", 3000.1)], theirs: [theirs("a", 0.0030001)] };
  expect(verdict(compare(books))).toBe(
    "The ledgers agree: 1 predictions, $0.0030001 emulated, nothing paid twice.",
  );
  expect(ledgerTable(books)).toHaveLength(2);
});

test.each([
  ["a cost that differs", [ours("a", 3000)], [theirs("a", 0.004)]],
  ["a status that differs", [ours("a", 3000)], [theirs("a", 0.003, "canceled")]],
  ["one that only we know", [ours("a", 3000)], []],
  ["one made twice", [ours("a", 3000)], [theirs("a", 0.003), theirs("b", 0.003)]],
])("%s is said", (_, mine, other) => {
  const books = { ours: mine, theirs: other };
  expect(compare(books).differences).toHaveLength(1);
  expect(verdict(compare(books))).toContain("DO NOT AGREE");
});
