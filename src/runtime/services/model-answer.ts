/** Judging a settled prediction: normalise by the model's schema, parse, decode, and only then success. */
import { Clock, Effect, Result, Schedule, Schema } from "effect";
import type { CallProgress } from "../../machines/context.ts";
import { Asset } from "../../steps/asset.ts";
import {
  type Defect,
  decodeFailure,
  encodeFailure,
  type Failure,
  PolicyFailure,
  ProviderFailure,
  TimeoutFailure,
  ValidationFailure,
} from "../../steps/failure.ts";
import { predictionFailure } from "../../steps/model-clients/prediction-failure.ts";
import { normaliseOutput } from "../../steps/normalise.ts";
import { failAttempt, failStep, progressIn, stepTimeout } from "./attempt.ts";
import { codecOf } from "./codecs.ts";
import { defectOf } from "./defect.ts";
import { decodeInput, jsonOf, keep } from "./hand-over.ts";
import { assetsOfJob } from "../job-assets.ts";
import type { ModelRun } from "./model-run.ts";
import { Answer, copyFiles } from "../predictions/settlement.ts";
import { answerAt, type StoredAnswer } from "./stored-answer.ts";

/** Decides what the settled call means for the step. */
export const judge = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<void> {
  const { call } = progressIn(run);
  if (call?.closedSeq == null) return;
  const settled = yield* answerAt(run, call.closedSeq);
  const verdict = yield* Effect.result(verdictOn(run, settled));
  if (verdict._tag === "Success") return yield* succeed(run, verdict.success);
  const problem = verdict.failure;
  if (problem._tag === "Defect") return yield* failStep(run, problem);
  if (mayRepair(run, problem)) return yield* reject(run, settled, problem);
  yield* failAttempt(run, problem);
});

/**
 * True where an answer that is stored already, paid in an earlier attempt, does the step after all; also
 * where a bug keeps it from being read, because paying for another answer mends no bug, and where it is out
 * of reach for a while, which fails the attempt. An answer that was taken away since is no answer.
 */
export const judgeStored = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<boolean> {
  const { answerSeq } = progressIn(run);
  if (answerSeq === null) return false;
  const settled = yield* answerAt(run, answerSeq);
  if ("erasedAt" in settled.raw) {
    const on = new Date(settled.raw.erasedAt).toISOString();
    yield* Effect.logWarning(
      `the stored answer of ${run.node.path} of job ${run.job.jobId} was erased on ${on}: the model is asked again`,
    );
    return false;
  }
  // Without its model's description no answer can be read; nor is there anything wrong with this one.
  const described = yield* Effect.result(describe(run));
  if (described._tag === "Failure")
    return yield* Effect.as(failAttempt(run, described.failure), true);
  const verdict = yield* Effect.result(
    Effect.flatMap(withFiles(run, settled), (copied) => verdictOn(run, copied)),
  );
  if (verdict._tag === "Success") yield* succeed(run, verdict.success);
  else if (verdict.failure._tag === "Defect") yield* failStep(run, verdict.failure);
  else if (isOutOfReach(verdict.failure)) yield* failAttempt(run, verdict.failure);
  else return false;
  return true;
});

/** Nothing is wrong with the answer: what it takes to read it cannot be had now. */
const isOutOfReach = (failure: Failure): boolean =>
  failure._tag === "ProviderFailure" &&
  (failure.reason === "Unavailable" ||
    failure.reason === "RateLimited" ||
    failure.reason === "Unauthorized");

/** Files that could not be copied at settlement may be there now. */
const withFiles = Effect.fnUntraced(function* (
  run: ModelRun,
  settled: StoredAnswer,
): Effect.fn.Return<StoredAnswer, ProviderFailure> {
  const failure = settled.fileFailure === null ? null : decodeFailure(settled.fileFailure);
  if (
    failure === null ||
    (failure._tag === "ProviderFailure" && failure.reason === "OutputExpired")
  )
    return settled;
  const { output } = yield* answerIn(run, settled);
  const { client } = run.provider;
  const files = yield* copyFiles(client, assetsOfJob(run.job.host, run.job.jobId), {
    model: run.model,
    output,
  });
  return { ...settled, files, fileFailure: null };
});

const succeed = Effect.fnUntraced(function* (
  run: ModelRun,
  output: Schema.Json,
): Effect.fn.Return<void> {
  const { attempt } = progressIn(run);
  yield* run.job.append({
    type: "StepSucceeded",
    path: run.node.path,
    attempt,
    output: yield* keep(run.job, output),
  });
});

const mayRepair = (run: ModelRun, failure: Failure): boolean =>
  failure._tag === "ValidationFailure" &&
  failure.at === "output" &&
  progressIn(run).repairs < run.program.repair;

const reject = (run: ModelRun, { key }: StoredAnswer, failure: Failure): Effect.Effect<void> => {
  const { attempt } = progressIn(run);
  return run.job.append({
    type: "OutputRejected",
    path: run.node.path,
    attempt,
    key,
    failure: encodeFailure(failure),
  });
};

