/**
 * Creates that nobody answered and of which nothing was made. To make such a call again uses up no attempt, as
 * the crash of a process may have kept it from being sent; a provider that leaves one after the other unanswered
 * is another matter, and the job has to come to rest some time.
 */
import { Effect } from "effect";
import type { Entry } from "../../machines/entry.ts";
import { ProviderFailure } from "../../steps/failure.ts";
import { progressIn } from "./attempt.ts";
import type { ModelRun } from "./model-run.ts";

/** Each takes the whole grace: with the default this is about six minutes. */
const maxUnanswered = 5;

/** What the provider has against the attempt by now; null while it may make the call again. */
export const tooManyUnanswered = Effect.fnUntraced(function* (
  run: ModelRun,
): Effect.fn.Return<ProviderFailure | null> {
  const { host, jobId } = run.job;
  // What cannot be read for a moment is counted next time.
  const entries = yield* Effect.orElseSucceed(host.store.entries(jobId), () => []);
  const count = unansweredIn(entries, run);
  if (count < maxUnanswered) return null;
  return new ProviderFailure({
    reason: "Unavailable",
    provider: run.provider.client.provider,
    detail: `${count} creates of one attempt got no answer, and nothing was made of them`,
  });
});

/** Of the present attempt; what a crash left without an answer was never known to be without one. */
const unansweredIn = (entries: ReadonlyArray<Entry>, run: ModelRun): number => {
  const { inputSeq } = progressIn(run);
  const ofAttempt = entries.filter(({ seq }) => seq > (inputSeq ?? 0));
  const unknown = new Set(
    ofAttempt.flatMap((entry) => (entry.type === "PredictionUnknown" ? [entry.key] : [])),
  );
  return ofAttempt.filter((entry) => entry.type === "PredictionAbsent" && unknown.has(entry.key))
    .length;
};
