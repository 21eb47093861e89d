/** Columns of text that fit a width: one of them gives way where it must. */
import { cut } from "./amounts.ts";

export interface Column {
  readonly title: string;
  readonly cells: ReadonlyArray<string>;
  /** Numbers stand at the right. */
  readonly isRight?: boolean;
  /** The one column that is cut where the table would be too wide. */
  readonly isCut?: boolean;
}

const gap = "  ";

/** The lines, the titles first; no line is longer than the width as long as the cut column can give way. */
export const table = (columns: ReadonlyArray<Column>, width: number): ReadonlyArray<string> => {
  const natural = columns.map(({ title, cells }) =>
    Math.max(title.length, ...cells.map((cell) => cell.length)),
  );
  const over = sum(natural) + gap.length * (columns.length - 1) - width;
  const widths = natural.map((cells, index) => {
    const column = columns[index];
    return column?.isCut === true && over > 0 ? Math.max(cells - over, column.title.length) : cells;
  });
  const rows = columns[0]?.cells.length ?? 0;
  const line = (cellOf: (column: Column) => string): string =>
    columns
      .map((column, index) => {
        const cell = cut(cellOf(column), widths[index] ?? 0);
        return column.isRight === true
          ? cell.padStart(widths[index] ?? 0)
          : cell.padEnd(widths[index] ?? 0);
      })
      .join(gap)
      .trimEnd();
  return [
    line(({ title }) => title),
    ...Array.from({ length: rows }, (_, row) => line(({ cells }) => cells[row] ?? "")),
  ];
};

const sum = (numbers: ReadonlyArray<number>): number =>
  numbers.reduce((total, number) => total + number, 0);
