/**
 * Jobs as a store has them: read, and told something, by a process that owns none. Nothing is started or
 * taken over by it; what is told lies in the job's inbox until a process that runs jobs reads it.
 */
import { Clock, Effect } from "effect";
import type { Schema } from "effect";
import type { Entry, Fact, Value } from "../machines/entry.ts";
import type { AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";
import { type DeadLetters, makeDeadLetters } from "./dead-letters.ts";
import { randomIdentifiers } from "./identifiers.ts";
import { loadValue, type ValueErased } from "./job-values.ts";
import type {
  JobFilter,
  JournalStore,
  PredictionRow,
  StateRecord,
  StoreFailure,
  Write,
  WriteResult,
} from "./journal-store.ts";
import { NotificationUnavailable } from "./notifications.ts";
import { erasedOn, JobUnavailable } from "./outcome.ts";
import { sendSignal, type SentSignal, type SignalAnswer, type SendFailure } from "./signals.ts";
import { storedJob } from "./stored-job.ts";

/** What is seen of a job at one moment. */
export interface JobState {
  readonly record: StateRecord;
  readonly entries: ReadonlyArray<Entry>;
  readonly predictions: ReadonlyArray<PredictionRow>;
}

/** Who looks after a job now. `nobody`: its owner died, or it rests or waits without one. */
export type Caretaker = "its owner" | "some process" | "nobody";

export interface StoredJobs {
  /** State records, newest first. Fails with: StoreFailure. */
  list(filter: JobFilter): Effect.Effect<ReadonlyArray<StateRecord>, StoreFailure>;
  /** Fails with: StoreFailure, JobUnavailable. */
  state(jobId: string): Effect.Effect<JobState, StoreFailure | JobUnavailable>;
  /** Leaves the fact in the job's inbox. Fails with: StoreFailure, and JobUnavailable where the job's state has no use for it. */
  tell(jobId: string, fact: Fact): Effect.Effect<void, StoreFailure | JobUnavailable>;
  /**
   * Leaves a signal for the job, whose value has passed the signal's schema. Fails with: StoreFailure,
   * AssetStoreFailure, and JobUnavailable where the job is over or has the signal with another value.
   */
  signal(sent: SentSignal): Effect.Effect<SignalAnswer, SendFailure>;
  /**
   * Who reads what the job is told: its living owner, else any process that runs jobs of this store and has
   * its pipeline. Fails with: StoreFailure, JobUnavailable.
   */
  caretaker(jobId: string): Effect.Effect<Caretaker, StoreFailure | JobUnavailable>;
  /** Whether any living process runs jobs of this store. Fails with: StoreFailure. */
  readonly isServed: Effect.Effect<boolean, StoreFailure>;
  readonly letters: DeadLetters;
  /** A payload of an entry or a record. Fails with: AssetStoreFailure, ValueErased. */
  value(value: Value): Effect.Effect<Schema.Json, AssetStoreFailure | ValueErased>;
}

type Store = JournalStore["Service"];

/** The jobs of these stores, for as long as they are open. */
export const storedJobs = (store: Store, assets: AssetStore["Service"]): StoredJobs => ({
  list: (filter) => Effect.map(store.jobs(filter), (jobs) => jobs.map(({ record }) => record)),
  state: (jobId) => storedState(store, jobId),
  tell: Effect.fnUntraced(function* (jobId: string, fact: Fact) {
    const { record } = yield* storedJob(store, jobId);
    yield* checkUse(record, fact);
    const id = yield* randomIdentifiers.key;
    const row = { id, jobId, at: yield* Clock.currentTimeMillis, facts: [fact] };
    yield* store.commit([{ type: "PostInbox", row }]);
  }),
  signal: (sent) =>
    sendSignal(
      { store, assets, commit: (write) => committed(store, write), nudge: () => undefined },
      sent,
    ),
  caretaker: Effect.fnUntraced(function* (
    jobId: string,
  ): Effect.fn.Return<Caretaker, StoreFailure | JobUnavailable> {
    const { owner } = yield* storedJob(store, jobId);
    const living = yield* store.livingOwners;
    if (owner !== null && living.includes(owner)) return "its owner";
    return living.length > 0 ? "some process" : "nobody";
  }),
  isServed: Effect.map(store.livingOwners, (living) => living.length > 0),
  letters: lettersIn(store),
  value: (value) => loadValue(assets, value),
});

/** Nobody here runs jobs: which process can go on with one, no store tells. */
const lettersIn = (store: Store): DeadLetters =>
  makeDeadLetters({
    store,
    commit: (write) => committed(store, write),
    nudge: () => undefined,
    redeliver: (id) =>
      Effect.fail(
        new NotificationUnavailable(id, "only a process that has its subscription can send it"),
      ),
    unfit: () => null,
  });

/** Alone, without anybody to share a transaction with. */
const committed = (store: Store, write: Write): Effect.Effect<WriteResult, StoreFailure> =>
  Effect.flatMap(store.commit([write]), ([result]) =>
    result === undefined ? Effect.die("the store lost a result") : Effect.succeed(result),
  );

/** Fails with: StoreFailure, JobUnavailable. */
export const storedState = Effect.fnUntraced(function* (
  store: Store,
  jobId: string,
): Effect.fn.Return<JobState, StoreFailure | JobUnavailable> {
  const { record } = yield* storedJob(store, jobId);
  const [entries, predictions] = yield* Effect.all([
    store.entries(jobId),
    store.predictions(jobId),
  ]);
  return { record, entries, predictions };
});

const uses: { readonly [Type in Fact["type"]]?: (record: StateRecord) => boolean } = {
  CancelRequested: ({ status }) =>
    status === "pending" || status === "processing" || status === "failed",
  PauseRequested: ({ status }) => status === "processing",
  ResumeRequested: ({ status }) => status === "processing",
  RetryRequested: ({ status, detail }) => status === "failed" || detail === "unknown",
};

/** Fails with: JobUnavailable where the job's state has no use for the fact. */
export const checkUse = (record: StateRecord, fact: Fact): Effect.Effect<void, JobUnavailable> => {
  if (record.erasedAt !== null)
    return Effect.fail(new JobUnavailable(record.jobId, erasedOn(record.erasedAt)));
  if (uses[fact.type]?.(record) === true) return Effect.void;
  const asked = fact.type.replace("Requested", "").toLowerCase();
  const why = `it is ${record.status}, there is nothing to ${asked}`;
  return Effect.fail(new JobUnavailable(record.jobId, why));
};
