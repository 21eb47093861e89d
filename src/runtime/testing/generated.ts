/** Inputs and answers made from a pipeline's own schemas: the same seed, the same values. */
import { Arbitrary, Effect, Result, Schema } from "effect";
import type { PipelinePlan, StepNode } from "../../machines/plan.ts";
import type { AnyPipeline, InputOf } from "../../machines/pipeline.ts";
import type { SignalProgram } from "../../steps/signal-step.ts";
import type { AnySchema, ModelProgram } from "../../steps/step.ts";
import { codecOf } from "../services/codecs.ts";
import { sampleFile } from "./sample-file.ts";
import { onePixelPng } from "./scripted-provider.ts";

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
  /** What the step does not take; undefined where it takes everything. */
  readonly invalid: unknown;
  /** What its `refuse` blocks; undefined where it blocks nothing that was tried. */
  readonly refused: Schema.Json | undefined;
}

/** What a user says of a step's answers; the rest is made from the schemas. */
export interface GivenAnswers {
  readonly valid?: unknown;
  readonly invalid?: unknown;
  readonly refused?: Schema.Json;
}

/** How many values of a schema are tried. */
const tries = 40;

/** Answers for one step. Throws NothingGenerated where no valid one is found. */
export const answersFor = (node: StepNode, seed: number, given: GivenAnswers = {}): StepAnswers => {
  const { program } = node.step;
  if (program.kind === "model")
    return { ...modelAnswers(node, program, { seed, given }), ...given };
  const made =
    program.kind === "signal" ? signalAnswers(node, program, seed) : runAnswers(node, seed, given);
  return { ...made, ...given };
};

/** Signals by what the step makes of them. What it would not even take never reaches a job. */
const signalAnswers = (
  { path, step }: StepNode,
  program: SignalProgram,
  seed: number,
): StepAnswers => {
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
    valid: jsonOf(signals.find((signal) => !isRefused(signal))),
    invalid: undefined,
    refused: jsonOf(signals.find(isRefused)),
  };
};

const runAnswers = ({ path, step }: StepNode, seed: number, given: GivenAnswers): StepAnswers => {
  const { encode } = codecOf(step.output);
  const valid =
    "valid" in given
      ? given.valid
      : samplesOf(step.output, `the output of ${path}`, { seed, count: 1 })[0];
  const invalid = oddities.find((odd) => Result.isFailure(encode(odd)));
  return { valid, invalid, refused: undefined };
};

/** Some of these no schema takes but one that takes everything. */
const oddities: ReadonlyArray<Schema.Json> = [null, "", "not what was asked for", 17, {}, []];

const modelAnswers = (
  node: StepNode,
  program: ModelProgram,
  { seed, given }: { readonly seed: number; readonly given: GivenAnswers },
): StepAnswers => {
  const verdicts = "valid" in given ? [] : verdictsOn(node, program, seed);
  const valid = "valid" in given ? given.valid : verdicts.find(({ isRefused }) => !isRefused)?.raw;
  if (valid === undefined)
    throw new NothingGenerated(
      `seed ${seed}: no generated answer passes the parser and the schema of ${node.path}: give answers: { ${JSON.stringify(node.path)}: { valid: ... } }`,
    );
  return {
    valid,
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

/** What the step would read in the raw answer; undefined where it refuses it. */
const answerOf = (
  program: ModelProgram,
  raw: Schema.Json,
): { readonly value: unknown } | undefined => {
  const parsed = program.parse(withAssets(raw));
  if (Result.isFailure(parsed)) return undefined;
  const decoded = codecOf(program.answer).decode(parsed.success);
  return Result.isSuccess(decoded) ? { value: decoded.success } : undefined;
};

const mapDeep = (
  json: Schema.Json,
  replace: (json: Schema.Json) => Schema.Json | undefined,
): Schema.Json => {
  const replaced = replace(json);
  if (replaced !== undefined) return replaced;
  if (isList(json)) return json.map((item) => mapDeep(item, replace));
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => [key, mapDeep(value, replace)]),
  );
};

const isList = (json: Schema.Json): json is Schema.JsonArray => Array.isArray(json);

/** Assets as a provider hands them over: by URL. */
const withFiles = (json: Schema.Json): Schema.Json =>
  mapDeep(json, (one) =>
    typeof one === "object" && one !== null && "sha256" in one ? onePixelPng : undefined,
  );

/** The other way round, as settlement does it. */
const withAssets = (json: Schema.Json): Schema.Json =>
  mapDeep(json, (one) =>
    typeof one === "string" && one.startsWith("data:") ? anAsset : undefined,
  );

const anAsset: Schema.Json = {
  sha256: "0".repeat(64),
  url: "memory:0",
  contentType: "image/png",
  sizeBytes: 70,
};

/** Answers for every step of a pipeline, by path. */
export const answersOf = (
  plan: PipelinePlan,
  seed: number,
  given: Readonly<Record<string, GivenAnswers>> = {},
): ReadonlyMap<string, StepAnswers> =>
  new Map(plan.nodes.map((node) => [node.path, answersFor(node, seed, given[node.path])]));
