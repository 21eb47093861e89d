/** The questions about open letters, as SQL. Each throws ColumnMismatch where a row does not decode. */
import { Option } from "effect";
import type { SQLInputValue } from "node:sqlite";
import type {
  DeadLetter,
  LetterCause,
  LetterFilter,
  LetterPage,
} from "../../journal-dead-letters.ts";
import { jsonIn, numberIn, type Row, textIn, textOrNullIn, wordIn } from "./columns.ts";
import type { Connection } from "./transaction.ts";

/** Each with its one value. */
const conditions = {
  id: "id = ?",
  source: "source = ?",
  tenant: "tenant = ?",
  pipeline: "pipeline = ?",
  step: "step = ?",
  kind: "kind = ?",
  cause: "cause = ?",
  diedFrom: "died_at >= ?",
  diedBefore: "died_at < ?",
} as const satisfies Record<keyof LetterFilter, string>;

interface Wanted {
  readonly where: string;
  readonly values: ReadonlyArray<SQLInputValue>;
}

const wantedBy = (filter: LetterFilter): Wanted => {
  const fields = Object.entries(filter).flatMap(
    ([field, value]): ReadonlyArray<readonly [string, SQLInputValue]> =>
      value !== undefined && isCondition(field) ? [[conditions[field], value]] : [],
  );
  return {
    where: ["open = 1", ...fields.map(([condition]) => condition)].join(" AND "),
    values: fields.map(([, value]) => value),
  };
};

const isCondition = (field: string): field is keyof typeof conditions => field in conditions;

export const readLetters = (
  { prepare }: Connection,
  filter: LetterFilter,
  { olderThan, limit }: LetterPage,
): ReadonlyArray<DeadLetter> => {
  const { where, values } = wantedBy(filter);
  const older =
    olderThan === undefined ? "" : " AND ordinal < (SELECT ordinal FROM dead_letters WHERE id = ?)";
  return prepare(`SELECT * FROM dead_letters WHERE ${where}${older} ORDER BY ordinal DESC LIMIT ?`)
    .all(...values, ...(olderThan === undefined ? [] : [olderThan]), limit)
    .map(decodeLetter);
};

export const readLetter = ({ prepare }: Connection, id: string): Option.Option<DeadLetter> => {
  const row = prepare("SELECT * FROM dead_letters WHERE id = ? AND open = 1").get(id);
  return row === undefined ? Option.none() : Option.some(decodeLetter(row));
};

export const readLetterCauses = (
  { prepare }: Connection,
  filter: LetterFilter,
  limit: number,
): ReadonlyArray<LetterCause> => {
  const { where, values } = wantedBy(filter);
  const examples = `SELECT id FROM dead_letters WHERE cause = newest.cause AND ${where} ORDER BY ordinal DESC LIMIT 3`;
  return prepare(
    `SELECT newest.cause, source, pipeline, step, kind, message, reason, died_at AS last_at,
       counted.letters, counted.deaths, counted.first_at,
       (SELECT json_group_array(id) FROM (${examples})) AS examples
     FROM (SELECT max(ordinal) AS ordinal, count(*) AS letters, sum(deaths) AS deaths, min(first_at) AS first_at
       FROM dead_letters WHERE ${where} GROUP BY cause ORDER BY letters DESC, 1 DESC LIMIT ?) AS counted
     JOIN dead_letters AS newest ON newest.ordinal = counted.ordinal
     ORDER BY counted.letters DESC, counted.ordinal DESC`,
  )
    .all(...values, ...values, limit)
    .map(decodeCause);
};

export const readLetterCount = ({ prepare }: Connection, filter: LetterFilter): number => {
  const { where, values } = wantedBy(filter);
  const row = prepare(`SELECT count(*) AS letters FROM dead_letters WHERE ${where}`).get(...values);
  return row === undefined ? 0 : numberIn(row, "letters");
};

const sources = ["job", "notification"] as const;
const kinds = ["validation", "timeout", "provider", "policy", "defect", "undeliverable"] as const;

const decodeCommon = (row: Row) => ({
  source: wordIn(row, "source", sources),
  pipeline: textOrNullIn(row, "pipeline"),
  step: textOrNullIn(row, "step"),
  kind: wordIn(row, "kind", kinds),
  cause: textIn(row, "cause"),
  message: textOrNullIn(row, "message"),
  reason: textIn(row, "reason"),
  deaths: numberIn(row, "deaths"),
  firstAt: numberIn(row, "first_at"),
});

const decodeLetter = (row: Row): DeadLetter => ({
  ...decodeCommon(row),
  id: textIn(row, "id"),
  jobId: textOrNullIn(row, "job_id"),
  tenant: textOrNullIn(row, "tenant"),
  diedAt: numberIn(row, "died_at"),
});

const decodeCause = (row: Row): LetterCause => {
  const examples = jsonIn(row, "examples");
  return {
    ...decodeCommon(row),
    letters: numberIn(row, "letters"),
    lastAt: numberIn(row, "last_at"),
    examples: Array.isArray(examples) ? examples.map(String) : [],
  };
};
