/** The service of a step that runs a function: begin, run within its time, journal what came of it. */
import { Cause, Clock, Effect, Exit, Result, Schema } from "effect";
import type { FactOf, ValueOrEntry } from "../../machines/entry.ts";
import type { StepNode } from "../../machines/plan.ts";
import {
  type Defect,
  Failure,
  type FailureKind,
  ProviderFailure,
  TimeoutFailure,
  ValidationFailure,
} from "../../steps/failure.ts";
import { AssetStore } from "../../steps/asset-store.ts";
import type { RunProgram, StepContext } from "../../steps/step.ts";
import {
  beginAttempt,
  failAttempt,
  failStep,
  progressIn,
  stepLeftMs,
  type StepRun,
  stepTimeout,
  waitFor,
  whenNotPaused,
} from "./attempt.ts";
import { there } from "./at-once.ts";
import { codecOf } from "./codecs.ts";
import { defectOf } from "./defect.ts";
import { decodeInput, keep } from "./hand-over.ts";
import { assetsOfStep } from "../job-assets.ts";
import type { ServiceJob } from "../jobs/job-host.ts";

/**
 * Runs the step to its end, from wherever the journal says that it stands. Null where that has happened by now: a step
 * whose function answers with a plain value needs no fiber.
 */
export const runStep = (
  job: ServiceJob,
  node: StepNode,
  program: RunProgram,
): Effect.Effect<void> | null => {
  const run: StepRun = { job, node };
  const { phase, timer } = progressIn(run);
  const isAtOnce = phase === "idle" && timer === null && sharesCommit(run);
  return isAtOnce ? firstAttempt(run, program) : resumed(run, program);
};

const firstAttempt = (run: StepRun, program: RunProgram): Effect.Effect<void> | null => {
  const beginning = beginAttempt(run);
  const begun = there(beginning)?.value ?? null;
  const input = begun === null ? undefined : there(decodeInput(run.job, run.node, begun.input));
  if (begun === null || input === undefined) return attempts(run, program, beginning);
  run.job.enqueue(begun);
  const called = call(program, input.value, contextOf(run, begun));
  if (called.type === "success" && finishAtOnce(run, begun, called.value)) return null;
  const rest = Effect.flatMap(outcomeOf(run, program, called), (outcome) =>
    conclude(run, begun, outcome),
  );
  return Effect.andThen(rest, furtherAttempts(run, program));
};

/** False where the value has to be stored first, or is none. */
const finishAtOnce = (run: StepRun, begun: Begun, value: unknown): boolean => {
  const { path, step } = run.node;
  const encoded = codecOf(step.output).encode(value);
  const output = Result.isSuccess(encoded) ? there(keep(run.job, encoded.success)) : undefined;
  if (output === undefined) return false;
  const { attempt } = begun;
  run.job.conclude({ type: "StepSucceeded", path, attempt, output: output.value });
  return true;
};

const resumed = Effect.fnUntraced(function* (
  run: StepRun,
  program: RunProgram,
): Effect.fn.Return<void> {
  const { phase, inputSeq, attempt } = progressIn(run);
  if (phase === "started" && inputSeq !== null) {
    if (!run.node.step.isRepeatable) return yield* failStep(run, outcomeUnknown);
    const { input } = yield* run.job.entry(inputSeq, "StepStarted");
    yield* attemptOnce(run, program, { attempt, input });
  }
  yield* furtherAttempts(run, program);
});

const furtherAttempts = (run: StepRun, program: RunProgram): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { timer } = progressIn(run);
    const beginning = Effect.andThen(
      whenNotPaused(run),
      Effect.suspend(() => beginAttempt(run)),
    );
    return attempts(
      run,
      program,
      timer === null ? beginning : Effect.andThen(waitFor(timer), beginning),
    );
  });

/** One attempt after the other, the first of which begins with this. */
const attempts = Effect.fnUntraced(function* (
  run: StepRun,
  program: RunProgram,
  beginning: Effect.Effect<FactOf<"StepStarted"> | null>,
): Effect.fn.Return<void> {
  const begun = yield* begin(run, beginning);
  if (begun === null) return;
  yield* attemptOnce(run, program, begun);
  yield* furtherAttempts(run, program);
});

const outcomeUnknown = new ProviderFailure({
  reason: "OutcomeUnknown",
  provider: "step",
  detail: "the process died while the step ran, and the step may not run again by itself",
});

interface Begun {
  readonly attempt: number;
  readonly input: ValueOrEntry;
}

/**
 * A step that may run again shares its start's commit with its result, if that comes soon enough. Not where a process
 * has died since anything came of the job: if the function kills this one as well, its start shall say so.
 */
const sharesCommit = ({ node, job }: StepRun): boolean => {
  const { isPaused, takenOverSeq } = job.context();
  return node.step.isRepeatable && !isPaused && takenOverSeq === null;
};

/** One that may not waits until its start is durable. Null where the step has already failed on its input. */
const begin = Effect.fnUntraced(function* (
  run: StepRun,
  beginning: Effect.Effect<FactOf<"StepStarted"> | null>,
): Effect.fn.Return<Begun | null> {
  const begun = yield* beginning;
  if (begun === null) return null;
  if (sharesCommit(run)) run.job.enqueue(begun);
  else yield* run.job.append(begun);
  return begun;
});

const attemptOnce = Effect.fnUntraced(function* (
  run: StepRun,
  program: RunProgram,
  begun: Begun,
): Effect.fn.Return<void> {
  const value = yield* decodeInput(run.job, run.node, begun.input);
  const called = call(program, value, contextOf(run, begun));
  yield* conclude(run, begun, yield* outcomeOf(run, program, called));
});

