/**
 * A step is a contract and a program: what it takes, what it returns, how it may fail, how long it may
 * take, whether it may be tried again, and what to run. It is plain data until a pipeline runs it.
 */
import type { Duration, Effect, Schema } from "effect";
import { type Approval, type ApprovalOptions, approvalProgram } from "./approval.ts";
import { positiveMillis } from "./duration.ts";
import type {
  Failure,
  FailureKind,
  PolicyFailure,
  ProviderFailure,
  TimeoutFailure,
  ValidationFailure,
} from "./failure.ts";
import { refuseUnknownOptions } from "./known-options.ts";
import { Parse } from "./parse.ts";
import { Retry, type RetryPolicy } from "./retry.ts";
import { type SignalOptions, type SignalProgram, signalProgram } from "./signal-step.ts";
import { checkStepOptions } from "./step-options.ts";
import { timeoutPolicy, type TimeoutInput, type TimeoutPolicy } from "./timeout.ts";

/** A schema without services on either side; what a step takes or returns must survive a restart. */
export type AnySchema<A> = Schema.Codec<A, unknown>;

interface FailureByKind {
  readonly validation: ValidationFailure;
  readonly timeout: TimeoutFailure;
  readonly provider: ProviderFailure;
  readonly policy: PolicyFailure;
}

/** The failures a step may end in: those it declares, and the two that need no declaring. */
export type DeclaredFailure<Kinds extends FailureKind> = FailureByKind[
  | Kinds
  | "validation"
  | "timeout"];

export interface StepContext {
  /** The same over all attempts and restarts of this step of this job: hand it to whoever can deduplicate. */
  readonly key: string;
  /** 1-based. */
  readonly attempt: number;
  /** Aborted when the attempt is interrupted, times out or is cancelled. */
  readonly signal: AbortSignal;
}

/** Why a model is asked once more: what it wrote and what was wrong with it. `ordinal` is 1-based. */
export interface Repair {
  readonly ordinal: number;
  readonly issues: ReadonlyArray<{ readonly path: string; readonly message: string }>;
  readonly output: Schema.Json;
}

export interface RunProgram {
  readonly kind: "run";
  // The step's own types are checked where it is made; from here on values pass through its schemas.
  readonly run: (input: never, context: StepContext) => unknown;
  readonly mapError: ((error: unknown) => Failure | undefined) | undefined;
}

export interface ModelProgram {
  readonly kind: "model";
  /** `owner/name[:version]`, or `client:owner/name` where several clients are configured. */
  readonly model: string;
  readonly request: (
    input: never,
    context: { readonly repair: Repair | undefined },
  ) => Record<string, unknown>;
  readonly parse: Parse;
  /** Decodes what was parsed: the output's schema, unless the output is made of more than the answer. */
  readonly answer: AnySchema<unknown>;
  readonly refuse:
    | ((result: { readonly input: never; readonly output: never }) => PolicyFailure | undefined)
    | undefined;
  readonly toOutput:
    | ((result: { readonly input: never; readonly answer: never }) => unknown)
    | undefined;
  /** How many times an output that does not parse or decode is asked for again within an attempt. */
  readonly repair: number;
  readonly onUnknown: OnUnknown;
  /** How old (ms) an earlier job's answer to an equal call may be that is used instead of paying; null: none is. */
  readonly reuseMs: number | null;
  /** An earlier job may be of any tenant; else of this job's own, or of none as this one is. */
  readonly isReusedAcrossTenants: boolean;
  /** What the model writes is shown, as it writes it, to whoever may read the job. */
  readonly isStreamed: boolean;
}

/** What happens when it is certain that a create of unknown outcome left no prediction. */
export type OnUnknown = "recreate" | "ask" | "fail";

/** S is what a step that waits for a signal is sent; never, where it waits for none. */
export interface Step<
  Name extends string,
  in out I,
  in out O,
  out F extends Failure,
  out R,
  out S = never,
> {
  readonly name: Name;
  readonly input: AnySchema<I>;
  readonly output: AnySchema<O>;
  readonly fails: ReadonlyArray<FailureKind>;
  readonly timeout: TimeoutPolicy;
  readonly retry: RetryPolicy;
  /** Whether a crash in the middle may run it again; a step that may not rests as OutcomeUnknown. */
  readonly isRepeatable: boolean;
  readonly program: RunProgram | ModelProgram | SignalProgram;
  /** The same step under another name, so that a pipeline can use it twice. */
  as<Other extends string>(name: Other): Step<Other, I, O, F, R, S>;
  /** Only for the compiler: carries F, R and S. */
  readonly "~types"?: { readonly failure: F; readonly services: R; readonly signal: S };
}