/** What the answer comes to for the step: its output, as JSON. */
export const verdictOn = Effect.fnUntraced(function* (
  run: ModelRun,
  settled: StoredAnswer,
): Effect.fn.Return<Schema.Json, Failure | Defect> {
  const answer = yield* answerIn(run, settled);
  if (settled.status !== "succeeded")
    return yield* Effect.fail(yield* failureOf(run, settled, answer));
  if (settled.fileFailure !== null) return yield* Effect.fail(decodeFailure(settled.fileFailure));
  const description = yield* describe(run);
  const files = new Map(
    settled.files.flatMap(({ url, asset }) => (isAsset(asset) ? [[url, asset] as const] : [])),
  );
  const normalised = normaliseOutput(description.output, answer.output, files);
  return yield* decodeOutput(run, normalised);
});

/** Cached by the client for some minutes. */
const describe = ({ provider, model }: ModelRun) =>
  Effect.retry(provider.client.describe(model), {
    schedule: Schedule.exponential("500 millis").pipe(Schedule.upTo({ times: 3 })),
    while: (failure) => failure.isRetryable,
  });

const isAsset = Schema.is(Asset.Any);
const decodeAnswer = Schema.decodeUnknownEffect(Answer);

const answerIn = (run: ModelRun, settled: StoredAnswer) =>
  Effect.flatMap(jsonOf(run.job, settled.raw), (json) => Effect.orDie(decodeAnswer(json)));

/** What the user's functions say of an output; what they throw is a bug, and the paid answer stays stored. */
const decodeOutput = Effect.fnUntraced(function* (
  run: ModelRun,
  normalised: Schema.Json,
): Effect.fn.Return<Schema.Json, Failure | Defect> {
  const { answer } = run.program;
  const parsed = yield* attempt(() => run.program.parse(normalised));
  if (Result.isFailure(parsed))
    return yield* new ValidationFailure({ at: "output", issues: parsed.failure });
  const decoded = yield* attempt(() => codecOf(answer).decode(parsed.success));
  if (Result.isFailure(decoded))
    return yield* new ValidationFailure({ at: "output", issues: decoded.failure });
  const refusal = yield* refusalOf(run, decoded.success);
  if (refusal !== undefined) return yield* refusal;
  const output = yield* outputOf(run, decoded.success);
  const encoded = yield* attempt(() => codecOf(run.node.step.output).encode(output));
  if (Result.isFailure(encoded))
    return yield* new ValidationFailure({ at: "output", issues: encoded.failure });
  return encoded.success;
});

const attempt = <A>(evaluate: () => A): Effect.Effect<A, Defect> =>
  Effect.try({ try: evaluate, catch: defectOf });

const refusalOf = Effect.fnUntraced(function* (
  run: ModelRun,
  answer: unknown,
): Effect.fn.Return<PolicyFailure | undefined, Defect> {
  const { refuse } = run.program;
  if (refuse === undefined) return undefined;
  const input = yield* stepInput(run);
  // Both were decoded by the step's own schemas, which is what `never` stands for here.
  return yield* attempt(() => refuse({ input: input as never, output: answer as never }));
});

const outputOf = Effect.fnUntraced(function* (
  run: ModelRun,
  answer: unknown,
): Effect.fn.Return<unknown, Defect> {
  const { toOutput } = run.program;
  if (toOutput === undefined) return answer;
  const input = yield* stepInput(run);
  // As above.
  return yield* attempt(() => toOutput({ input: input as never, answer: answer as never }));
});

/** What the step was started with; it was, as its model has answered. */
const stepInput = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<unknown, Defect> {
  const { inputSeq } = progressIn(run);
  if (inputSeq === null)
    return yield* Effect.fail({ _tag: "Defect", message: "an answer without an attempt" } as const);
  const { input } = yield* run.job.entry(inputSeq, "StepStarted");
  return yield* decodeInput(run.job, run.node, input);
});

/** Why a prediction that ended otherwise did not succeed. */
const failureOf = Effect.fnUntraced(function* (
  run: ModelRun,
  { status }: StoredAnswer,
  answer: typeof Answer.Type,
): Effect.fn.Return<Failure> {
  const { provider } = run.provider.client;
  if (status === "failed") return predictionFailure(provider, answer.error ?? "no reason given");
  const { call } = progressIn(run);
  if (call === null || call.timedOut !== null) return timeoutOf(run, call);
  const ranMs = yield* lifeMs(call, answer);
  // Our own Cancel-After ends it at about that time; a second is for the rounding.
  if (ranMs >= call.timeoutMs - 1_000) return timeoutOf(run, call);
  const detail = `the prediction was ${status}, not at our request`;
  return new ProviderFailure({ reason: "Canceled", provider, detail });
});

/** How long the prediction lived, by the provider's own clock where it shows both ends. */
const lifeMs = (
  { intendedAt }: CallProgress,
  { createdAt, completedAt }: typeof Answer.Type,
): Effect.Effect<number> =>
  createdAt !== null && completedAt !== null
    ? Effect.succeed(completedAt - createdAt)
    : Effect.map(Clock.currentTimeMillis, (now) => now - intendedAt);

/** The failure of a call whose time ran out, by the bound that did. */
export const timeoutOf = (run: ModelRun, call: CallProgress | null): TimeoutFailure => {
  const awaited = call?.timedOut ?? "attempt";
  if (awaited === "step") return stepTimeout(run);
  const { bootMs } = run.node.step.timeout;
  const timeoutMs = awaited === "boot" && bootMs !== undefined ? bootMs : (call?.timeoutMs ?? 0);
  return new TimeoutFailure({ timeoutMs, awaited });
};
