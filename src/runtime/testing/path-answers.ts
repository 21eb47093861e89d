/** What the acts of a path are at the provider: answers to creates, and ends of predictions. */
import type { Ending, Reply } from "../../machines/paths/act.ts";
import { Schema } from "effect";
import { ProviderFailure, ValidationFailure } from "../../steps/failure.ts";
import type { StepAnswers } from "./generated.ts";
import type { RemoteEnd, ScriptedProvider, SubmitAnswer } from "./scripted-provider.ts";

const refused = (
  reason: ProviderFailure["reason"],
  more: { readonly status: number; readonly retryAfterMs?: number },
): SubmitAnswer => ({
  type: "rejected",
  failure: new ProviderFailure({ reason, provider: "scripted", detail: "as scripted", ...more }),
});

const answers: { readonly [Name in Reply]: SubmitAnswer } = {
  accepted: { type: "accepted" },
  rateLimited: refused("RateLimited", { status: 429, retryAfterMs: 5_000 }),
  unauthorized: refused("Unauthorized", { status: 401 }),
  badRequest: {
    type: "rejected",
    failure: new ValidationFailure({
      at: "request",
      issues: [{ path: "prompt", message: "not accepted, as scripted" }],
    }),
  },
  lostCreated: { type: "lost", isCreated: true },
  lostAbsent: { type: "lost", isCreated: false },
};

export const answerFor = (reply: Reply): SubmitAnswer => answers[reply];

const isJson = Schema.is(Schema.Json);

const canceled: RemoteEnd = { status: "canceled" };

/** Lets the prediction come to this end, now or when its time is over. */
export const endPrediction = (
  provider: ScriptedProvider,
  key: string,
  { ending, answers: made }: { readonly ending: Ending; readonly answers: StepAnswers | undefined },
): void => {
  if (ending !== "bootTimeout") provider.start(key);
  const succeeded = (output: unknown): RemoteEnd => ({
    status: "succeeded",
    output: isJson(output) ? output : null,
  });
  switch (ending) {
    case "valid":
      return provider.end(key, succeeded(made?.valid));
    case "invalid":
      return provider.end(key, succeeded(made?.invalid));
    case "refused":
      return provider.end(key, succeeded(made?.refused));
    case "failed":
      return provider.end(key, { status: "failed", error: "the model failed, as scripted" });
    case "blocked":
      return provider.end(key, { status: "failed", error: "NSFW content detected, as scripted" });
    case "lateSuccess":
      return provider.whenCancelled(key, succeeded(made?.valid));
    case "timeout":
    case "bootTimeout":
    case "canceled":
      return provider.whenCancelled(key, canceled);
    case "stubborn":
      return;
  }
};
