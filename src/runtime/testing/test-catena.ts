/**
 * A Catena for unit tests: journals in memory, models that answer what the test says (and what their
 * schemas allow where it says nothing), and time that jumps over every wait.
 */
import { Context, Effect, Exit, Layer, Random, Scope } from "effect";
import type { Entry, Fact } from "../../machines/entry.ts";
import type { PipelineOptions } from "../../machines/layer-option.ts";
import type {
  AnyPipeline,
  FailureOf,
  InputOf,
  OutputOf,
  SignalsOf,
} from "../../machines/pipeline.ts";
import type { Failure } from "../../steps/failure.ts";
import { Catena } from "../catena.ts";
import { CatenaService } from "../catena-service.ts";
import type { PredictionRow, StateRecord } from "../journal-store.ts";
import { MemoryJournals, MemoryJournalStore } from "../journal-stores/memory.ts";
import type { RuntimeOptions } from "../options.ts";
import type { Outcome } from "../outcome.ts";
import type { SignalTaker } from "../signals.ts";
import { AnswerDesk, checkAnswers } from "./answer-desk.ts";
import type { StepAnswer } from "./answer.ts";
import { withCountedSteps } from "./run-gates.ts";
import { assetsWithSample } from "./sample-file.ts";
import { ScriptedProvider } from "./scripted-provider.ts";
import { checkNames } from "./test-option-error.ts";
import { VirtualTime } from "./virtual-time.ts";

interface TestSettings {
  /** By the name of a model step, or by model name. What is missing is made from the step's output schema. */
  readonly answers?: Readonly<Record<string, StepAnswer>>;
  /** Where generated answers and jitter come from. Default: 1. */
  readonly seed?: number;
  readonly prices?: RuntimeOptions["prices"];
  readonly concurrency?: number;
}

export type TestOptions<Pipelines extends ReadonlyArray<AnyPipeline>> = PipelineOptions<Pipelines> &
  TestSettings;

/** All there is to know of a job once it rests. */
export interface TestRun<Output, F = Failure> {
  readonly outcome: Outcome<Output, F>;
  readonly journal: ReadonlyArray<Entry>;
  readonly ledger: ReadonlyArray<PredictionRow>;
  readonly record: StateRecord;
  /** How much virtual time (ms) the job took. */
  readonly tookMs: number;
}

export interface TestJob<Output, F = Failure, Signals = {}> extends SignalTaker<Signals> {
  readonly id: string;
  /** Waits, however long that is in virtual time, until the job rests. Rejects with: TestStuck. */
  rested(): Promise<TestRun<Output, F>>;
  cancel(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  retry(options?: { readonly isFresh?: boolean }): Promise<void>;
}

export interface TestCatena extends AsyncDisposable {
  readonly seed: number;
  /** Runs a job until it rests. Rejects with: ValidationFailure, TestStuck. */
  run<P extends AnyPipeline>(
    pipeline: P,
    input: NoInfer<InputOf<P>>,
  ): Promise<TestRun<OutputOf<P>, FailureOf<P>>>;
  /** Submits a job; time stands still until somebody waits for it. Rejects with: ValidationFailure. */
  submit<P extends AnyPipeline>(
    pipeline: P,
    input: NoInfer<InputOf<P>>,
  ): Promise<TestJob<OutputOf<P>, FailureOf<P>, SignalsOf<P>>>;
}

/** Nothing more will happen by itself: the job waits for a person, or its steps never end. */
export class TestStuck extends Error {
  override readonly name = "TestStuck";
}

const optionNames = Object.keys({
  answers: true,
  seed: true,
  prices: true,
  concurrency: true,
  pipelines: true,
  layer: true,
} satisfies Record<keyof TestSettings | "pipelines" | "layer", true>);

/** More jumps of time than any chain of back-offs takes. */
const maxJumps = 5_000;

/** Starts a Catena that needs no provider, no disk and no waiting. Rejects with: StartError, TestOptionError, NothingGenerated. */
export const testCatena = async <const Pipelines extends ReadonlyArray<AnyPipeline>>(
  options: TestOptions<Pipelines>,
): Promise<TestCatena> => {
  const time = new VirtualTime();
  const journals = new MemoryJournals();
  const provider = new ScriptedProvider("test", time.now);
  const { seed = 1, pipelines } = options;
  checkNames("the options of testCatena", Object.keys(options), optionNames);
  const process = { isDead: false };
  const scope = Scope.makeUnsafe();
  const context = time.servicesOf(process);
  const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
    Effect.runPromiseWith(context)(Random.withSeed(effect, seed));
  const plans = pipelines.map(({ plan }) => plan);
  const { answers = {} } = options;
  checkAnswers(plans, answers);
  const desk = new AnswerDesk({ time, journals, provider, plans, seed, answers });
  provider.onSubmit = (request) => {
    desk.serve(request);
  };
  const layer = serviceLayer(options, {
    pipelines: pipelines.map((pipeline) => withCountedSteps(pipeline, time, process)),
    store: MemoryJournalStore.make(journals),
    assets: assetsWithSample(),
    models: provider.client(process),
    // No other process writes anything, and every look is a jump of time.
    lookEvery: "1 day",
    recoverEvery: "1 hour",
    passivateAfter: "1 day",
    alerts: false,
  });
  const service = Context.get(await run(Layer.buildWithScope(layer, scope)), CatenaService);
  const tester = new Tester(service, time, run);
  return {
    seed,
    run: async (pipeline, input) => (await tester.submit(pipeline, input)).rested(),
    submit: (pipeline, input) => tester.submit(pipeline, input),
    [Symbol.asyncDispose]: async () => {
      await tester.awaited(run(Scope.close(scope, Exit.void)));
    },
  };
};

const serviceLayer = <Pipelines extends ReadonlyArray<AnyPipeline>>(
  options: TestOptions<Pipelines>,
  runtime: RuntimeOptions & { readonly pipelines: ReadonlyArray<AnyPipeline> },
): Layer.Layer<CatenaService, unknown> => {
  const { prices, concurrency } = options;
  const service: Layer.Layer<CatenaService, unknown, unknown> = Catena.layer({
    ...runtime,
    ...(prices === undefined ? {} : { prices }),
    ...(concurrency === undefined ? {} : { concurrency }),
  });
  // Whether there is a layer, and of what, was decided by the pipelines' types: it is all that is needed.
  const layer = (options.layer ?? Layer.empty) as Layer.Layer<unknown>;
  return Layer.provide(service, layer);
};

class Tester {
  readonly #service: CatenaService["Service"];
  readonly #time: VirtualTime;
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;

