/** Inputs and answers made from a pipeline's own schemas: the same seed, the same values. */
import { Arbitrary, Effect, Result, Schema } from "effect";
import type { PipelinePlan, StepNode } from "../../machines/plan.ts";
import type { AnyPipeline, InputOf } from "../../machines/pipeline.ts";
import type { SignalProgram } from "../../steps/signal-step.ts";
import type { AnySchema, ModelProgram } from "../../steps/step.ts";
import { codecOf } from "../services/codecs.ts";
import { checkGiven, type GivenAnswers } from "./given-answers.ts";
import { answerOf, mapDeep, withFiles } from "./raw-answers.ts";
import { sampleFile } from "./sample-file.ts";
import { checkNames } from "./test-option-error.ts";

/** No value can be made from a schema, or no answer that the step takes. */
export class NothingGenerated extends Error {
  override readonly name = "NothingGenerated";
}

interface Sampling {
  readonly seed: number;
  readonly count: number;
}

/** Small values read well in a failure. */
const size = 5;

const samplesOf = (schema: AnySchema<unknown>, what: string, { seed, count }: Sampling) => {
  const sampled = Effect.runSync(
    Effect.result(Arbitrary.sampleEffect(Arbitrary.schema(schema), { seed, count, size })),
  );
  if (Result.isSuccess(sampled)) return sampled.success.map((value) => withSample(schema, value));
  throw new NothingGenerated(
    `seed ${seed}: expected the schema of ${what} to give values, got ${sampled.failure.generated} of ${count}; give them yourself`,
  );
};

/** The value with every file it names replaced by one that is there. */
const withSample = (schema: AnySchema<unknown>, value: unknown): unknown => {
  const encoded = codecOf(schema).encode(value);
  if (Result.isFailure(encoded)) return value;
  let names = 0;
  const named = mapDeep(encoded.success, (one) => {
    if (!isReference(one)) return undefined;
    names += 1;
    return Object.assign({}, one, sampleFile);
  });
  const decoded = names === 0 ? encoded : codecOf(schema).decode(named);
  return names > 0 && Result.isSuccess(decoded) ? decoded.success : value;
};

const isReference = (json: Schema.Json): json is Schema.JsonObject =>
  typeof json === "object" && json !== null && "sha256" in json && "sizeBytes" in json;

/** Inputs that the pipeline takes, made from its input schema. Default: seed 1, ten of them. Throws NothingGenerated. */
export const inputsOf = <P extends AnyPipeline>(
  pipeline: P,
  options: { readonly seed?: number; readonly count?: number } = {},
): ReadonlyArray<InputOf<P>> => {
  const { seed = 1, count = 10 } = options;
  const { input, name } = pipeline.plan;
  return samplesOf(input, `the input of ${name}`, { seed, count });
};

/** Answers a model may give for each step, found by trying the step's own parser and schema on them. */
export interface StepAnswers {
  /** Raw output that the step takes; for a run step, the value itself; for a signal, the JSON that is sent. */
  readonly valid: unknown;
  /** All that is known of these, no two alike, the one above first. */
  readonly valids: ReadonlyArray<unknown>;
  /** What the step does not take; undefined where it takes everything. */
  readonly invalid: unknown;
  /** What its `refuse` blocks; undefined where it blocks nothing that was tried. */
  readonly refused: Schema.Json | undefined;
}

/** How many values of a schema are tried. */
export const tries = 40;

/** Answers for one step. Throws NothingGenerated where no valid one is found, TestOptionError where a given one is not what it is said to be. */
export const answersFor = (node: StepNode, seed: number, given: GivenAnswers = {}): StepAnswers => {
  checkGiven(node, given);
  const { valids, ...made } = madeFor(node, seed, given);
  const [valid] = valids;
  return "valid" in given
    ? { valid, ...made, ...given, valids: [given.valid] }
    : { valid, ...made, ...given, valids };
};

/** The answers with which the path at that index runs: another way to succeed, and the same ways to fail. */
export const answersAt = (
  answers: ReadonlyMap<string, StepAnswers>,
  index: number,
): ReadonlyMap<string, StepAnswers> =>
  new Map(
    [...answers].map(([path, known]) => [
      path,
      { ...known, valid: known.valids[index % known.valids.length] },
    ]),
  );

type MadeAnswers = Omit<StepAnswers, "valid">;

const madeFor = (node: StepNode, seed: number, given: GivenAnswers): MadeAnswers => {
  const { program } = node.step;
  if (program.kind === "model") return modelAnswers(node, program, { seed, given });
  return program.kind === "signal"
    ? signalAnswers(node, program, seed)
    : runAnswers(node, seed, given);
};

