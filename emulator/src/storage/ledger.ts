/**
 * The ledger: every prediction this provider ever made and what it cost, append-only, whatever became of its data.
 * Tests and the demo hold it against the receipts of the service under test.
 */
import { createHash } from "node:crypto";
import { canonicalJson, isJsonObject } from "../json.ts";
import { costUsd } from "../prices.ts";
import {
  isTerminal,
  type Metrics,
  type Prediction,
  type Status,
} from "../predictions/prediction.ts";
import type { RecordLog } from "./record-log.ts";

export interface LedgerEntry {
  readonly id: string;
  readonly model: string;
  /** The query parameter `key` (or `intent`) of the webhook URL, where there is one. */
  readonly key?: string;
  /** sha256 of the input as canonical JSON, hexadecimal. */
  readonly inputHash: string;
  readonly createdAt: string;
  readonly status: Status;
  readonly completedAt?: string;
  readonly costUsd: number;
  readonly metrics?: Metrics;
  /** The first prediction made under the same key. */
  readonly duplicateOf?: string;
  /** The first prediction of the same model with an equal input. */
  readonly sameInputAs?: string;
}

const UNITS_PER_USD = 1e7;

export class Ledger {
  readonly #log: RecordLog;
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #firstByKey = new Map<string, string>();
  readonly #firstByInput = new Map<string, string>();
  /** In tenths of a microdollar: whole numbers add up without rounding. */
  #total = 0;

  constructor(log: RecordLog) {
    this.#log = log;
    for (const record of log.stored) if (isLedgerEntry(record)) this.#remember(record);
  }

  /** Books a prediction as it is now; a state that is booked already adds nothing. */
  book(prediction: Prediction): void {
    const before = this.#entries.get(prediction.id);
    if (before !== undefined && (isTerminal(before.status) || !isTerminal(prediction.status)))
      return;
    const entry = before === undefined ? this.#firstEntry(prediction) : before;
    const settled = isTerminal(prediction.status) ? settlement(prediction) : {};
    const booked = { ...entry, ...settled };
    this.#log.append(booked);
    this.#remember(booked);
  }

  /** All entries in the order of creation, each in its last state. */
  entries(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /** What all of them cost together, US dollars. */
  totalUsd(): number {
    return this.#total / UNITS_PER_USD;
  }

  clear(): void {
    this.#log.clear();
    this.#entries.clear();
    this.#firstByKey.clear();
    this.#firstByInput.clear();
    this.#total = 0;
  }

  close(): void {
    this.#log.close();
  }

  #firstEntry({ id, model, input, webhook, createdAt }: Prediction): LedgerEntry {
    const key = keyOf(webhook);
    const inputHash = createHash("sha256").update(canonicalJson(input)).digest("hex");
    const duplicateOf = key === undefined ? undefined : this.#firstByKey.get(key);
    const sameInputAs = this.#firstByInput.get(`${model} ${inputHash}`);
    return {
      id,
      model,
      ...(key !== undefined && { key }),
      inputHash,
      createdAt: new Date(createdAt).toISOString(),
      status: "starting",
      costUsd: 0,
      ...(duplicateOf !== undefined && { duplicateOf }),
      ...(sameInputAs !== undefined && { sameInputAs }),
    };
  }

  #remember(entry: LedgerEntry): void {
    const inputKey = `${entry.model} ${entry.inputHash}`;
    this.#total += units(entry) - units(this.#entries.get(entry.id));
    this.#entries.set(entry.id, entry);
    if (entry.key !== undefined && !this.#firstByKey.has(entry.key))
      this.#firstByKey.set(entry.key, entry.id);
    if (!this.#firstByInput.has(inputKey)) this.#firstByInput.set(inputKey, entry.id);
  }
}

function units(entry: LedgerEntry | undefined): number {
  return Math.round((entry?.costUsd ?? 0) * UNITS_PER_USD);
}

function settlement(prediction: Prediction): Partial<LedgerEntry> {
  return {
    status: prediction.status,
    costUsd: costUsd(prediction),
    ...(prediction.completedAt !== undefined && {
      completedAt: new Date(prediction.completedAt).toISOString(),
    }),
    ...(prediction.metrics && { metrics: prediction.metrics }),
  };
}

function keyOf(webhook: string | undefined): string | undefined {
  if (webhook === undefined) return undefined;
  const query = new URL(webhook).searchParams;
  return query.get("key") ?? query.get("intent") ?? undefined;
}

function isLedgerEntry(value: unknown): value is LedgerEntry {
  return (
    isJsonObject(value) && typeof value["id"] === "string" && typeof value["inputHash"] === "string"
  );
}
