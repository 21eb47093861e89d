/**
 * What models write, as events without an id, so that whoever lost the line goes on after the last entry. It
 * is a model's raw answer before anybody has checked it: shown of the steps that say so, and to operators.
 */
import { Stream } from "effect";
import type { PipelinePlan } from "../../machines/plan.ts";
import { keyOf } from "../engine.ts";
import type { StateRecord } from "../journal-store.ts";
import type { Caller } from "./http-options.ts";
import type { ApiHost } from "./route.ts";

/** Ends with the job; nothing of a pipeline that is not deployed here. */
export const deltaEvents = (
  { engine }: ApiHost,
  { jobId, pipeline, version }: StateRecord,
  { scopes }: Caller,
): Stream.Stream<string> => {
  const plan = engine.deployed.get(keyOf({ name: pipeline, version }))?.plan;
  const shown = new Set(plan === undefined ? [] : shownSteps(plan, scopes.includes("operate")));
  if (shown.size === 0) return Stream.empty;
  const deltas = engine.deltas.listen(jobId, (step) => shown.has(step));
  return Stream.map(deltas, (delta) => `event: delta\ndata: ${JSON.stringify(delta)}\n\n`);
};

const shownSteps = ({ nodes }: PipelinePlan, isOperator: boolean): ReadonlyArray<string> =>
  nodes.flatMap(({ path, step: { program } }) =>
    program.kind === "model" && (isOperator || program.isStreamed) ? [path] : [],
  );
