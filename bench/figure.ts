/** What a measurement answers: values of several runs under one name, and the table they are shown in. */

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** One value a run. */
  readonly values: ReadonlyArray<number>;
  /** The figure of the same measurement that this one is held against. */
  readonly against?: string;
  readonly aim?: string;
}

export interface Settings {
  /** How often each thing is measured. */
  readonly runs: number;
  /** Also what takes minutes. */
  readonly isSlow: boolean;
  /** Where databases are put; a local disk. */
  readonly directory: string;
}

export interface Measurement {
  readonly name: string;
  readonly about: string;
  readonly run: (settings: Settings) => Promise<ReadonlyArray<Figure>>;
}

/** The value below which the share of all values lies (nearest rank). */
export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((left, right) => left - right);
  const rank = Math.min(Math.max(Math.ceil(share * sorted.length) - 1, 0), sorted.length - 1);
  return sorted[rank] ?? Number.NaN;
};

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5);

/** The figures as a Markdown table. */
export const tableOf = (figures: ReadonlyArray<Figure>): string => {
  const medians = new Map(figures.map(({ name, values }) => [name, median(values)]));
  const rows = figures.map((figure) => rowOf(figure, medians));
  const head = ["", "unit", "min", "median", "max", "ratio", "aim"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: ReadonlyArray<string>): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
};

const rowOf = (
  { name, unit, values, against, aim }: Figure,
  medians: ReadonlyMap<string, number>,
): ReadonlyArray<string> => {
  const floor = against === undefined ? undefined : medians.get(against);
  const ratio =
    floor === undefined ? "" : `${(median(values) / floor).toFixed(2)} x ${against ?? ""}`;
  const [min, middle, max] = [quantile(values, 0), median(values), quantile(values, 1)];
  return [name, unit, shown(min), shown(middle), shown(max), ratio, aim ?? ""];
};

/** Three digits say as much as a shared machine can know. */
const shown = (value: number): string =>
  Math.abs(value) >= 100
    ? Math.round(value).toLocaleString("en-US")
    : Number(value.toPrecision(3)).toString();
