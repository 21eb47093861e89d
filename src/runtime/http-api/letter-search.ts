/** What dead letters a caller looks for: the words of a query or a body, checked, within what the caller may see. */
import { Effect } from "effect";
import type { LetterFilter } from "../journal-dead-letters.ts";
import { Asking, instantOf, textOf, wordIn } from "./asking.ts";
import type { Caller } from "./http-options.ts";
import type { Problem } from "./problem.ts";

/** The words of a search and what each narrows. */
export const letterWords = ["source", "pipeline", "step", "kind", "cause", "from", "to"] as const;

const sources = ["job", "notification"] as const;
const kinds = ["validation", "timeout", "provider", "policy", "defect", "undeliverable"] as const;

/** The filter of the words. Fails with: Problem (400, with every word that is not as expected). */
export const letterFilterOf = (
  asked: Readonly<Record<string, unknown>>,
  { tenant }: Caller,
): Effect.Effect<LetterFilter, Problem> => {
  const asking = new Asking(asked);
  return asking.filter({
    tenant: tenant ?? undefined,
    source: asking.take("source", wordIn(sources), `one of ${sources.join(", ")}`),
    pipeline: asking.take("pipeline", textOf, "a pipeline's name"),
    step: asking.take("step", textOf, "a step's name"),
    kind: asking.take("kind", wordIn(kinds), `one of ${kinds.join(", ")}`),
    cause: asking.take("cause", textOf, "a cause as /dead-letters/causes names it"),
    diedFrom: asking.take("from", instantOf, "an instant such as 2026-01-31T12:00:00Z"),
    diedBefore: asking.take("to", instantOf, "an instant such as 2026-01-31T12:00:00Z"),
  });
};
