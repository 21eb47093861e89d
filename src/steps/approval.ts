/** An approval: a signal that says yes or no. What was approved goes on as it came; a no is a PolicyFailure. */
import { type Duration, Schema } from "effect";
import { PolicyFailure } from "./failure.ts";
import { refuseUnknownOptions } from "./known-options.ts";
import { type SignalProgram, timeoutMsOf } from "./signal-step.ts";

/** What is sent to a step that waits for an approval. */
export const Approval = Schema.Struct({
  approved: Schema.Boolean,
  /** Who says so. */
  by: Schema.optionalKey(Schema.String),
  comment: Schema.optionalKey(Schema.String),
});
export type Approval = typeof Approval.Type;

export interface ApprovalOptions<I> {
  /** What is to be approved, which is also what the step returns. */
  readonly input: Schema.Codec<I, unknown>;
  /** How long the approval is waited for ("3 days"). Default: as long as it takes. */
  readonly timeout?: Duration.Input;
}

const approvalOptions = Object.keys({
  input: true,
  timeout: true,
} satisfies Record<keyof ApprovalOptions<unknown>, true>);

/** Throws a TypeError for an option that does not exist, or a timeout that is none. */
export const approvalProgram = <I>(name: string, options: ApprovalOptions<I>): SignalProgram => {
  refuseUnknownOptions(name, options, approvalOptions);
  return {
    kind: "signal",
    signal: Approval,
    refuse: ({ signal }: { readonly signal: Approval }) =>
      signal.approved ? undefined : new PolicyFailure({ rule: "approval" }),
    toOutput: ({ input }: { readonly input: I }) => input,
    timeoutMs: timeoutMsOf(options.timeout),
  };
};
