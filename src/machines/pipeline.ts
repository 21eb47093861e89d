/**
 * The pipeline builder: a draft takes steps, `.output` ends it. Every draft and pipeline is immutable
 * plain data; a wrong hand-over, a name taken twice and an unfinished draft are errors of the compiler,
 * at their line and in one sentence, and what types cannot say is checked when the pipeline is built.
 */
import { Schema } from "effect";
import type { Scope } from "effect";
import type { AssetStore } from "../steps/asset-store.ts";
import type { Failure } from "../steps/failure.ts";
import type { AnySchema, AnyStep, Step } from "../steps/step.ts";
import type { PipelinePlan, StepNode } from "./plan.ts";

/** A pipeline that cannot be: `field` of `pipeline` is not as `expected`. Thrown where it is built. */
export class PipelineError extends Schema.TaggedError<PipelineError>()("PipelineError", {
  pipeline: Schema.String,
  field: Schema.Literals(["name", "version", "step", "steps"]),
  expected: Schema.String,
  /** The refused value as text. */
  got: Schema.String,
}) {
  override get message(): string {
    return `Pipeline ${JSON.stringify(this.pipeline)}: expected ${this.field} to be ${this.expected}, got ${this.got}`;
  }
}

/**
 * A finished pipeline. F is what its jobs may fail with, R the services a user's layer must provide, Signals
 * what its jobs may be sent, by name.
 */
export interface Pipeline<Name extends string, In, Out, F extends Failure, R, Signals = {}> {
  readonly name: Name;
  readonly plan: PipelinePlan;
  /** Only for the compiler. */
  readonly "~types"?: {
    readonly input: In;
    readonly output: Out;
    readonly failure: F;
    readonly services: R;
    readonly signals: Signals;
  };
}

/** Any pipeline, whatever its types. */
// oxlint-disable-next-line typescript/no-explicit-any -- whoever takes any pipeline forgets their types on purpose
export type AnyPipeline = Pipeline<string, any, any, Failure, any, any>;

type TypesOf<P extends AnyPipeline> = NonNullable<P["~types"]>;

/** What a job of the pipeline is submitted with. */
export type InputOf<P extends AnyPipeline> = TypesOf<P>["input"];
/** What a completed job of the pipeline answers. */
export type OutputOf<P extends AnyPipeline> = TypesOf<P>["output"];
/** What a job of the pipeline may fail with, defects aside. */
export type FailureOf<P extends AnyPipeline> = TypesOf<P>["failure"];
/** The services that a layer must provide; those the runtime provides are left out. */
export type ServicesOf<P extends AnyPipeline> = TypesOf<P>["services"];
/** What a job of the pipeline may be sent, by the name of the step that waits for it. */
export type SignalsOf<P extends AnyPipeline> = TypesOf<P>["signals"];

/** What every step gets from the runtime, whatever the user's layer holds. */
type RuntimeServices = AssetStore | Scope.Scope;

/** What a mapper sees: the job's input, every output so far by step name, and the last one. */
export interface MapperScope<In, Outputs, Last> {
  readonly input: In;
  readonly outputs: Outputs;
  readonly last: Last;
}

/** Nothing where the last value is what the step takes, else a sentence, which no step is. */
type Fits<Name extends string, Last, I, Giver extends string> = [Last] extends [I]
  ? unknown
  : `step "${Name}" takes what ${Giver}: add a mapper as the second argument, ({ input, outputs, last }) => ...`;

/** Nothing where the name is free, else a sentence, which no step is. A name known only at run time is checked then. */
type Fresh<Name extends string, Outputs> = string extends Name | keyof Outputs
  ? unknown
  : Name extends keyof Outputs
    ? `step "${Name}" is in this pipeline already: add it as .as("another-name")`
    : unknown;

/** A plan that `.output` has yet to end. */
export interface UnfinishedPlan extends Omit<PipelinePlan, "output"> {}

/** What the step may be sent, by its name; nothing where it waits for no signal. */
type SignalOf<N extends string, S> = [S] extends [never] ? unknown : { readonly [Key in N]: S };

/** The draft after one more step. */
type Extended<
  Name extends string,
  In,
  Outputs,
  N extends string,
  O,
  F extends Failure,
  R,
  Signals,
> = Draft<
  Name,
  In,
  Outputs & { readonly [Key in N]: O },
  O,
  `step "${N}" does not return`,
  F,
  Exclude<R, RuntimeServices>,
  Signals
>;

/** A pipeline in the making; what `Last` and `Giver` are is for the compiler's sentences. */
export interface Draft<
  Name extends string,
  In,
  Outputs,
  Last,
  Giver extends string,
  F extends Failure,
  R,
  Signals,
