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
  readonly kind: "run" | "model" | "signal";
  /** Where the input comes from. */
  readonly takes: "last output" | "mapper";
  readonly input: JsonSchema.JsonSchema;
  readonly output: JsonSchema.JsonSchema;
  /** Validation and timeout are always possible and always listed. */
  readonly fails: ReadonlyArray<FailureKind>;
  /** Null where the step waits for a signal: it makes no attempts. */
  readonly timeout: TimeoutPolicy | null;
  readonly retry: RetryPolicy;
  readonly isRepeatable: boolean;
  /** Null where the step asks no model. */
  readonly model: ModelDescription | null;
  /** Null where the step waits for no signal. */
  readonly signal: SignalDescription | null;
}

interface SignalDescription {
  /** What is sent, as JSON Schema. */
  readonly value: JsonSchema.JsonSchema;
  /** How long it is waited for; null: as long as it takes. */
  readonly timeoutMs: number | null;
}

interface ModelDescription {
  readonly name: string;
  readonly repair: number;
  readonly onUnknown: OnUnknown;
  /** How old an earlier job's answer may be that is used again; null: none is. */
  readonly reuseMs: number | null;
  /** That job may be of another tenant. */
  readonly isReusedAcrossTenants: boolean;
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
  timeout: step.program.kind === "signal" ? null : step.timeout,
  retry: step.retry,
  isRepeatable: step.isRepeatable,
  model: modelOf(step.program),
  signal: signalOf(step.program),
});

type Program = StepNode["step"]["program"];

const modelOf = (program: Program): ModelDescription | null =>
  program.kind === "model"
    ? {
        name: program.model,
        repair: program.repair,
        onUnknown: program.onUnknown,
        reuseMs: program.reuseMs,
        isReusedAcrossTenants: program.isReusedAcrossTenants,
      }
    : null;

const signalOf = (program: Program): SignalDescription | null =>
  program.kind === "signal"
    ? { value: jsonSchemaOf(program.signal), timeoutMs: program.timeoutMs }
    : null;

const jsonSchemaOf = (schema: AnySchema<unknown>): JsonSchema.JsonSchema => {
  const { schema: json, definitions } = Schema.toJsonSchemaDocument(schema);
  return Object.keys(definitions).length === 0 ? json : { ...json, $defs: definitions };
};
