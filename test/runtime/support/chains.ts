/** Chains whose steps do what the test says, and tell what they were asked to do. */
import { Effect, Latch, Schema } from "effect";
import {
  Pipeline,
  type ProviderFailure,
  Retry,
  type RetryPolicy,
  Step,
  type StepContext,
  type TimeoutInput,
} from "../../../src/index.ts";

export type Work = (input: string, context: StepContext) => Effect.Effect<string, ProviderFailure>;

/** What the chain's steps do, by name; a step without work answers its input with its name behind it. */
export interface Script {
  readonly calls: Array<string>;
  readonly work: Record<string, Work>;
  readonly callsOf: (step: string) => ReadonlyArray<string>;
}

export const newScript = (work: Record<string, Work> = {}): Script => {
  const calls: Array<string> = [];
  return { calls, work, callsOf: (step) => calls.filter((call) => call.startsWith(`${step} `)) };
};

interface StepOptions {
  readonly retry?: RetryPolicy;
  readonly isRepeatable?: boolean;
  readonly timeout?: TimeoutInput;
}

/** Three steps: `first`, `second`, `third`; the output is what all of them left, `x>first>second>third`. */
export const chainOf = (script: Script, options: StepOptions = {}, name = "chain") => {
  const step = <const Name extends string>(stepName: Name) =>
    Step.make(stepName, {
      input: Schema.String,
      output: Schema.String,
      fails: ["provider"],
      retry: options.retry ?? Retry.none,
      isRepeatable: options.isRepeatable ?? true,
      ...(options.timeout !== undefined && { timeout: options.timeout }),
      run: (input: string, context) => {
        script.calls.push(`${stepName} ${input} #${context.attempt}`);
        const work = script.work[stepName];
        return work === undefined ? Effect.succeed(`${input}>${stepName}`) : work(input, context);
      },
    });
  return Pipeline.make(name, { version: 1, input: Schema.String })
    .step(step("first"))
    .step(step("second"))
    .step(step("third"))
    .output(Schema.String, ({ last }) => last);
};

/** Work that waits at a gate; `name` is the step's. */
export const gatedWork = (name: string) => {
  const latch = Latch.makeUnsafe(false);
  const work: Work = (input) => Effect.as(latch.await, `${input}>${name}`);
  return { work, open: () => latch.openUnsafe() };
};
