/**
 * The columns of a row, each refused by its name where it does not hold its kind. Written out instead of
 * a schema: a start reads thousands of rows before anything of it is compiled, and a schema's interpreter
 * took ten times as long there.
 */
import type { SQLOutputValue } from "node:sqlite";

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The row is not what this version wrote. */
export class ColumnMismatch extends Error {
  override readonly name = "ColumnMismatch";
  constructor(column: string, expected: string, found: SQLOutputValue | undefined) {
    super(`the column ${column} should hold ${expected}, it holds ${kindOf(found)}`);
  }
}

const kindOf = (value: SQLOutputValue | undefined): string => {
  if (value === null) return "null";
  if (value === undefined) return "nothing";
  return value instanceof Uint8Array ? "bytes" : `a ${typeof value}`;
};

export const textIn = (row: Row, column: string): string => {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new ColumnMismatch(column, "text", value);
};

export const textOrNullIn = (row: Row, column: string): string | null =>
  row[column] === null ? null : textIn(row, column);

export const numberIn = (row: Row, column: string): number => {
  const value = row[column];
  if (typeof value === "number") return value;
  throw new ColumnMismatch(column, "a number", value);
};

export const numberOrNullIn = (row: Row, column: string): number | null =>
  row[column] === null ? null : numberIn(row, column);

/** One of these words. */
export const wordIn = <Word extends string>(
  row: Row,
  column: string,
  words: ReadonlyArray<Word>,
): Word => {
  const value = row[column];
  const word = words.find((one) => one === value);
  if (word === undefined) throw new ColumnMismatch(column, `one of ${words.join(", ")}`, value);
  return word;
};

/** JSON text, parsed; null where the column is null. */
export const jsonIn = (row: Row, column: string): unknown => {
  const text = textOrNullIn(row, column);
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    throw new ColumnMismatch(column, "JSON", text);
  }
};
