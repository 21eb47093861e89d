/** A pipeline for people and tools: what its steps promise, as data. Pure; no user function is called. */
import { type JsonSchema, Schema } from "effect";
import type { FailureKind } from "../steps/failure.ts";
import type { RetryPolicy } from "../steps/retry.ts";
import type { AnySchema, OnUnknown } from "../steps/step.ts";
import type { TimeoutPolicy } from "../steps/timeout.ts";
import type { PipelinePlan, StepNode } from "./plan.ts";

/** Plain JSON. Schemas are JSON Schemas (draft 2020-12) of the values as journals and HTTP hold them. */
export interface PipelineDescription {
  readonly name: string;
  readonly version: number;
  readonly input: JsonSchema.JsonSchema;
  readonly output: JsonSchema.JsonSchema;
  readonly steps: ReadonlyArray<StepDescription>;
}

export interface StepDescription {
  readonly path: string;
  readonly kind: "run" | "model";
  /** Where the input comes from. */
  readonly takes: "last output" | "mapper";
  readonly input: JsonSchema.JsonSchema;
  readonly output: JsonSchema.JsonSchema;
  /** Validation and timeout are always possible and always listed. */
  readonly fails: ReadonlyArray<FailureKind>;
  readonly timeout: TimeoutPolicy;
  readonly retry: RetryPolicy;
  readonly isRepeatable: boolean;
  /** Null where the step runs a function. */
  readonly model: ModelDescription | null;
}

interface ModelDescription {
  readonly name: string;
  readonly repair: number;
  readonly onUnknown: OnUnknown;
  /** How old an earlier job's answer may be that is used again; null: none is. */
  readonly reuseMs: number | null;
}

/** The pipeline as plain JSON; the same pipeline gives the same description. */
export const describePipeline = ({
  plan,
}: {
  readonly plan: PipelinePlan;
}): PipelineDescription => ({
  name: plan.name,
  version: plan.version,
  input: jsonSchemaOf(plan.input),
  output: jsonSchemaOf(plan.output.schema),
  steps: plan.nodes.map(describeStep),
});

const describeStep = ({ path, step, mapper }: StepNode): StepDescription => ({
  path,
  kind: step.program.kind,
  takes: mapper === undefined ? "last output" : "mapper",
  input: jsonSchemaOf(step.input),
  output: jsonSchemaOf(step.output),
  fails: [...new Set<FailureKind>(["validation", "timeout", ...step.fails])],
  timeout: step.timeout,
  retry: step.retry,
  isRepeatable: step.isRepeatable,
  model: modelOf(step.program),
});

const modelOf = (program: StepNode["step"]["program"]): ModelDescription | null =>
  program.kind === "run"
    ? null
    : {
        name: program.model,
        repair: program.repair,
        onUnknown: program.onUnknown,
        reuseMs: program.reuseMs,
      };

const jsonSchemaOf = (schema: AnySchema<unknown>): JsonSchema.JsonSchema => {
  const { schema: json, definitions } = Schema.toJsonSchemaDocument(schema);
  return Object.keys(definitions).length === 0 ? json : { ...json, $defs: definitions };
};
