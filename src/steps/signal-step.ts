/**
 * A step that waits for somebody's word: what the word must be, how long it is waited for, and what the
 * step makes of it. Plain data, as every program of a step.
 */
import type { Duration, Schema } from "effect";
import { positiveMillis } from "./duration.ts";
import type { PolicyFailure } from "./failure.ts";
import { refuseUnknownOptions } from "./known-options.ts";

type Codec<A> = Schema.Codec<A, unknown>;

export interface SignalProgram {
  readonly kind: "signal";
  /** Checks what was sent before it is taken: the output's schema, unless the output is made of more than the signal. */
  readonly signal: Codec<unknown>;
  readonly refuse:
    | ((result: { readonly input: never; readonly signal: never }) => PolicyFailure | undefined)
    | undefined;
  readonly toOutput:
    | ((result: { readonly input: never; readonly signal: never }) => unknown)
    | undefined;
  /** How long (ms) the signal is waited for; null: as long as it takes. */
  readonly timeoutMs: number | null;
}

/** S is what is sent, which is the output itself where `signal` does not say otherwise. */
export interface SignalOptions<I, O, S> {
  readonly input: Codec<I>;
  readonly output: Codec<O>;
  /** How long the signal is waited for ("3 days"). Default: as long as it takes. */
  readonly timeout?: Duration.Input;
  /** Where the output is more than what was sent, or something else: the signal's schema, and what is made of it. */
  readonly signal?: {
    readonly schema: Codec<S>;
    readonly toOutput: (result: {
      readonly input: NoInfer<I>;
      readonly signal: NoInfer<S>;
    }) => NoInfer<O>;
  };
}

const signalOptions = Object.keys({
  input: true,
  output: true,
  timeout: true,
  signal: true,
} satisfies Record<keyof SignalOptions<unknown, unknown, unknown>, true>);

/** Throws a TypeError for an option that does not exist, or a timeout that is none. */
export const signalProgram = <I, O, S>(
  name: string,
  options: SignalOptions<I, O, S>,
): SignalProgram => {
  refuseUnknownOptions(name, options, signalOptions);
  return {
    kind: "signal",
    signal: options.signal?.schema ?? options.output,
    refuse: undefined,
    toOutput: options.signal?.toOutput,
    timeoutMs: timeoutMsOf(options.timeout),
  };
};

export const timeoutMsOf = (timeout: Duration.Input | undefined): number | null =>
  timeout === undefined ? null : positiveMillis("timeout", timeout);
