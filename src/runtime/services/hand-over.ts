/** What one step hands to the next: outputs from the journal, decoded when somebody looks at them. */
import { Effect, Result, Schedule } from "effect";
import type { Schema } from "effect";
import type { Value, ValueOrEntry } from "../../machines/entry.ts";
import type { HandOver, PipelinePlan, StepNode } from "../../machines/plan.ts";
import { ValidationFailure } from "../../steps/failure.ts";
import type { AnySchema } from "../../steps/step.ts";
import { allAtOnce, mapAtOnce, thenAtOnce } from "./at-once.ts";
import { codecOf } from "./codecs.ts";
import type { ServiceJob } from "../jobs/job-host.ts";
import { assetsOfJob } from "../job-assets.ts";
import { inlineValue, loadValue, storeValue } from "../job-values.ts";

/** The JSON of an entry's payload. Storage trouble is a defect here: nothing can go on without it. */
export const jsonOf = (job: ServiceJob, value: ValueOrEntry): Effect.Effect<Schema.Json> =>
  "entry" in value
    ? thenAtOnce(payloadAt(job, value.entry), (found) => load(job, found))
    : load(job, value);

const load = (job: ServiceJob, value: Value): Effect.Effect<Schema.Json> =>
  "json" in value ? Effect.succeed(value.json) : Effect.orDie(loadValue(job.host.assets, value));

/** What was submitted, or what a step made of it. */
const outputAt = (job: ServiceJob, seq: number): Effect.Effect<Value> =>
  seq === job.context().submittedSeq
    ? mapAtOnce(job.entry(seq, "JobSubmitted"), ({ input }) => input)
    : mapAtOnce(job.entry(seq, "StepSucceeded"), ({ output }) => output);

/** The payload that the entry at `seq` holds: the job's input, a step's output, or a step's input. */
const payloadAt = (job: ServiceJob, seq: number): Effect.Effect<Value> => {
  const { submittedSeq, lastSeq, outputs } = job.context();
  // Mostly the last one: looking through all of them would cost a long chain more with every step.
  if (seq === submittedSeq || seq === lastSeq || Object.values(outputs).includes(seq))
    return outputAt(job, seq);
  return thenAtOnce(job.entry(seq, "StepStarted", "SignalAwaited"), ({ input }) =>
    "entry" in input ? payloadAt(job, input.entry) : Effect.succeed(input),
  );
};

/** From 50 ms, doubling, to five seconds. */
const untilThereIsRoom = Schedule.min([
  Schedule.exponential("50 millis"),
  Schedule.spaced("5 seconds"),
]);

/** A payload ready for an entry. An asset store in trouble is waited for: what a step made is not made again. */
export const keep = (job: ServiceJob, json: Schema.Json): Effect.Effect<Value> => {
  const inline = inlineValue(json);
  if (inline !== null) return Effect.succeed(inline);
  const stored = Effect.suspend(() => storeValue(assetsOfJob(job.host, job.jobId), json));
  return Effect.orDie(Effect.retry(stored, untilThereIsRoom));
};

/** What a mapper sees, with outputs decoded on first use. */
export const handOverOf = (job: ServiceJob): Effect.Effect<HandOver> => {
  const { outputs, submittedSeq } = job.context();
  const done = job.deployed.plan.nodes.filter(({ path }) => outputs[path] !== undefined);
  const seqs = [submittedSeq, ...done.map(({ path }) => outputs[path] ?? submittedSeq)];
  const payloads = allAtOnce(
    seqs.map((seq) => thenAtOnce(outputAt(job, seq), (found) => load(job, found))),
  );
  return mapAtOnce(payloads, (jsons) => handOverWith(job.deployed.plan, done, jsons));
};

