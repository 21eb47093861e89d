/** Everything there is to say about one job, as data: from its record, its journal and its ledger. */
import { Effect, Option, Schema } from "effect";
import type { Entry, EntryOf, Receipt, Value } from "../../machines/entry.ts";
import {
  decodeFailure,
  type FailureData,
  operatorMessageOf,
  type RestKind,
  type ValidationFailure,
} from "../../steps/failure.ts";
import { Redaction } from "../inspection-redaction.ts";
import type { PredictionRow, StateRecord, StoreFailure } from "../journal-store.ts";
import type { JobUnavailable } from "../outcome.ts";
import { Answer } from "../predictions/settlement.ts";
import type { JobState, StoredJobs } from "../stored-jobs.ts";
import { answeredAt, receivedAt } from "./received.ts";

export interface JobReport {
  readonly job: Omit<StateRecord, "inputPayload" | "normalizedOutput" | "rawReference">;
  /** Null where its bytes are gone from the asset store. */
  readonly input: Schema.Json;
  /** The last committed output. */
  readonly output: Schema.Json;
  readonly steps: ReadonlyArray<StepReport>;
  readonly failure: FailureReport | null;
  readonly predictions: ReadonlyArray<PredictionReport>;
  /** The journal; the keys of intents are replaced by names. */
  readonly entries: ReadonlyArray<Schema.Json>;
}

export interface StepReport {
  readonly path: string;
  readonly status: "done" | "failed" | "running" | "waiting";
  readonly attempts: number;
  /** From its first beginning to its last entry so far. */
  readonly tookMs: number;
  readonly costMicros: number;
}

export interface FailureReport {
  readonly step: string;
  readonly kind: RestKind;
  readonly message: string;
  readonly issues: ReadonlyArray<{
    readonly path: string;
    readonly expected: string;
    readonly received: string | null;
  }>;
  /** The model's last answer to this step, as it came. */
  readonly answer: Schema.Json;
  readonly hasAnswer: boolean;
  /** Of a defect: the stack's first line in user code. */
  readonly at: string | null;
  /** What this step has cost, in millionths of a US dollar. */
  readonly costMicros: number;
}

export interface PredictionReport extends Pick<
  PredictionRow,
  "path" | "attempt" | "call" | "provider" | "model" | "state" | "predictionId" | "status"
> {
  readonly receipt: Receipt | null;
}

/** Fails with: StoreFailure, JobUnavailable. */
export const reportOf = Effect.fnUntraced(function* (
  jobs: StoredJobs,
  jobId: string,
): Effect.fn.Return<JobReport, StoreFailure | JobUnavailable> {
  const state = yield* jobs.state(jobId);
  const { inputPayload, normalizedOutput, rawReference: _raw, ...job } = state.record;
  const value = (kept: Value | null): Effect.Effect<Schema.Json> =>
    kept === null ? Effect.succeed(null) : Effect.orElseSucceed(jobs.value(kept), () => null);
  const input = yield* value(inputPayload);
  const redaction = new Redaction({ payloads: "shown" });
  return {
    job,
    input,
    output: yield* value(normalizedOutput),
    steps: stepsOf(state),
    failure: yield* failureOf(state, input, value),
    predictions: state.predictions.map(predictionOf),
    entries: state.entries.map((entry) => redaction.entry(entry)),
  };
});

const predictionOf = (row: PredictionRow): PredictionReport => {
  const { path, attempt, call, provider, model, state, predictionId, status, receipt } = row;
  return { path, attempt, call, provider, model, state, predictionId, status, receipt };
};

const stepsOf = ({ entries, predictions, record }: JobState): ReadonlyArray<StepReport> => {
  const begun = entries.filter(
    (entry): entry is EntryOf<"StepStarted"> => entry.type === "StepStarted",
  );
  const reached = entries.flatMap((entry) =>
    entry.type === "StepStarted" || entry.type === "SignalAwaited" ? [entry.path] : [],
  );
  const paths = [...new Set([...reached, ...failedPaths(record)])];
  return paths.map((path) => {
    const own = entries.filter((entry) => "path" in entry && entry.path === path);
    const last = own.findLast(({ type }) => type === "StepSucceeded" || type === "StepFailed");
    const isFailed = record.status === "failed" && record.currentStep === path;
    return {
      path,
      status: isFailed ? "failed" : last?.type === "StepSucceeded" ? "done" : goingOn(own),
      attempts: Math.max(0, ...begun.filter((entry) => entry.path === path).map(attemptOf)),
      tookMs: (own.at(-1)?.at ?? 0) - (own[0]?.at ?? 0),
      costMicros: costOf(predictions, path),
    };
  });
};

