/** One paid call of a model step: request, checks, permit, the intent, and only then the sending. */
import { Clock, Effect, Option, Schema } from "effect";
import type { FactOf } from "../../machines/entry.ts";
import type { Asset } from "../../steps/asset.ts";
import { hashJson } from "../../steps/canonical-json.ts";
import {
  type Defect,
  type Failure,
  ProviderFailure,
  ValidationFailure,
} from "../../steps/failure.ts";
import type { ModelDescription } from "../../steps/model-client.ts";
import { checkRequest } from "../../steps/model-schema.ts";
import { repairPrompt } from "../../steps/repair-prompt.ts";
import type { Repair } from "../../steps/step.ts";
import { failAttempt, failStep, progressIn, stepLeftMs, stepTimeout } from "./attempt.ts";
import { hasPassed, isHeldByProvider } from "./call-permit.ts";
import { afford, type Affordable, overBudget } from "./budget.ts";
import { defectOf } from "./defect.ts";
import { decodeInput, jsonOf, keep } from "./hand-over.ts";
import { isAsset, mapJson, toJson } from "./json-value.ts";
import type { PredictionRow } from "../journal-store.ts";
import { withFileInMemory } from "../predictions/files-in-memory.ts";
import type { PlannedCall } from "../predictions/upper-estimate.ts";
import type { ModelRun } from "./model-run.ts";
import { reuseAnswer } from "./reuse.ts";
import { answerAt } from "./stored-answer.ts";
import { rowOf } from "../jobs/job-sequencer.ts";
import { Answer } from "../predictions/settlement.ts";
import { unusableIn } from "../usable-files.ts";

/** Makes the next call of the present attempt, or fails it where it may not be made. */
export const intend = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<void> {
  if (!(yield* mayBegin(run))) return;
  if (yield* isOutOfTime(run)) return yield* failStep(run, stepTimeout(run));
  const prepared = yield* Effect.result(prepare(run));
  if (prepared._tag === "Failure") {
    const problem = prepared.failure;
    return yield* problem._tag === "Defect" ? failStep(run, problem) : failAttempt(run, problem);
  }
  if (yield* reuseAnswer(run, prepared.success.input)) return;
  const affordable = yield* Effect.result(afford(run, yield* plannedCall(run, prepared.success)));
  if (affordable._tag === "Failure") return yield* failAttempt(run, affordable.failure);
  if (yield* isHeldByProvider(run)) return;
  const key = yield* run.job.host.newKey;
  const call = Effect.gen(function* () {
    if (!(yield* hasPassed(run, key))) return;
    const current = yield* Effect.result(stillReadable(run, prepared.success));
    if (current._tag === "Success")
      return yield* makeCall(run, { ...current.success, ...affordable.success, key });
    yield* run.provider.gate.withdraw(key);
    yield* failAttempt(run, current.failure);
  });
  // From the intent on it is the watcher that gives the permit back.
  const letGo = Effect.suspend(() =>
    progressIn(run).call?.key === key ? Effect.void : run.provider.gate.withdraw(key),
  );
  yield* Effect.onError(call, () => letGo);
});

interface PermittedCall extends Prepared, Affordable {
  /** Of the intent to be made: what passed the gate. */
  readonly key: string;
}

/** The intent first, and only once it is durable the sending. */
const makeCall = Effect.fnUntraced(function* (
  run: ModelRun,
  permitted: PermittedCall,
): Effect.fn.Return<void> {
  const { watcher, gate } = run.provider;
  const fact = yield* intentOf(run, permitted);
  const row = (): PredictionRow | undefined => {
    const { call } = progressIn(run);
    if (call?.key !== fact.key) return undefined;
    return rowOf({ ...fact, seq: call.intendedSeq, at: call.intendedAt }, run.job.jobId);
  };
  const over = yield* run.job.intend(fact).pipe(
    Effect.as(null),
    Effect.catch((refused) => Effect.succeed(refused)),
    // Cancelled in the very commit that made the intent: nobody else would ever send or close it.
    Effect.onInterrupt(() =>
      Effect.sync(() => {
        const intended = row();
        if (intended !== undefined) watcher.drop(intended);
      }),
    ),
  );
  const intended = row();
  if (over === null && intended !== undefined)
    return watcher.send({ row: intended, input: permitted.input });
  yield* gate.withdraw(fact.key);
  // Somebody else has reserved what was left, in the moment between.
  if (over !== null) yield* failAttempt(run, overBudget(over));
});

/**
 * Waits while the job is paused, so that it keeps no permit from others that long. False where a late success
 * has come meanwhile, which may do the step without a call.
 */
const mayBegin = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<boolean> {
  const { answerSeq } = progressIn(run);
  const isAnswered = () => progressIn(run).answerSeq !== answerSeq;
  yield* run.job.until(({ isPaused }) => !isPaused || isAnswered());
  return !isAnswered();
});

const isOutOfTime = (run: ModelRun): Effect.Effect<boolean> =>
  Effect.map(Clock.currentTimeMillis, (now) => stepLeftMs(run, now) === 0);

interface Prepared {
  readonly description: ModelDescription;
  /** As journaled: assets by reference. */
  readonly request: Schema.JsonObject;
  /** As sent: assets as data URIs or uploads. */
  readonly input: Schema.JsonObject;
  /** When the assets were made readable (ms). */
  readonly presentedAt: number;
}

/** What a client makes readable is so for an hour; half of it is left to the provider's own queue. */
const readableMs = 1_800_000;

const unchecked = new WeakMap<object, Set<string>>();