/** The payloads are the input's and, in their order, those of the nodes that are done. */
const handOverWith = (
  plan: PipelinePlan,
  done: ReadonlyArray<StepNode>,
  [first = null, ...rest]: ReadonlyArray<Schema.Json>,
): HandOver => {
  const input = decoded(plan.input, first);
  const lazy: Record<string, unknown> = {};
  let last: () => unknown = input;
  for (const [index, { path, step }] of done.entries()) {
    const value = decoded(step.output, rest[index] ?? null);
    Object.defineProperty(lazy, path, { enumerable: true, get: value });
    last = value;
  }
  return {
    get input() {
      return input();
    },
    outputs: lazy,
    get last() {
      return last();
    },
  };
};

const decoded = (schema: AnySchema<unknown>, json: Schema.Json): (() => unknown) => {
  let value: { readonly of: unknown } | undefined;
  return () => {
    value ??= { of: mustDecode(schema, json) };
    return value.of;
  };
};

/** What was encoded by this schema once; if it does not decode any more, the schema was changed under the job. */
const mustDecode = (schema: AnySchema<unknown>, json: Schema.Json): unknown => {
  const result = codecOf(schema).decode(json);
  if (Result.isSuccess(result)) return result.success;
  throw new ValidationFailure({ at: "input", issues: result.failure });
};

/** The step's input as journaled: computed once, by its mapper or from the last output. Fails with: ValidationFailure. */
export const inputOf = (
  job: ServiceJob,
  node: StepNode,
): Effect.Effect<ValueOrEntry, ValidationFailure> => {
  const { lastSeq } = job.context();
  if (node.mapper === undefined && lastSchema(job, node) === node.step.input)
    return Effect.succeed({ entry: lastSeq });
  return thenAtOnce(handOverOf(job), (handOver) => encodedInput(job, node, handOver));
};

const encodedInput = (
  job: ServiceJob,
  node: StepNode,
  handOver: HandOver,
): Effect.Effect<ValueOrEntry, ValidationFailure> => {
  const { lastSeq } = job.context();
  const value = node.mapper === undefined ? handOver.last : node.mapper(handOver);
  const encoded = codecOf(node.step.input).encode(value);
  if (Result.isFailure(encoded))
    return new ValidationFailure({ at: "input", issues: encoded.failure });
  if (node.mapper !== undefined) return keep(job, encoded.success);
  return thenAtOnce(jsonOf(job, { entry: lastSeq }), (handedOver): Effect.Effect<ValueOrEntry> => {
    const isSame = JSON.stringify(handedOver) === JSON.stringify(encoded.success);
    return isSame ? Effect.succeed({ entry: lastSeq }) : keep(job, encoded.success);
  });
};

const lastSchema = (job: ServiceJob, node: StepNode): AnySchema<unknown> => {
  const { outputs, lastSeq } = job.context();
  const { plan } = job.deployed;
  const before = plan.nodes[(placesOf(plan).get(node.path) ?? 0) - 1];
  if (before !== undefined && outputs[before.path] === lastSeq) return before.step.output;
  return plan.nodes.find(({ path }) => outputs[path] === lastSeq)?.step.output ?? plan.input;
};

/** The journaled input of the present attempt, decoded. */
export const decodeInput = (
  job: ServiceJob,
  node: StepNode,
  input: ValueOrEntry,
): Effect.Effect<unknown> =>
  mapAtOnce(jsonOf(job, input), (json) => mustDecode(node.step.input, json));

export const nodeAt = (plan: PipelinePlan, path: string): StepNode | undefined =>
  plan.nodes[placesOf(plan).get(path) ?? -1];

const places = new WeakMap<PipelinePlan, ReadonlyMap<string, number>>();

/** Where each step stands: looking through all of them would cost a long chain more with every step. */
const placesOf = (plan: PipelinePlan): ReadonlyMap<string, number> => {
  const known = places.get(plan);
  if (known !== undefined) return known;
  const found = new Map(plan.nodes.map(({ path }, index) => [path, index]));
  places.set(plan, found);
  return found;
};