/** Any step, as the machine and the runtime see it. */
// oxlint-disable-next-line typescript/no-explicit-any -- invariant in input and output, a Step has no other supertype
export type AnyStep = Step<string, any, any, Failure, any, any>;

/** What an error the step does not declare is called in the compiler's sentence. */
type NameOf<E> = E extends { readonly _tag: infer Tag extends string } ? Tag : "an untagged error";

/** Nothing where every failure is declared, else a key that no options have: its value says what to do. */
type Undeclared<Name extends string, E> = [E] extends [never]
  ? unknown
  : {
      readonly "undeclared-failure": `step "${Name}" can fail with ${NameOf<E>}, which it does not declare: add its kind to fails, or turn it into a declared failure`;
    };

interface RunOptions<I, O, Made extends O, Kinds extends FailureKind, E, R> {
  readonly input: AnySchema<I>;
  readonly output: AnySchema<O>;
  readonly fails?: ReadonlyArray<Kinds>;
  readonly run: (
    input: NoInfer<I>,
    context: StepContext,
  ) => Effect.Effect<Made, E, R> | Promise<Made> | Made;
  /** Turns what was thrown or rejected into a declared failure; what it leaves undefined is a defect. */
  readonly mapError?: (error: unknown) => DeclaredFailure<NoInfer<Kinds>> | undefined;
  /** Default: 10 minutes an attempt. */
  readonly timeout?: TimeoutInput;
  /** Default: none. */
  readonly retry?: RetryPolicy;
  /** Default: true. */
  readonly isRepeatable?: boolean;
}

/** What can be said of every call of a model, whatever it is asked. */
export interface ModelSettings {
  /** `owner/name[:version]`, or `client:owner/name` where several clients are configured. */
  readonly model: string;
  /** Default: 10 minutes an attempt. */
  readonly timeout?: TimeoutInput;
  /** Default: `Retry.transient()`. */
  readonly retry?: RetryPolicy;
  /** Default: 0. */
  readonly repair?: number;
  /** Default: recreate. */
  readonly onUnknown?: OnUnknown;
  /**
   * Uses the stored answer of an earlier job instead of paying, where it is no older than this ("7 days"),
   * of the same model with an equal input as sent, and decodes for this step. Of a job of the same tenant
   * only, or of none where this one has none. Default: off.
   */
  readonly reuse?: Duration.Input;
  /**
   * `reuse` takes answers of other tenants' jobs as well, and gives this one's to theirs, files among them:
   * for what is nobody's secret. Default: false.
   */
  readonly reuseAcrossTenants?: boolean;
  /**
   * Shows what the model writes, word for word and as it writes it, to whoever may read the job: before it
   * is parsed, checked or moderated. Default: false; then only operators and this process may see it.
   */
  readonly stream?: boolean;
}

/** A is what the model answers, which is the output itself where `answer` does not say otherwise. */
interface ModelOptions<I, O, A> extends ModelSettings {
  readonly input: AnySchema<I>;
  readonly output: AnySchema<O>;
  /** The model's input; an Asset in it is handed over as a data URI or an upload. */
  readonly request: (
    input: NoInfer<I>,
    context: { readonly repair: Repair | undefined },
  ) => Record<string, unknown>;
  /** Default by what is answered: text for strings, the file for assets, JSON or labelled lines for the rest (`Parse.for`). */
  readonly parse?: Parse;
  /** A verdict on the decoded answer: what it returns blocks the job. */
  readonly refuse?: (result: {
    readonly input: NoInfer<I>;
    readonly output: NoInfer<A>;
  }) => PolicyFailure | undefined;
  /** Where the output is more than the answer, or something else: the answer's schema, and what is made of it. */
  readonly answer?: {
    readonly schema: AnySchema<A>;
    readonly toOutput: (result: {
      readonly input: NoInfer<I>;
      readonly answer: NoInfer<A>;
    }) => NoInfer<O>;
  };
}

type StepFields = Omit<AnyStep, "name" | "as" | "~types">;

const named = <Name extends string, I, O, F extends Failure, R, S = never>(
  name: Name,
  fields: StepFields,
): Step<Name, I, O, F, R, S> => ({
  ...fields,
  name,
  as: <Other extends string>(other: Other) => named<Other, I, O, F, R, S>(other, fields),
});

/** What waits for a signal makes no attempts: nothing of it is timed, tried again or done twice. */
const waiting = {
  timeout: { attemptMs: Number.POSITIVE_INFINITY },
  retry: Retry.none,
  isRepeatable: true,
} as const;