/** Once for a model in a process: it is as true of the next thousand calls. */
const sayUnchecked = ({ model, provider }: ModelRun, reason: string): Effect.Effect<void> => {
  const said = unchecked.get(provider.client) ?? new Set();
  unchecked.set(provider.client, said);
  if (said.has(model)) return Effect.void;
  said.add(model);
  return Effect.logInfo(`requests for ${model} are not checked: ${reason}`);
};

const prepare = Effect.fnUntraced(function* (
  run: ModelRun,
): Effect.fn.Return<Prepared, Failure | Defect> {
  const request = yield* requestOf(run);
  const description = yield* run.provider.client.describe(run.model);
  const checked = checkRequest(description.input, request);
  if (checked._tag === "Skipped") yield* sayUnchecked(run, checked.reason);
  else if (checked.issues.length > 0)
    return yield* new ValidationFailure({ at: "request", issues: checked.issues });
  const unusable = yield* unusableIn({ store: run.job.host.store, jobId: run.job.jobId }, request);
  if (unusable.length > 0) return yield* new ValidationFailure({ at: "request", issues: unusable });
  return { description, request, ...(yield* presented(run, request)) };
});

const presented = Effect.fnUntraced(function* (
  run: ModelRun,
  request: Schema.JsonObject,
): Effect.fn.Return<Pick<Prepared, "input" | "presentedAt">, ProviderFailure> {
  const presentedAt = yield* Clock.currentTimeMillis;
  const input = yield* mapJson(request, isAsset, (asset) => present(run, asset));
  return { input, presentedAt };
});

/** The same call, its uploads made anew where it has waited for its turn so long that they may expire. */
const stillReadable = Effect.fnUntraced(function* (
  run: ModelRun,
  prepared: Prepared,
): Effect.fn.Return<Prepared, ProviderFailure> {
  const waitedMs = Math.abs((yield* Clock.currentTimeMillis) - prepared.presentedAt);
  if (waitedMs < readableMs) return prepared;
  return { ...prepared, ...(yield* presented(run, prepared.request)) };
});

/** The user's own function: what it throws is a bug. */
const requestOf = Effect.fnUntraced(function* (
  run: ModelRun,
): Effect.fn.Return<Schema.JsonObject, Defect> {
  const { inputSeq } = progressIn(run);
  if (inputSeq === null)
    return yield* Effect.fail({ _tag: "Defect", message: "a call without an attempt" } as const);
  const { input } = yield* run.job.entry(inputSeq, "StepStarted");
  const value = yield* decodeInput(run.job, run.node, input);
  const repair = yield* repairOf(run);
  return yield* Effect.try({
    // The input was decoded by the step's own schema, which is what `never` stands for here.
    try: () => amended(toJson(run.program.request(value as never, { repair })), repair),
    catch: defectOf,
  });
});

const repairOf = Effect.fnUntraced(function* (run: ModelRun): Effect.fn.Return<Repair | undefined> {
  const { repairSeq, repairs, answerSeq } = progressIn(run);
  if (repairSeq === null) return undefined;
  const { failure } = yield* run.job.entry(repairSeq, "OutputRejected");
  const issues = failure._tag === "ValidationFailure" ? failure.issues : [];
  return { ordinal: repairs, issues, output: yield* rejectedOutput(run, answerSeq) };
});

const rejectedOutput = Effect.fnUntraced(function* (
  run: ModelRun,
  answerSeq: number | null,
): Effect.fn.Return<Schema.Json> {
  if (answerSeq === null) return null;
  const { raw } = yield* answerAt(run, answerSeq);
  if ("erasedAt" in raw) return null;
  const answer = Schema.decodeUnknownOption(Answer)(yield* jsonOf(run.job, raw));
  return Option.match(answer, { onNone: () => null, onSome: ({ output }) => output });
});

/** A request that takes no note of the repair gets it at the end of its prompt. */
const amended = (request: Schema.JsonObject, repair: Repair | undefined): Schema.JsonObject => {
  const { prompt } = request;
  if (typeof prompt !== "string") return request;
  return Object.fromEntries([...Object.entries(request), ["prompt", repairPrompt(prompt, repair)]]);
};

const present = (run: ModelRun, asset: Asset): Effect.Effect<Schema.Json, ProviderFailure> => {
  const { client } = run.provider;
  const read = Effect.orDie(run.job.host.assets.get(asset.sha256));
  const presented = Effect.flatMap(read, (stored) =>
    Option.isSome(stored)
      ? client.present(stored.value, asset.sha256)
      : Effect.die(new Error(`the asset ${asset.sha256} of a request is not in the store`)),
  );
  return withFileInMemory(client, "toProvider", presented);
};

/** As it would be sent now: later in the step's time it may only be shorter. */
const plannedCall = (run: ModelRun, { description, input }: Prepared) =>
  Effect.map(
    timeoutMsOf(run),
    (timeoutMs): PlannedCall => ({ model: run.model, description, input, timeoutMs }),
  );

const timeoutMsOf = (run: ModelRun): Effect.Effect<number> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    Math.max(Math.min(run.node.step.timeout.attemptMs, stepLeftMs(run, now)), 1),
  );

const intentOf = Effect.fnUntraced(function* (
  run: ModelRun,
  { key, input, request, estimateMicros }: PermittedCall,
): Effect.fn.Return<FactOf<"PredictionIntended">> {
  const progress = progressIn(run);
  return {
    type: "PredictionIntended",
    path: run.node.path,
    attempt: progress.attempt,
    call: progress.calls + 1,
    repair: progress.repairs,
    key,
    provider: run.provider.client.provider,
    model: run.model,
    inputHash: hashJson(input),
    request: yield* keep(run.job, request),
    estimateMicros,
    timeoutMs: yield* timeoutMsOf(run),
  };
});