const goingOn = (own: ReadonlyArray<Entry>): StepReport["status"] =>
  own.at(-1)?.type === "SignalAwaited" ? "waiting" : "running";

/** A step may fail before it has begun. */
const failedPaths = ({ status, currentStep }: StateRecord): ReadonlyArray<string> =>
  status === "failed" && currentStep !== null ? [currentStep] : [];

const attemptOf = ({ attempt }: EntryOf<"StepStarted">): number => attempt;

const costOf = (predictions: ReadonlyArray<PredictionRow>, path: string): number =>
  predictions
    .filter((row) => row.path === path)
    .reduce((total, { receipt }) => total + (receipt?.costMicros ?? 0), 0);

type Load = (value: Value | null) => Effect.Effect<Schema.Json>;

const failureOf = Effect.fnUntraced(function* (
  { record, entries, predictions }: JobState,
  jobInput: Schema.Json,
  load: Load,
): Effect.fn.Return<FailureReport | null> {
  const failed = entries.findLast((entry) => entry.type === "StepFailed");
  if (record.status !== "failed" || failed === undefined) return null;
  const { path, kind, failure } = failed;
  const answer = yield* answerTo(entries, path, load);
  const input = yield* inputOf(entries, path, { jobInput, load });
  return {
    step: path,
    kind,
    // Where a defect happened is said apart.
    message: failure._tag === "Defect" ? failure.message : operatorMessageOf(failure),
    issues: failure._tag === "Defect" ? [] : issuesOf(failure, { answer, input }),
    answer: Option.getOrNull(answer),
    hasAnswer: Option.isSome(answer),
    at: failure._tag === "Defect" ? (failure.at ?? null) : null,
    costMicros: costOf(predictions, path),
  };
});

const decodeAnswer = Schema.decodeUnknownOption(Answer);

/** The last answer of a model to the step: its output, or where it has none the provider's words. */
const answerTo = Effect.fnUntraced(function* (
  entries: ReadonlyArray<Entry>,
  path: string,
  load: Load,
): Effect.fn.Return<Option.Option<Schema.Json>> {
  const settled = entries.findLast(
    (entry): entry is EntryOf<"PredictionSettled" | "PredictionReused"> =>
      (entry.type === "PredictionSettled" || entry.type === "PredictionReused") &&
      entry.path === path,
  );
  if (settled === undefined) return Option.none();
  const answer = decodeAnswer(yield* load(settled.raw));
  return Option.map(answer, ({ output, error }) => output ?? error);
});

const inputOf = Effect.fnUntraced(function* (
  entries: ReadonlyArray<Entry>,
  path: string,
  { jobInput, load }: { readonly jobInput: Schema.Json; readonly load: Load },
): Effect.fn.Return<Schema.Json> {
  const started = entries.findLast(
    (entry): entry is EntryOf<"StepStarted" | "SignalAwaited"> =>
      (entry.type === "StepStarted" || entry.type === "SignalAwaited") && entry.path === path,
  );
  if (started === undefined) return jobInput;
  if (!("entry" in started.input)) return yield* load(started.input);
  const holder = entries[started.input.entry - 1];
  return holder?.type === "StepSucceeded" ? yield* load(holder.output) : jobInput;
});

interface Received {
  readonly answer: Option.Option<Schema.Json>;
  readonly input: Schema.Json;
}

const issuesOf = (data: FailureData, { answer, input }: Received): FailureReport["issues"] => {
  const failure = decodeFailure(data);
  if (failure._tag !== "ValidationFailure") return [];
  return failure.issues.map(({ path, message }) => {
    // Parsers say what came where they stopped reading.
    const [expected = "", got = null] = message.replace(/^Expected /i, "").split(/, got (.*)/s);
    return { path, expected, received: receivedBy(failure.at, path, { answer, input }) ?? got };
  });
};

const receivedBy = (
  at: ValidationFailure["at"],
  path: string,
  { answer, input }: Received,
): string | null => {
  if (at === "input") return receivedAt(input, path);
  // A request is made anew for each call and is kept only once it was sent.
  if (at === "request") return null;
  return Option.match(answer, { onNone: () => null, onSome: (output) => answeredAt(output, path) });
};
