/**
 * What a test names has to be there: an answer for a step that does not exist is given to nobody, and the test goes on
 * with one that was made up.
 */
import type { PipelinePlan } from "../../machines/plan.ts";

interface Naming {
  /** Who was told, such as `paths`. */
  readonly by: string;
  readonly option: string;
  readonly names: ReadonlyArray<string>;
  readonly known: ReadonlyArray<string>;
}

/** Throws a TypeError that says which names there are. */
export const refuseUnknownNames = ({ by, option, names, known }: Naming): void => {
  const stranger = names.find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const there = known.length === 0 ? "none" : [...new Set(known)].join(", ");
  throw new TypeError(
    `${by}: expected ${option} to name any of ${there}, got ${JSON.stringify(stranger)}`,
  );
};

/** The steps of the plans by name; those of one kind where it is said. */
export const stepNames = (
  plans: ReadonlyArray<PipelinePlan>,
  kind?: "run",
): ReadonlyArray<string> =>
  plans.flatMap(({ nodes }) =>
    nodes.flatMap(({ path, step }) =>
      kind === undefined || step.program.kind === kind ? [path] : [],
    ),
  );

/** The models that the plans' steps ask, as the steps write them. */
export const modelNames = (plans: ReadonlyArray<PipelinePlan>): ReadonlyArray<string> =>
  plans.flatMap(({ nodes }) =>
    nodes.flatMap(({ step: { program } }) => (program.kind === "model" ? [program.model] : [])),
  );
