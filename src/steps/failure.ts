/**
 * The ways a step can fail, as data. Each failure is stored in the journal in its encoded form, told
 * apart by `_tag`, and decides by itself whether a plain retry may help and what a user may read.
 * Their numbers are finite, as JSON has no others.
 */
import { Schema } from "effect";

/** The failure kinds a step can declare in `fails`; `validation` and `timeout` are always possible. */
export type FailureKind = "validation" | "timeout" | "provider" | "policy";

/** One violated expectation; `path` is dotted (`tone`, `items.0.name`), empty for the value itself. */
export const Issue = Schema.Struct({ path: Schema.String, message: Schema.String });
export type Issue = typeof Issue.Type;

export const sentenceOf = (issues: ReadonlyArray<Issue>): string =>
  issues
    .map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`))
    .join("; ");

/** A value did not fit its schema: the user's input, the model's request, a step's output, or a signal. */
export class ValidationFailure extends Schema.TaggedError<ValidationFailure>()(
  "ValidationFailure",
  {
    at: Schema.Literals(["input", "request", "output", "signal"]),
    issues: Schema.Array(Issue),
  },
) {
  get kind(): FailureKind {
    return "validation";
  }
  /** An output may be repaired or asked for again by the step's `repair`; a plain retry never helps. */
  get isRetryable(): boolean {
    return false;
  }
  override get message(): string {
    return `The ${this.at} is not valid: ${sentenceOf(this.issues)}`;
  }
  /** Issues of inputs and signals are the user's own words back; what a model wrote stays inside. */
  get safeMessage(): string {
    return this.at === "input" || this.at === "signal"
      ? this.message
      : `A model's ${this.at} did not have the expected shape.`;
  }
}

/** Something did not answer within `timeoutMs` (ms). */
export class TimeoutFailure extends Schema.TaggedError<TimeoutFailure>()("TimeoutFailure", {
  timeoutMs: Schema.Finite,
  /** What was awaited when the time ran out. */
  awaited: Schema.Literals(["attempt", "boot", "step", "signal"]),
}) {
  get kind(): FailureKind {
    return "timeout";
  }
  get isRetryable(): boolean {
    return this.awaited !== "step" && this.awaited !== "signal";
  }
  override get message(): string {
    return `The ${this.awaited} took longer than ${this.timeoutMs} ms`;
  }
  get safeMessage(): string {
    return this.awaited === "signal"
      ? "What the job waited for did not come in time."
      : "A step took too long.";
  }
}

export const ProviderReason = Schema.Literals([
  "RateLimited",
  "Unauthorized",
  "QuotaExhausted",
  "Unavailable",
  "BadResponse",
  "PredictionFailed",
  "OutcomeUnknown",
  "OutputExpired",
  "Canceled",
]);
export type ProviderReason = typeof ProviderReason.Type;

const retryableReasons: ReadonlySet<ProviderReason> = new Set([
  "RateLimited",
  "QuotaExhausted",
  "Unavailable",
  "BadResponse",
  "PredictionFailed",
  "OutputExpired",
  "Canceled",
]);

/** The provider refused, failed, or could not be reached. `detail` never holds a secret. */
export class ProviderFailure extends Schema.TaggedError<ProviderFailure>()("ProviderFailure", {
  reason: ProviderReason,
  provider: Schema.String,
  detail: Schema.String,
  /** HTTP status, where there was an answer. */
  status: Schema.optionalKey(Schema.Finite),
  /** How long the provider asked us to wait, in ms. */
  retryAfterMs: Schema.optionalKey(Schema.Finite),
  /** Set where the provider says that the same input will fail again (out of memory, for one). */
  isPermanent: Schema.optionalKey(Schema.Boolean),
}) {
  get kind(): FailureKind {
    return "provider";
  }
  get isRetryable(): boolean {
    return this.isPermanent !== true && retryableReasons.has(this.reason);
  }
  override get message(): string {
    return `${this.provider}: ${this.reason}: ${this.detail}`;
  }
  get safeMessage(): string {
    return "A model provider could not finish the work.";
  }
}

/** The rule of what would cost more than it may. */
export const budgetRule = "budget";

/** A rule forbids going on: moderation of input, prompt or output, a provider's filter, a budget. */
export class PolicyFailure extends Schema.TaggedError<PolicyFailure>()("PolicyFailure", {
  rule: Schema.String,
  categories: Schema.optionalKey(Schema.Array(Schema.String)),
  scores: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  /** For the operator: what forbids it, and what would help. */
  detail: Schema.optionalKey(Schema.String),
}) {
  get kind(): FailureKind {
    return "policy";
  }
  get isRetryable(): boolean {
    return false;
  }
  override get message(): string {
    const categories = this.categories === undefined ? "" : ` (${this.categories.join(", ")})`;
    const detail = this.detail === undefined ? "" : `: ${this.detail}`;
    return `Blocked by the rule ${this.rule}${categories}${detail}`;
  }
  get safeMessage(): string {
    return this.rule === budgetRule
      ? "The work was not done: a budget does not allow it."
      : `The content was not accepted: ${this.rule}.`;
  }
}

export const Failure = Schema.Union([
  ValidationFailure,
  TimeoutFailure,
  ProviderFailure,
  PolicyFailure,
]);
export type Failure = typeof Failure.Type;
/** A failure as the journal stores it: plain JSON. */
export type FailureData = typeof Failure.Encoded;

/** A bug, not a failure: recorded and dead-lettered. `at` is the stack's first line in user code. */
export const Defect = Schema.TaggedStruct("Defect", {
  message: Schema.String,
  at: Schema.optionalKey(Schema.String),
});
export type Defect = typeof Defect.Type;

/** What a job can rest on in `failed`: a declared failure, or a defect. */
export type RestKind = FailureKind | "defect";

export const decodeFailure = Schema.decodeUnknownSync(Failure);
export const encodeFailure = Schema.encodeSync(Failure);

const kindOfTag: { readonly [Tag in FailureData["_tag"]]: FailureKind } = {
  ValidationFailure: "validation",
  TimeoutFailure: "timeout",
  ProviderFailure: "provider",
  PolicyFailure: "policy",
};

/** The kind under which a stored failure or defect rests. */
export const kindOf = (failure: FailureData | Defect): RestKind =>
  failure._tag === "Defect" ? "defect" : kindOfTag[failure._tag];

/** What a user may read of a stored failure; a defect is always just "step failed". */
export const safeMessageOf = (failure: FailureData | Defect): string =>
  failure._tag === "Defect" ? "step failed" : decodeFailure(failure).safeMessage;

/** What an operator reads of a stored failure. */
export const operatorMessageOf = (failure: FailureData | Defect): string =>
  failure._tag === "Defect"
    ? `${failure.message}${failure.at === undefined ? "" : ` (${failure.at})`}`
    : decodeFailure(failure).message;
