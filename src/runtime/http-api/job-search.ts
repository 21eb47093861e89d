/** What jobs a caller looks for: the words of a query or a body, checked, within what the caller may see. */
import { Effect } from "effect";
import type { Issue } from "../../steps/failure.ts";
import type { JobFilter } from "../journal-store.ts";
import type { Caller } from "./http-options.ts";
import { Problem } from "./problem.ts";

/** The words of a search and what each narrows. */
export const searchWords = ["status", "pipeline", "kind", "from", "to", "text"] as const;
type Word = (typeof searchWords)[number];

export type Asked = { readonly [Name in Word]?: unknown };

const statuses = ["pending", "processing", "failed", "complete", "cancelled"] as const;
const kinds = ["validation", "timeout", "provider", "policy", "defect"] as const;

/** The filter of the words. Fails with: Problem (400, with every word that is not as expected). */
export const filterOf = (asked: Asked, { tenant }: Caller): Effect.Effect<JobFilter, Problem> => {
  const errors: Array<Issue> = [];
  const take = <A>(path: Word, read: (value: unknown) => A | undefined, expected: string) => {
    const value = asked[path];
    if (value === undefined) return undefined;
    const taken = read(value);
    if (taken === undefined) errors.push({ path, message: `Expected ${expected}` });
    return taken;
  };
  const filter = {
    tenant: tenant ?? undefined,
    status: take("status", wordIn(statuses), `one of ${statuses.join(", ")}`),
    failureKind: take("kind", wordIn(kinds), `one of ${kinds.join(", ")}`),
    pipeline: take("pipeline", textOf, "a pipeline's name"),
    text: take("text", textOf, "a text that is not empty"),
    createdFrom: take("from", instantOf, "an instant such as 2026-01-31T12:00:00Z"),
    createdBefore: take("to", instantOf, "an instant such as 2026-01-31T12:00:00Z"),
  };
  const detail = "The search is not valid";
  return errors.length > 0
    ? Effect.fail(new Problem({ status: 400, detail, errors }))
    : Effect.succeed(withoutAbsent(filter));
};

const wordIn =
  <const Words extends ReadonlyArray<string>>(words: Words) =>
  (value: unknown): Words[number] | undefined =>
    words.find((word) => word === value);

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= 200 ? value : undefined;

const instantOf = (value: unknown): number | undefined => {
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
