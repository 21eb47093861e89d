/**
 * What it means to take content away, decided here once so that every adapter decides alike: which assets
 * a fact names, what is left of an entry without its raw answer, and of a job that was erased.
 */
import type { Fact, Value } from "../../machines/entry.ts";
import { assetNamesIn } from "../../steps/asset-names.ts";
import type { NamedAsset } from "../journal-retention.ts";
import type { ChangePrediction, PredictionRow, StateRecord } from "../journal-store.ts";

const none: ReadonlyArray<NamedAsset> = [];

/** The assets that the fact names; `text` is its JSON. Most facts name none, which costs next to nothing. */
export const assetsNamedBy = (fact: Fact, text: string): ReadonlyArray<NamedAsset> => {
  const names = assetNamesIn(text);
  if (names.length === 0) return none;
  const payloads = payloadsOf(fact);
  if (!("raw" in fact)) {
    const own = fact.type === "PredictionIntended" ? fact.inputHash : undefined;
    return names.flatMap((sha256) =>
      sha256 === own ? [] : [{ sha256, isRaw: false, isPayload: payloads.has(sha256) }],
    );
  }
  const { raw, ...rest } = fact;
  const named = (part: object, isRaw: boolean) =>
    assetNamesIn(JSON.stringify(part)).map((sha256) => ({
      sha256,
      isRaw,
      isPayload: payloads.has(sha256),
    }));
  return [...named(raw, true), ...named(rest, false)];
};

const payloadsOf = (fact: Fact): ReadonlySet<string> =>
  new Set(Object.values(fact).flatMap((field) => (isPayload(field) ? [field.asset] : [])));

const isPayload = (field: unknown): field is Extract<Value, { readonly asset: string }> =>
  typeof field === "object" &&
  field !== null &&
  "asset" in field &&
  typeof field.asset === "string" &&
  "sizeBytes" in field;

/** The fact as it is kept once its raw answer was taken away. */
export const withoutRaw = <F extends Fact>(fact: F, erasedAt: number): F =>
  "raw" in fact ? { ...fact, raw: { erasedAt } } : fact;

export const isErased = (value: Value | null): boolean => value !== null && "erasedAt" in value;

const restful: ReadonlySet<StateRecord["status"]> = new Set(["complete", "failed", "cancelled"]);

/** Whether the record alone allows that content is taken away. */
export const isErasable = ({ status, erasedAt }: StateRecord): boolean =>
  restful.has(status) && erasedAt === null;

/** What is left of an erased job: who it was, how it ended, what it cost. */
export const tombstoneOf = (record: StateRecord, erasedAt: number): StateRecord => ({
  ...record,
  detail: null,
  inputPayload: { erasedAt },
  normalizedOutput: null,
  errorMessage: null,
  rawReference: null,
  waiting: null,
  erasedAt,
});

/** What is left of an erased job's row in the ledger: its receipt, and which prediction it was. */
export const emptied = (row: PredictionRow, erasedAt: number): PredictionRow => ({
  ...row,
  inputHash: "",
  raw: row.raw === null ? null : { erasedAt },
});

/** A double may end when its job is erased already: it is booked, its answer is nobody's. */
export const changeOfErased = (
  change: ChangePrediction["change"],
  erasedAt: number,
): ChangePrediction["change"] =>
  change.raw === undefined || change.raw === null ? change : { ...change, raw: { erasedAt } };

/** Bytes of a value: in the store's own text, or in the asset store. */
export const sizeOf = (value: Value | null): number => {
  if (value === null || "erasedAt" in value) return 0;
  return "asset" in value ? value.sizeBytes : Buffer.byteLength(JSON.stringify(value));
};
