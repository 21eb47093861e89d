/** Answers the creates of a test: finds whose step asks, what the test says to it, and does that. */
import { inspect } from "node:util";
import { Cause, Effect, Exit, Schema } from "effect";
import type { PipelinePlan } from "../../machines/plan.ts";
import { ProviderFailure } from "../../steps/failure.ts";
import type { SubmitRequest } from "../../steps/model-client.ts";
import type { MemoryJournals } from "../journal-stores/memory.ts";
import { answerAt, ScriptedAnswer, type StepAnswer } from "./answer.ts";
import { answersFor } from "./generated.ts";
import type { RemoteEnd, ScriptedProvider } from "./scripted-provider.ts";
import { checkNames } from "./test-option-error.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface DeskSetting {
  readonly time: VirtualTime;
  readonly journals: MemoryJournals;
  readonly provider: ScriptedProvider;
  readonly plans: ReadonlyArray<PipelinePlan>;
  readonly seed: number;
  readonly answers: Readonly<Record<string, StepAnswer>>;
}

export class AnswerDesk {
  readonly #setting: DeskSetting;
  readonly #asked = new Map<string, number>();

  constructor(setting: DeskSetting) {
    this.#setting = setting;
  }

  /** Answers the create, now or when the test's own function has come to something. */
  serve(request: SubmitRequest): void {
    const { time } = this.#setting;
    const decided = Effect.tryPromise({
      try: async (): Promise<unknown> => this.#answerTo(request),
      catch: (error) => error,
    });
    const served = Effect.map(Effect.exit(decided), (exit) => {
      this.#act(
        request,
        Exit.isSuccess(exit)
          ? exit.value
          : new ScriptedAnswer({
              type: "fail",
              error: `the answer threw ${Cause.pretty(exit.cause)}`,
            }),
      );
    });
    Effect.runForkWith(time.servicesOf(this))(time.usersCode(served, this));
  }

  #answerTo({ key, model, input }: SubmitRequest): unknown {
    const { journals, answers, plans, seed } = this.#setting;
    const row = journals.predictions.get(key);
    const pipeline =
      row === undefined ? undefined : journals.files.get(row.jobId)?.job.record.pipeline;
    const path = row?.path ?? "";
    const asker = `${row?.jobId}/${path}`;
    const ordinal = (this.#asked.get(asker) ?? 0) + 1;
    this.#asked.set(asker, ordinal);
    const said = answers[path] ?? answers[model];
    if (said !== undefined) return answerAt(said, input, ordinal);
    const node = plans
      .find(({ name }) => name === pipeline)
      ?.nodes.find((one) => one.path === path);
    return node === undefined ? null : answersFor(node, seed).valid;
  }

  #act({ key, ...request }: SubmitRequest, answer: unknown): void {
    const { provider } = this.#setting;
    if (!(answer instanceof ScriptedAnswer)) {
      provider.answer(key, { type: "accepted" });
      provider.start(key);
      return provider.end(key, valueEnd(answer, this.#pathOf(key)));
    }
    const { how } = answer;
    switch (how.type) {
      case "rateLimited":
        return provider.answer(key, { type: "rejected", failure: tooMany(how.retryAfterMs) });
      case "lost":
        provider.answer(key, { type: "lost", isCreated: how.isCreated });
        // What was made in spite of it ends as the model would have ended it anyway.
        return provider.end(key, valueEnd(this.#generated(key), this.#pathOf(key)));
      case "timeout":
        provider.answer(key, { type: "accepted" });
        provider.start(key);
        return provider.whenCancelled(key, { status: "canceled" });
      case "fail":
        provider.answer(key, { type: "accepted" });
        return provider.end(key, { status: "failed", error: how.error });
      case "sequence":
        return this.#act({ key, ...request }, answerAt(answer, request.input, 1));
    }
  }

  #pathOf(key: string): string {
    return this.#setting.journals.predictions.get(key)?.path ?? "";
  }

  #generated(key: string): unknown {
    const { plans, seed } = this.#setting;
    const path = this.#pathOf(key);
    const node = plans.flatMap(({ nodes }) => nodes).find((one) => one.path === path);
    return node === undefined ? null : answersFor(node, seed).valid;
  }
}

const isJson = Schema.is(Schema.Json);

const valueEnd = (value: unknown, path: string): RemoteEnd =>
  isJson(value)
    ? { status: "succeeded", output: value }
    : {
        status: "failed",
        error: `the test's answer for ${path} is not JSON: ${inspect(value, { depth: 1 })}`,
      };

/**
 * Throws TestOptionError where an answer is for nobody: models are asked by steps that name one, and by no other.
 */
export const checkAnswers = (
  plans: ReadonlyArray<PipelinePlan>,
  answers: Readonly<Record<string, StepAnswer>>,
): void => {
  const asking = plans.flatMap(({ nodes }) =>
    nodes.flatMap(({ path, step }) =>
      step.program.kind === "model" ? [path, step.program.model] : [],
    ),
  );
  checkNames("answers", Object.keys(answers), [...new Set(asking)]);
};

const tooMany = (retryAfterMs: number): ProviderFailure =>
  new ProviderFailure({
    reason: "RateLimited",
    provider: "test",
    detail: "as the test says",
    status: 429,
    retryAfterMs,
  });