const runOptions = Object.keys({
  input: true,
  output: true,
  fails: true,
  run: true,
  mapError: true,
  timeout: true,
  retry: true,
  isRepeatable: true,
} satisfies Record<keyof RunOptions<unknown, unknown, unknown, never, never, never>, true>);

const modelOptions = Object.keys({
  input: true,
  output: true,
  model: true,
  request: true,
  parse: true,
  refuse: true,
  answer: true,
  timeout: true,
  retry: true,
  repair: true,
  onUnknown: true,
  reuse: true,
  reuseAcrossTenants: true,
  stream: true,
} satisfies Record<keyof ModelOptions<unknown, unknown, unknown>, true>);

const reuseOf = ({
  reuse,
  reuseAcrossTenants = false,
}: ModelSettings): Pick<ModelProgram, "reuseMs" | "isReusedAcrossTenants"> => {
  // Whatever else plain JavaScript may hand over shares nothing by mistake.
  if (typeof reuseAcrossTenants !== "boolean")
    throw new TypeError(
      `expected reuseAcrossTenants to be true or false, got ${JSON.stringify(reuseAcrossTenants) ?? typeof reuseAcrossTenants}`,
    );
  const reuseMs = reuse === undefined ? null : positiveMillis("reuse", reuse);
  if (reuseMs === null && reuseAcrossTenants)
    throw new TypeError("expected reuse beside reuseAcrossTenants, which alone reuses nothing");
  return { reuseMs, isReusedAcrossTenants: reuseAcrossTenants };
};

export const Step = {
  /** A step that runs a function: an Effect, a promise or a plain value. */
  make: <
    const Name extends string,
    I,
    O,
    // Inferred for itself, so that literals stay narrow; `NoInfer<O>` would widen them.
    const Made extends O,
    const Kinds extends FailureKind = never,
    E = never,
    R = never,
  >(
    name: Name,
    options: RunOptions<I, O, Made, Kinds, E, R> &
      Undeclared<Name, Exclude<NoInfer<E>, DeclaredFailure<Kinds>>>,
  ): Step<Name, I, O, DeclaredFailure<Kinds>, R> => {
    refuseUnknownOptions(name, options, runOptions);
    checkStepOptions(name, options, runOptions);
    return named(name, {
      input: options.input,
      output: options.output,
      fails: options.fails ?? [],
      timeout: timeoutPolicy(options.timeout),
      retry: options.retry ?? Retry.none,
      isRepeatable: options.isRepeatable ?? true,
      program: { kind: "run", run: options.run, mapError: options.mapError },
    });
  },
  /** A step that asks a model: one paid prediction a call, normalised, parsed and decoded. */
  model: <const Name extends string, I, O, A = O>(
    name: Name,
    options: ModelOptions<I, O, A>,
  ): Step<Name, I, O, Failure, never> => {
    refuseUnknownOptions(name, options, modelOptions);
    checkStepOptions(name, options, modelOptions);
    return named(name, {
      input: options.input,
      output: options.output,
      fails: ["validation", "timeout", "provider", "policy"],
      timeout: timeoutPolicy(options.timeout),
      retry: options.retry ?? Retry.transient(),
      isRepeatable: true,
      program: {
        kind: "model",
        model: options.model,
        request: options.request,
        parse: options.parse ?? Parse.for(options.answer?.schema ?? options.output),
        answer: options.answer?.schema ?? options.output,
        refuse: options.refuse,
        toOutput: options.answer?.toOutput,
        repair: options.repair ?? 0,
        onUnknown: options.onUnknown ?? "recreate",
        ...reuseOf(options),
        isStreamed: options.stream ?? false,
      },
    });
  },
  /**
   * A step that waits until somebody sends the job a signal of the step's name. What is sent is checked by
   * the output's schema before it is taken, and is the output. Nothing runs meanwhile.
   */
  signal: <const Name extends string, I, O, S = O>(
    name: Name,
    options: SignalOptions<I, O, S>,
  ): Step<Name, I, O, DeclaredFailure<never>, never, S> =>
    named(name, {
      ...waiting,
      input: options.input,
      output: options.output,
      fails: [],
      program: signalProgram(name, options),
    }),
  /**
   * A signal that says yes or no, `{ approved, by?, comment? }`: a yes hands the input on, a no fails the step
   * with a PolicyFailure of the rule `approval`.
   */
  approval: <const Name extends string, I>(
    name: Name,
    options: ApprovalOptions<I>,
  ): Step<Name, I, I, DeclaredFailure<"policy">, never, Approval> =>
    named(name, {
      ...waiting,
      input: options.input,
      output: options.input,
      fails: ["policy"],
      program: approvalProgram(name, options),
    }),
} as const;