const conclude = Effect.fnUntraced(function* (
  run: StepRun,
  begun: Begun,
  outcome: Outcome,
): Effect.fn.Return<void> {
  if (outcome.type === "success") return yield* finish(run, begun, outcome.value);
  // How many attempts are left is for the committed context to say.
  yield* run.job.until(() => progressIn(run).attempt === begun.attempt);
  yield* outcome.type === "failure"
    ? failAttempt(run, outcome.failure)
    : failStep(run, outcome.defect);
});

const finish = Effect.fnUntraced(function* (
  run: StepRun,
  begun: Begun,
  value: unknown,
): Effect.fn.Return<void> {
  const { path, step } = run.node;
  const encoded = codecOf(step.output).encode(value);
  if (Result.isSuccess(encoded)) {
    const output = yield* keep(run.job, encoded.success);
    return yield* run.job.append({ type: "StepSucceeded", path, attempt: begun.attempt, output });
  }
  yield* run.job.until(() => progressIn(run).attempt === begun.attempt);
  yield* failStep(run, new ValidationFailure({ at: "output", issues: encoded.failure }));
});

type Outcome =
  | { readonly type: "success"; readonly value: unknown }
  | { readonly type: "failure"; readonly failure: Failure }
  | { readonly type: "defect"; readonly defect: Defect };

/** What comes of a call that was made; a plain value needs no time limit: it is there. */
const outcomeOf = Effect.fnUntraced(function* (
  run: StepRun,
  program: RunProgram,
  called: Called,
): Effect.fn.Return<Outcome> {
  if (called.type === "success") return called;
  const bound = boundOf(run, yield* Clock.currentTimeMillis);
  const { host, jobId } = run.job;
  const exit = yield* Effect.exit(
    called.effect.pipe(
      Effect.provideService(AssetStore, assetsOfStep(host, jobId)),
      Effect.timeoutOrElse({
        duration: bound.leftMs,
        orElse: () => Effect.fail(bound.failure()),
      }),
      Effect.catchDefect((defect) => Effect.fail(defect)),
    ),
  );
  return Exit.isSuccess(exit)
    ? { type: "success", value: exit.value }
    : classify(exit.cause, program, run.node.step.fails);
});

interface Bound {
  readonly leftMs: number;
  /** Made only where it is needed: an error with its stack costs as much as a whole step. */
  readonly failure: () => TimeoutFailure;
}

/** An attempt's own time, or what is left of the step's, if that is less. */
const boundOf = (run: StepRun, now: number): Bound => {
  const { attemptMs } = run.node.step.timeout;
  const leftMs = stepLeftMs(run, now);
  if (leftMs < attemptMs) return { leftMs, failure: () => stepTimeout(run) };
  return {
    leftMs: attemptMs,
    failure: () => new TimeoutFailure({ timeoutMs: attemptMs, awaited: "attempt" }),
  };
};

/** What a step's function sees of its attempt. Most never ask for the signal, which is dear to make. */
class AttemptContext implements StepContext {
  readonly key: string;
  readonly attempt: number;
  #controller: AbortController | undefined;
  #isAborted = false;

  constructor(key: string, attempt: number) {
    this.key = key;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  readonly abort = (): Effect.Effect<void> =>
    Effect.sync(() => {
      this.#isAborted = true;
      this.#controller?.abort();
    });
}

const contextOf = ({ job, node }: StepRun, { attempt }: Begun): AttemptContext =>
  new AttemptContext(`${job.jobId}/${node.path}`, attempt);

type Called =
  | { readonly type: "success"; readonly value: unknown }
  | { readonly type: "running"; readonly effect: Effect.Effect<unknown, unknown> };

/** Whatever the user's function returns: a value, or one Effect. What it throws is its failure for now. */
const call = (program: RunProgram, input: unknown, context: AttemptContext): Called => {
  let returned: unknown;
  try {
    // The input was decoded by the step's own schema, which is what `never` stands for here.
    returned = program.run(input as never, context);
  } catch (thrown) {
    return { type: "running", effect: Effect.fail(thrown) };
  }
  const effect = effectOf(returned);
  return effect === undefined
    ? { type: "success", value: returned }
    : { type: "running", effect: Effect.onInterrupt(effect, () => context.abort()) };
};

/** The Effect that a function returned, or its promise as one; undefined for a plain value. */
const effectOf = (returned: unknown): Effect.Effect<unknown, unknown> | undefined => {
  // Its services are those of the layer that `Catena.start` requires by type.
  if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>;
  if (!isPromise(returned)) return undefined;
  return Effect.tryPromise({ try: () => returned, catch: (error) => error });
};

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" &&
  value !== null &&
  "then" in value &&
  typeof value.then === "function";

const isFailure = Schema.is(Failure);

const classify = (
  cause: Cause.Cause<unknown>,
  program: RunProgram,
  fails: ReadonlyArray<FailureKind>,
): Outcome => {
  const thrown = Cause.squash(cause);
  const isDeclared = ({ kind }: Failure): boolean =>
    kind === "validation" || kind === "timeout" || fails.includes(kind);
  if (isFailure(thrown) && isDeclared(thrown)) return { type: "failure", failure: thrown };
  const failure = mapped(program, thrown) ?? (isFailure(thrown) ? thrown : undefined);
  if (failure === undefined) return { type: "defect", defect: defectOf(thrown) };
  if (isDeclared(failure)) return { type: "failure", failure };
  const message = `undeclared ${failure._tag}: add "${failure.kind}" to the step's fails (${failure.message})`;
  return { type: "defect", defect: { _tag: "Defect", message } };
};

const mapped = (program: RunProgram, thrown: unknown): Failure | undefined => {
  try {
    return program.mapError?.(thrown);
  } catch {
    // A mapper that throws maps nothing: what the step threw is the better story.
    return undefined;
  }
};