  constructor(
    service: CatenaService["Service"],
    time: VirtualTime,
    run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>,
  ) {
    this.#service = service;
    this.#time = time;
    this.#run = run;
  }

  async submit<P extends AnyPipeline>(
    pipeline: P,
    input: NoInfer<InputOf<P>>,
  ): Promise<TestJob<OutputOf<P>, FailureOf<P>, SignalsOf<P>>> {
    const startedAt = this.#time.now();
    const { jobId: id } = await this.awaited(this.#run(this.#service.submit(pipeline, input)));
    const tell = async (fact: Fact): Promise<void> => {
      await this.#time.idle();
      await this.#run(this.#service.tell(id, fact));
      await this.#time.idle();
    };
    const by = "test";
    return {
      id,
      rested: () => this.#rested(pipeline, id, startedAt),
      cancel: () => tell({ type: "CancelRequested", by }),
      pause: () => tell({ type: "PauseRequested", by }),
      resume: () => tell({ type: "ResumeRequested", by }),
      retry: (options) => tell({ type: "RetryRequested", by, isFresh: options?.isFresh ?? false }),
      signal: async (name, value, options) => {
        await this.#time.idle();
        const sent = this.#service.signal(pipeline, id, { ...options, name, value });
        return this.awaited(this.#run(sent));
      },
    };
  }

  async #rested<P extends AnyPipeline>(
    pipeline: P,
    id: string,
    startedAt: number,
  ): Promise<TestRun<OutputOf<P>, FailureOf<P>>> {
    const outcome = await this.awaited(this.#run(this.#service.outcome(pipeline, id)), id);
    const { record, entries, predictions } = await this.#run(this.#service.state(id));
    const tookMs = record.updatedAt - startedAt;
    return { outcome, journal: entries, ledger: predictions, record, tookMs };
  }

  /** Lets time jump until the promise is settled. */
  async awaited<A>(promise: Promise<A>, jobId?: string): Promise<A> {
    let isSettled = false;
    const settled = promise.finally(() => {
      isSettled = true;
    });
    // A rejection is the caller's, not nobody's, while time is still being moved.
    settled.catch(() => undefined);
    for (let jumps = 0; jumps < maxJumps; jumps += 1) {
      await this.#time.idle();
      if (isSettled) return settled;
      if (!this.#time.jump()) break;
    }
    throw await this.#stuck(jobId);
  }

  async #stuck(jobId: string | undefined): Promise<TestStuck> {
    if (jobId === undefined) return new TestStuck("the test's Catena does not get on");
    const { record } = await this.#run(this.#service.state(jobId));
    const { waiting, currentStep, detail } = record;
    return new TestStuck(
      `job ${jobId} does not come to rest: ${currentStep ?? record.status} is ${detail}, waiting for ${waiting?.waitingFor ?? "nothing"}; next: ${waiting?.next ?? "nothing"}`,
    );
  }
}
