/** The emulator's books beside ours: one line a prediction, and whether the two agree. */
import { Schema } from "effect";
import type { PredictionRow } from "../../../src/index.ts";
import { dollars, microsOf } from "./money.ts";

const Line = Schema.Struct({
  id: Schema.String,
  model: Schema.String,
  createdAt: Schema.String,
  status: Schema.String,
  costUsd: Schema.Finite,
});
export type LedgerLine = typeof Line.Type;

const decode = Schema.decodeUnknownPromise(Schema.Struct({ entries: Schema.Array(Line) }));

/** Every prediction the emulator ever made, oldest first. */
export const ledgerAt = async (url: string): Promise<ReadonlyArray<LedgerLine>> => {
  const response = await fetch(`${url}/emulator/ledger`);
  const { entries } = await decode(await response.json());
  return entries;
};

export interface Books {
  /** Ledger rows of the job. */
  readonly ours: ReadonlyArray<PredictionRow>;
  /** What the emulator made since the job began, without what other jobs of this store own. */
  readonly theirs: ReadonlyArray<LedgerLine>;
}

export interface Comparison {
  readonly differences: ReadonlyArray<string>;
  readonly predictions: number;
  readonly costMicros: number;
}

/** Holds both books against each other, prediction by prediction. */
export const compare = ({ ours, theirs }: Books): Comparison => {
  const byId = new Map(theirs.map((line) => [line.id, line]));
  const known = new Set(ours.map(({ predictionId }) => predictionId));
  const unknown = theirs
    .filter(({ id }) => !known.has(id))
    .map(
      ({ id, model }) =>
        `${id} (${model}) is in the emulator's ledger only: nobody here asked for it twice, yet it was made`,
    );
  const paid = ours.filter(({ predictionId }) => predictionId !== null);
  const different = paid.flatMap((row) => difference(row, byId.get(row.predictionId ?? "")));
  const costMicros = ours.reduce((sum, { receipt }) => sum + (receipt?.costMicros ?? 0), 0);
  return { differences: [...different, ...unknown], predictions: paid.length, costMicros };
};

const difference = (row: PredictionRow, line: LedgerLine | undefined): ReadonlyArray<string> => {
  const id = row.predictionId ?? row.key;
  if (line === undefined) return [`${id} is in our receipts only`];
  const cost = microsOf(line.costUsd);
  const paid = row.receipt?.costMicros ?? 0;
  return [
    ...(nameOf(line.model) === nameOf(row.model) ? [] : [`${id}: the models differ`]),
    ...(line.status === row.status ? [] : [`${id}: they say ${line.status}, we ${row.status}`]),
    ...(cost === paid ? [] : [`${id}: they say ${dollars(cost)}, we ${dollars(paid)}`]),
  ];
};

/** The model without its version. */
const nameOf = (model: string): string => model.split(":")[0] ?? model;

/** Both books as one table, and the verdict under it. */
export const ledgerTable = (books: Books): ReadonlyArray<string> => {
  const rows = [
    ["step", "prediction", "model", "emulator's ledger", "our receipt", "intent key"],
    ...books.ours.map((row) => ourRow(row, books.theirs)),
    ...strangers(books).map((line) => [
      "?",
      line.id,
      nameOf(line.model),
      theirSide(line),
      "none",
      "",
    ]),
  ];
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd(),
  );
};

const strangers = ({ ours, theirs }: Books): ReadonlyArray<LedgerLine> => {
  const known = new Set(ours.map(({ predictionId }) => predictionId));
  return theirs.filter(({ id }) => !known.has(id));
};

const ourRow = (row: PredictionRow, theirs: ReadonlyArray<LedgerLine>): ReadonlyArray<string> => {
  const line = theirs.find(({ id }) => id === row.predictionId);
  const ours =
    row.receipt === null ? row.state : `${row.status} ${dollars(row.receipt.costMicros)}`;
  return [
    row.path,
    row.predictionId ?? "none",
    nameOf(row.model),
    line === undefined ? "none" : theirSide(line),
    ours,
    row.key,
  ];
};

const theirSide = ({ status, costUsd }: LedgerLine): string =>
  `${status} ${dollars(microsOf(costUsd))}`;

/** One line: do they agree, and on what. */
export const verdict = ({ differences, predictions, costMicros }: Comparison): string =>
  differences.length === 0
    ? `The ledgers agree: ${predictions} predictions, ${dollars(costMicros)} emulated, nothing paid twice.`
    : `THE LEDGERS DO NOT AGREE:\n${differences.map((line) => `  ${line}`).join("\n")}`;
