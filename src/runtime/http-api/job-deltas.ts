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

/** Ends with the job. */
export const deltaEvents = (
  { engine }: ApiHost,
  { jobId, pipeline, version }: StateRecord,
  { scopes }: Caller,
): Stream.Stream<string> => {
  const plan = engine.deployed.get(keyOf({ name: pipeline, version }))?.plan;
  const streamed = new Set(plan === undefined ? [] : streamedSteps(plan));
  const isOperator = scopes.includes("operate");
  if (!isOperator && streamed.size === 0) return Stream.empty;
  const deltas = engine.deltas.listen(jobId, (step) => isOperator || streamed.has(step));
  return Stream.map(deltas, (delta) => `event: delta\ndata: ${JSON.stringify(delta)}\n\n`);
};

const streamedSteps = ({ nodes }: PipelinePlan): ReadonlyArray<string> =>
  nodes.flatMap(({ path, step: { program } }) =>
    program.kind === "model" && program.isStreamed ? [path] : [],
  );
