/** What a model answers in a test: a value, or one of the ways in which a call goes wrong. */
import { Duration, Option } from "effect";
import { TestOptionError } from "./test-option-error.ts";

/** How a call ends otherwise than by a value. */
export class ScriptedAnswer {
  readonly how: AnswerHow;
  constructor(how: AnswerHow) {
    this.how = how;
  }
}

type AnswerHow =
  | { readonly type: "fail"; readonly error: string }
  | { readonly type: "timeout" }
  | { readonly type: "rateLimited"; readonly retryAfterMs: number }
  | { readonly type: "lost"; readonly isCreated: boolean }
  | { readonly type: "sequence"; readonly answers: ReadonlyArray<unknown> };

/** A value as the model would write it, an Answer, or a function of the request and of how often the step has asked. */
export type StepAnswer =
  | ScriptedAnswer
  | ((request: Readonly<Record<string, unknown>>, attempt: number) => unknown)
  | string
  | number
  | boolean
  | null
  | object;

export const Answer = {
  /** The prediction fails with this error text. */
  fail: (error = "the model failed"): ScriptedAnswer => new ScriptedAnswer({ type: "fail", error }),
  /** The prediction runs until its attempt's time is over. */
  timeout: (): ScriptedAnswer => new ScriptedAnswer({ type: "timeout" }),
  /** The provider answers 429 and asks for this much patience. Default: 5 seconds. Throws TestOptionError. */
  rateLimited: (retryAfter: Duration.Input = "5 seconds"): ScriptedAnswer =>
    new ScriptedAnswer({
      type: "rateLimited",
      retryAfterMs: millisOf(retryAfter),
    }),
  /** The answer to the create is lost. `isCreated` (default true): the prediction exists and can be found. */
  lost: (options: { readonly isCreated?: boolean } = {}): ScriptedAnswer =>
    new ScriptedAnswer({ type: "lost", isCreated: options.isCreated ?? true }),
  /** One answer after the other each time the step asks; the last one stays. Throws TestOptionError where there is none. */
  sequence: (...answers: ReadonlyArray<StepAnswer>): ScriptedAnswer => {
    if (answers.length === 0)
      throw new TestOptionError("Answer.sequence", "at least one answer", answers);
    return new ScriptedAnswer({ type: "sequence", answers });
  },
} as const;

const millisOf = (retryAfter: Duration.Input): number => {
  const duration = Option.getOrNull(Duration.fromInput(retryAfter));
  if (duration !== null) return Duration.toMillis(duration);
  throw new TestOptionError("Answer.rateLimited", 'a duration such as "5 minutes"', retryAfter);
};

/** The answer to the ask of that ordinal (1-based). */
export const answerAt = (
  answer: unknown,
  request: Readonly<Record<string, unknown>>,
  ordinal: number,
): unknown => {
  if (typeof answer === "function") return Reflect.apply(answer, undefined, [request, ordinal]);
  if (!(answer instanceof ScriptedAnswer) || answer.how.type !== "sequence") return answer;
  const { answers } = answer.how;
  return answerAt(answers[Math.min(ordinal, answers.length) - 1], request, ordinal);
};
