/**
 * One step of a pipeline as a pipeline of its own, for `--only`: its jobs are durable as others are, under
 * a name that no pipeline can have, `poster(image)`, so that no process takes them for jobs of the whole.
 */
import { Effect } from "effect";
import type { AnyPipeline } from "../../machines/pipeline.ts";
import { UsageError } from "./ending.ts";

const nameOf = (pipeline: string, path: string): string => `${pipeline}(${path})`;

/** Takes the step's input, returns its output. Fails with: UsageError. */
export const oneStepOf = (
  { plan }: AnyPipeline,
  path: string,
): Effect.Effect<AnyPipeline, UsageError> => {
  const node = plan.nodes.find((candidate) => candidate.path === path);
  if (node === undefined) {
    const steps = plan.nodes.map((candidate) => candidate.path).join(", ");
    const message = `The pipeline ${plan.name} has no step ${JSON.stringify(path)}; it has ${steps}.`;
    return Effect.fail(new UsageError({ message }));
  }
  const name = nameOf(plan.name, path);
  const { step } = node;
  return Effect.succeed({
    name,
    plan: {
      name,
      version: plan.version,
      input: step.input,
      nodes: [{ kind: "step", path, step, mapper: undefined }],
      output: { schema: step.output, map: ({ last }) => last },
    },
  });
};

/** The pipelines, and each step of each as a pipeline of its own. */
export const withSteps = (
  pipelines: ReadonlyArray<AnyPipeline>,
): Effect.Effect<ReadonlyArray<AnyPipeline>, UsageError> =>
  Effect.map(
    Effect.forEach(
      pipelines.flatMap((pipeline) => pipeline.plan.nodes.map(({ path }) => ({ pipeline, path }))),
      ({ pipeline, path }) => oneStepOf(pipeline, path),
    ),
    (steps) => [...pipelines, ...steps],
  );
