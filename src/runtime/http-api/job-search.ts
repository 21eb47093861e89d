/** What jobs a caller looks for: the words of a query or a body, checked, within what the caller may see. */
import type { Effect } from "effect";
import type { JobFilter } from "../journal-store.ts";
import { Asking, instantOf, textOf, wordIn } from "./asking.ts";
import type { Caller } from "./http-options.ts";
import type { Problem } from "./problem.ts";

/** The words of a search and what each narrows. */
export const searchWords = ["status", "pipeline", "kind", "from", "to", "text"] as const;
type Word = (typeof searchWords)[number];

export type Asked = { readonly [Name in Word]?: unknown };

const statuses = ["pending", "processing", "failed", "complete", "cancelled"] as const;
const kinds = ["validation", "timeout", "provider", "policy", "defect"] as const;

/** The filter of the words. Fails with: Problem (400, with every word that is not as expected). */
export const filterOf = (asked: Asked, { tenant }: Caller): Effect.Effect<JobFilter, Problem> => {
  const asking = new Asking(asked);
  return asking.filter({
    tenant: tenant ?? undefined,
    status: asking.take("status", wordIn(statuses), `one of ${statuses.join(", ")}`),
    failureKind: asking.take("kind", wordIn(kinds), `one of ${kinds.join(", ")}`),
    pipeline: asking.take("pipeline", textOf, "a pipeline's name"),
    text: asking.take("text", textOf, "a text that is not empty"),
    createdFrom: asking.take("from", instantOf, "an instant such as 2026-01-31T12:00:00Z"),
    createdBefore: asking.take("to", instantOf, "an instant such as 2026-01-31T12:00:00Z"),
  });
};
