/** The words of a search, each read as what it has to be; what is not as expected is said all at once. */
import { Effect, Schema } from "effect";
import type { Issue } from "../../steps/failure.ts";
import { Problem, wrongField } from "./problem.ts";

export class Asking {
  readonly #asked: Readonly<Record<string, unknown>>;
  readonly #errors: Array<Issue> = [];

  constructor(asked: Readonly<Record<string, unknown>>) {
    this.#asked = asked;
  }

  /** The word as it is read; undefined where it was not said, or is another than expected. */
  take<A>(path: string, read: (value: unknown) => A | undefined, expected: string): A | undefined {
    const value = this.#asked[path];
    if (value === undefined) return undefined;
    const taken = read(value);
    if (taken === undefined) this.#errors.push({ path, message: `Expected ${expected}` });
    return taken;
  }

  /** The fields that were said. Fails with: Problem (400, with every word that is not as expected). */
  filter<T extends object>(fields: T): Effect.Effect<Sparse<T>, Problem> {
    const detail = "The search is not valid";
    return this.#errors.length > 0
      ? Effect.fail(new Problem({ status: 400, detail, errors: this.#errors }))
      : Effect.succeed(withoutAbsent(fields));
  }
}

export const wordIn =
  <const Words extends ReadonlyArray<string>>(words: Words) =>
  (value: unknown): Words[number] | undefined =>
    words.find((word) => word === value);

export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;

export const instantOf = (value: unknown): number | undefined => {
  const isIso =
    typeof value === "string" && /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(value);
  const at = isIso ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
};

type Sparse<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

const withoutAbsent = <T extends object>(record: T): Sparse<T> =>
  // Only what is there is kept, which is what the type says.
  Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as Sparse<T>;

const pageNames = ["cursor", "limit"] as const;

/**
 * The words of a query; how it is paged stands beside them. Fails with: Problem (400), where another word
 * is there: one that is written wrong would narrow nothing, and look as if it had.
 */
export const askedIn = (
  query: URLSearchParams,
  words: ReadonlyArray<string>,
): Effect.Effect<Readonly<Record<string, string | undefined>>, Problem> => {
  const names = [...words, ...pageNames];
  const stranger = [...query.keys()].find((name) => !names.includes(name));
  return stranger === undefined
    ? Effect.succeed(Object.fromEntries(words.map((word) => [word, query.get(word) ?? undefined])))
    : Effect.fail(wrongField(400, stranger, `Expected some of ${names.join(", ")}`));
};

/** The words of a body; at least one: everything at once is asked for by nobody who means it. */
export const askedOf = (
  body: unknown,
  words: ReadonlyArray<string>,
): Effect.Effect<Readonly<Record<string, unknown>>, Problem> => {
  const given = typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
  const unknown = Object.keys(given).find((key) => !words.includes(key));
  if (unknown !== undefined)
    return Effect.fail(wrongField(400, unknown, `Expected some of ${words.join(", ")}`));
  if (Object.keys(given).length === 0) {
    const detail = `Expected an object with at least one of ${words.join(", ")}`;
    return Effect.fail(new Problem({ status: 400, detail }));
  }
  return Effect.succeed({ ...given });
};

/** What the next page is asked for with. */
export const pageWords = {
  cursor: Schema.optionalKey(Schema.String),
  limit: Schema.optionalKey(Schema.String),
};

interface Page {
  readonly limit: number;
  readonly olderThan?: string;
}

interface Paged<Row, E> {
  /** Whether a page can begin after what has this id. */
  readonly isPlace: (id: string) => Effect.Effect<boolean, E>;
  readonly find: (page: Page) => Effect.Effect<ReadonlyArray<Row>, E>;
  readonly idOf: (row: Row) => string;
}

/**
 * A page of what is found, newest first, and the cursor of the next one; null at the end. Fails with: Problem
 * (400), also for a cursor that leads nowhere: it would look like the end.
 */
export const pageOf = Effect.fnUntraced(function* <Row, E>(
  query: URLSearchParams,
  { isPlace, find, idOf }: Paged<Row, E>,
): Effect.fn.Return<
  { readonly rows: ReadonlyArray<Row>; readonly next_cursor: string | null },
  E | Problem
> {
  const limit = yield* limitOf(query);
  const cursor = query.get("cursor");
  if (cursor !== null && !(yield* isPlace(cursor)))
    return yield* wrongField(400, "cursor", "Expected the next_cursor of a page of this search");
  // One more tells whether there is another page.
  const asked = { limit: limit + 1, ...(cursor === null ? {} : { olderThan: cursor }) };
  const found = yield* find(asked);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const next_cursor = found.length > limit && last !== undefined ? idOf(last) : null;
  return { rows, next_cursor };
});

const maxLimit = 200;

/** How many a page holds; default 50. Fails with: Problem (400). */
export const limitOf = (query: URLSearchParams): Effect.Effect<number, Problem> => {
  const value = query.get("limit") ?? "50";
  const limit = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  return limit >= 1 && limit <= maxLimit
    ? Effect.succeed(limit)
    : Effect.fail(wrongField(400, "limit", `Expected a number from 1 to ${maxLimit}`));
};