> {
  readonly name: Name;
  readonly plan: UnfinishedPlan;
  /** Adds a step that takes the last output. Fails with: PipelineError, thrown. */
  step<N extends string, I, O, F2 extends Failure, R2, S>(
    step: Step<N, I, O, F2, R2, S> &
      Fits<NoInfer<N>, Last, NoInfer<I>, Giver> &
      Fresh<NoInfer<N>, Outputs>,
  ): Extended<Name, In, Outputs, N, O, F | F2, R | R2, Signals & SignalOf<N, S>>;
  /** Adds a step that takes what the mapper makes of the input and the outputs so far. Fails with: PipelineError, thrown. */
  step<N extends string, I, O, F2 extends Failure, R2, S, const Mapped extends I>(
    step: Step<N, I, O, F2, R2, S> & Fresh<NoInfer<N>, Outputs>,
    mapper: (scope: MapperScope<In, Outputs, Last>) => Mapped,
  ): Extended<Name, In, Outputs, N, O, F | F2, R | R2, Signals & SignalOf<N, S>>;
  /** Ends the pipeline: the schema and the shape of what users see. Fails with: PipelineError, thrown. */
  output<Out, const Mapped extends Out>(
    schema: AnySchema<Out>,
    map: (scope: MapperScope<In, Outputs, Last>) => Mapped,
  ): Pipeline<Name, In, Out, F, R, Signals>;
}

export const Pipeline = {
  /**
   * Starts a draft. A name is lower-case letters, digits and hyphens and begins with a letter; the
   * version is a positive integer. Fails with: PipelineError, thrown.
   */
  make: <const Name extends string, In>(
    name: Name,
    options: { readonly version: number; readonly input: AnySchema<In> },
  ): Draft<Name, In, {}, In, `pipeline "${Name}" is not given`, never, never, {}> => {
    const { version, input } = options;
    if (!isName(name)) throw refused(name, "name", { expected: aName, got: name });
    if (!Number.isSafeInteger(version) || version < 1) {
      throw refused(name, "version", { expected: "a positive integer", got: version });
    }
    return draft(name, { name, version, input, nodes: [] });
  },
} as const;

const draft = <Name extends string>(name: Name, plan: UnfinishedPlan): AnyDraft<Name> => ({
  name,
  plan,
  step: (step: AnyStep, mapper?: Mapper) =>
    draft(name, { ...plan, nodes: [...plan.nodes, stepNode(plan, step, mapper)] }),
  output: (schema, map) => {
    if (plan.nodes.length === 0) {
      throw refused(name, "steps", { expected: "at least one step before .output", got: "none" });
    }
    return { name, plan: { ...plan, output: { schema, map } } };
  },
});

const stepNode = (plan: UnfinishedPlan, step: AnyStep, mapper: Mapper | undefined): StepNode => {
  // Modules that import each other in a circle see what is not there yet.
  if (!isStep(step)) throw refused(plan.name, "step", { expected: "a step", got: step });
  const { name } = step;
  if (!isName(name)) throw refused(plan.name, "step", { expected: aName, got: name });
  if (plan.nodes.some((node) => node.path === name)) {
    const expected =
      'a name of its own in the pipeline (a step is used again as .as("another-name"))';
    throw refused(plan.name, "step", { expected, got: name });
  }
  return { kind: "step", path: name, step, mapper };
};

const isStep = (step: unknown): boolean =>
  typeof step === "object" && step !== null && "program" in step;

/** Names stand in journals, URLs and diagrams, and so need no quoting anywhere. */
const namePattern = /^[a-z][a-z0-9-]*$/;

const aName = `a name of lower-case letters, digits and hyphens that begins with a letter, ${String(namePattern)}`;

// Users of plain JavaScript have no types: a name may be anything.
const isName = (name: unknown): name is string =>
  typeof name === "string" && namePattern.test(name);

const refused = (
  pipeline: unknown,
  field: PipelineError["field"],
  { expected, got }: { readonly expected: string; readonly got: unknown },
): PipelineError =>
  new PipelineError({
    pipeline: String(pipeline),
    field,
    expected,
    got: typeof got === "string" ? JSON.stringify(got) : String(got),
  });

// oxlint-disable-next-line typescript/no-explicit-any -- types are the callers' business: at run time a draft is its plan
type AnyDraft<Name extends string> = Draft<Name, any, any, any, any, never, never, any>;

// A mapper's types are checked where it is given; from there on values reach it through the schemas.
// oxlint-disable-next-line typescript/no-explicit-any -- checked elsewhere, as said above
type Mapper = (scope: any) => unknown;