/** No two that are the same JSON. */
const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

/** Signals by what the step makes of them. What it would not even take never reaches a job. */
const signalAnswers = (
  { path, step }: StepNode,
  program: SignalProgram,
  seed: number,
): MadeAnswers => {
  const signals = samplesOf(program.signal, `the signal ${path}`, { seed, count: tries });
  const [input] = samplesOf(step.input, `the input of ${path}`, { seed, count: 1 });
  const isRefused = (signal: unknown): boolean =>
    // Both are values of the step's own schemas, which is what `never` stands for.
    program.refuse?.({ input: input as never, signal: signal as never }) !== undefined;
  const jsonOf = (signal: unknown): Schema.Json | undefined =>
    signal === undefined
      ? undefined
      : Result.getOrElse(codecOf(program.signal).encode(signal), () => undefined);
  return {
    valids: distinct(signals.filter((signal) => !isRefused(signal)).map(jsonOf)),
    invalid: undefined,
    refused: jsonOf(signals.find(isRefused)),
  };
};

const runAnswers = ({ path, step }: StepNode, seed: number, given: GivenAnswers): MadeAnswers => {
  const { encode } = codecOf(step.output);
  const valids =
    "valid" in given ? [] : samplesOf(step.output, `the output of ${path}`, { seed, count: tries });
  const invalid = oddities.find((odd) => Result.isFailure(encode(odd)));
  return { valids, invalid, refused: undefined };
};

/** Some of these no schema takes but one that takes everything. */
const oddities: ReadonlyArray<Schema.Json> = [null, "", "not what was asked for", 17, {}, []];

const modelAnswers = (
  node: StepNode,
  program: ModelProgram,
  { seed, given }: { readonly seed: number; readonly given: GivenAnswers },
): MadeAnswers => {
  const verdicts = "valid" in given ? [] : verdictsOn(node, program, seed);
  const valids = distinct(verdicts.filter(({ isRefused }) => !isRefused).map(({ raw }) => raw));
  if (valids.length === 0 && !("valid" in given))
    throw new NothingGenerated(
      `seed ${seed}: no generated answer passes the parser and the schema of ${node.path}: give answers: { ${JSON.stringify(node.path)}: { valid: ... } }`,
    );
  return {
    valids,
    invalid: oddities.find((raw) => answerOf(program, raw) === undefined),
    refused: verdicts.find(({ isRefused }) => isRefused)?.raw,
  };
};

interface Verdict {
  readonly raw: Schema.Json;
  readonly isRefused: boolean;
}

const verdictsOn = (
  node: StepNode,
  program: ModelProgram,
  seed: number,
): ReadonlyArray<Verdict> => {
  const { answer } = program;
  const answers = samplesOf(answer, `the output of ${node.path}`, { seed, count: tries });
  const [sampleInput] = samplesOf(node.step.input, `the input of ${node.path}`, { seed, count: 1 });
  return answers.flatMap((value) => {
    const encoded = codecOf(answer).encode(value);
    if (Result.isFailure(encoded)) return [];
    return rawForms(encoded.success).flatMap((raw) => {
      const decoded = answerOf(program, raw);
      if (decoded === undefined) return [];
      const refusal = program.refuse?.({
        // Both are values of the step's own schemas, which is what `never` stands for.
        input: sampleInput as never,
        // As above.
        output: decoded.value as never,
      });
      return [{ raw, isRefused: refusal !== undefined }];
    });
  });
};

/** The value as a model might write it: as it is, as JSON text, or one of its parts alone. */
const rawForms = (encoded: Schema.Json): ReadonlyArray<Schema.Json> => {
  const raw = withFiles(encoded);
  const parts = typeof raw === "object" && raw !== null ? Object.values(raw) : [];
  return [...(typeof raw === "string" ? [] : [JSON.stringify(raw)]), raw, ...parts];
};

/** Answers for every step of a pipeline, by path. Throws as `answersFor`, and TestOptionError where some are for no step. */
export const answersOf = (
  plan: PipelinePlan,
  seed: number,
  given: Readonly<Record<string, GivenAnswers>> = {},
): ReadonlyMap<string, StepAnswers> => {
  const names = plan.nodes.map(({ path }) => path);
  checkNames("answers", Object.keys(given), names);
  return new Map(plan.nodes.map((node) => [node.path, answersFor(node, seed, given[node.path])]));
};
