/**
 * A signal of a job as its caller sees it: whether it is waited for, since and until when. What is to be decided
 * on is shown to operators alone: nobody may have approved it yet.
 */
import { Effect, Schema } from "effect";
import { initialContext, type JobContext, progressOf } from "../../machines/context.ts";
import type { Entry, Value } from "../../machines/entry.ts";
import type { SignalNode } from "../../machines/plan.ts";
import { record as fold } from "../../machines/record.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { isRest } from "../jobs/rest-waiters.ts";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import { withServedUrls } from "./asset-urls.ts";
import type { Surroundings } from "./job-view.ts";
import { keptValue } from "./kept-value.ts";

export const SignalView = Schema.Struct({
  job_id: Schema.String,
  signal: Schema.String,
  /** `expected`: the step is not reached yet. `closed`: the job rests without it. */
  state: Schema.Literals(["expected", "awaited", "received", "closed"]),
  since: Schema.NullOr(Schema.String),
  until: Schema.NullOr(Schema.String),
  /** What the step has to go by, for operators, once it is reached. */
  input: Schema.optionalKey(Schema.Json),
});
type SignalView = typeof SignalView.Type;

interface Shown {
  readonly job: StoredJob;
  readonly signal: SignalNode;
  readonly isOperator: boolean;
}

const iso = (at: number): string => new Date(at).toISOString();

/** The view now. Fails with: StoreFailure, AssetStoreFailure. */
export const signalViewOf = Effect.fnUntraced(function* (
  { engine, assetBase }: Surroundings,
  { job: { record }, signal: { path }, isOperator }: Shown,
): Effect.fn.Return<SignalView, StoreFailure | AssetStoreFailure> {
  const { jobId } = record;
  // Messages first: what is read meanwhile is in the journal then.
  const messages = yield* engine.store.inbox(jobId);
  const entries = yield* engine.store.entries(jobId);
  const isUnread = messages.some(({ facts }) =>
    facts.some((fact) => fact.type === "SignalReceived" && fact.path === path),
  );
  const context = entries.reduce(fold, initialContext);
  const state = isUnread ? "received" : stateIn(context, path, isRest(record));
  const awaited = entries.findLast(
    (entry) => entry.type === "SignalAwaited" && entry.path === path,
  );
  const isAwaited = state === "awaited" && awaited?.type === "SignalAwaited";
  const input = isOperator
    ? yield* keptValue(engine, inputOf(entries, progressOf(context, path).inputSeq))
    : undefined;
  return {
    job_id: jobId,
    signal: path,
    state,
    since: isAwaited ? iso(awaited.at) : null,
    until: isAwaited && awaited.timeout !== null ? iso(awaited.timeout.wakeAt) : null,
    ...(input === undefined ? {} : { input: withServedUrls(input, assetBase, jobId) }),
  };
});

const stateIn = (context: JobContext, path: string, isResting: boolean): SignalView["state"] => {
  if (path in context.signals) return "received";
  if (isResting) return "closed";
  return progressOf(context, path).phase === "awaiting" ? "awaited" : "expected";
};

/** What the entry at `seq` holds for the step, wherever it lies; null where it was never reached, or is done. */
const inputOf = (entries: ReadonlyArray<Entry>, seq: number | null): Value | null => {
  const entry = seq === null ? undefined : entries[seq - 1];
  if (entry?.type === "JobSubmitted") return entry.input;
  if (entry?.type === "StepSucceeded") return entry.output;
  if (entry?.type !== "SignalAwaited") return null;
  return "entry" in entry.input ? inputOf(entries, entry.input.entry) : entry.input;
};
