/** A pipeline as plain data: what the builder writes down and the compiler reads. */
import type { SignalProgram } from "../steps/signal-step.ts";
import type { AnySchema, AnyStep } from "../steps/step.ts";

/** What a mapper sees: the job's input, every output so far by step name, and the last one. */
export interface HandOver {
  readonly input: unknown;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly last: unknown;
}

export interface StepNode {
  readonly kind: "step";
  /** The journal path: a step's name; later also `render/3` for the third item of a loop. */
  readonly path: string;
  readonly step: AnyStep;
  /** Absent: the last output is the input. */
  readonly mapper: ((handOver: HandOver) => unknown) | undefined;
}

export interface OutputNode {
  readonly schema: AnySchema<unknown>;
  readonly map: (handOver: HandOver) => unknown;
}

export interface PipelinePlan {
  readonly name: string;
  readonly version: number;
  readonly input: AnySchema<unknown>;
  readonly nodes: ReadonlyArray<StepNode>;
  readonly output: OutputNode;
}

/** The state in which the pipeline's output is shaped; not a step name anybody can take. */
export const outputPath = "(output)";

/** The service that sees a cancel through; not a step name anybody can take. */
export const cancellingService = "(cancelling)";

/** A step that waits for the signal of its name. */
export interface SignalNode extends StepNode {
  readonly program: SignalProgram;
}

/** The steps that wait for a signal, in their order. */
export const signalNodes = (nodes: ReadonlyArray<StepNode>): ReadonlyArray<SignalNode> =>
  nodes.flatMap((node) => {
    const { program } = node.step;
    return program.kind === "signal" ? [{ ...node, program }] : [];
  });
