/** Becoming a job's owner: its first act is to write so, conditional on nobody else having done it. */
import { Clock, Effect } from "effect";
import type { Schema } from "effect";
import type { JobSnapshot } from "../../machines/advance.ts";
import type { Entry, Fact, FactOf, Value } from "../../machines/entry.ts";
import type { Deployed, Observation } from "./job-host.ts";
import type { GroupCommit } from "../group-commit.ts";
import { type Announcement, type JobOutbox, notificationsOf } from "./job-notifications.ts";
import type { NewNotification } from "../journal-outbox.ts";
import type { LoadedJob } from "./job-owner.ts";
import {
  type JournalStore,
  type PredictionRow,
  type StateRecord,
  type StoredJob,
  StoreFailure,
} from "../journal-store.ts";
import type { Providers } from "../predictions/providers.ts";
import { isSuspect, poisonIn } from "./poison.ts";
import { recordAfter, isAtRest, statusOf, timersOf } from "./state-record.ts";

export interface Submitted {
  readonly jobId: string;
  /** False where the idempotency key already had a job. */
  readonly isNew: boolean;
  /** A new job as it was made. */
  readonly job?: StoredJob;
}

export interface Submission {
  readonly deployed: Deployed;
  readonly input: Schema.Json;
  readonly idempotencyKey: string | null;
  /** Default: null, nobody's in particular. */
  readonly tenant?: string | null;
  /** As in the store's `CreateJob`. */
  readonly keysFreeBefore?: number;
}

export interface Claimant {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly observe: (observation: Observation) => void;
  readonly outbox?: JobOutbox;
  readonly providers: Pick<Providers, "client">;
}

export interface Claim {
  readonly stored: StoredJob;
  readonly deployed: Deployed;
  /** The owner before died. */
  readonly isTakeover: boolean;
  /** The job goes on at once, a pending one starts; otherwise its messages are read first. */
  readonly starts: boolean;
}

/** The job as it lies in the journal, without claiming it. */
export const loadJob = Effect.fnUntraced(function* (
  store: JournalStore["Service"],
  stored: StoredJob,
  deployed: Deployed,
): Effect.fn.Return<LoadedJob, StoreFailure> {
  const { jobId } = stored.record;
  const entries = yield* store.entries(jobId);
  // More than the row says are another's, whose claim is in conflict with ours; fewer are a damage.
  if (entries.length < stored.seq) {
    const cause = new Error(`${stored.seq - entries.length} of ${stored.seq} entries are missing`);
    return yield* new StoreFailure({
      operation: `read the journal of ${jobId}`,
      reason: "Broken",
      cause,
    });
  }
  const snapshot = deployed.driver.fold(entries);
  return {
    jobId: stored.record.jobId,
    deployed,
    epoch: stored.epoch,
    seq: stored.seq,
    snapshot,
    record: stored.record,
    entries,
    isNew: false,
  };
});

/** The job, ours from now on, with its rows of the ledger; undefined where somebody else was faster. */
export const claimJob = Effect.fnUntraced(function* (
  claimant: Claimant,
  claim: Claim,
  predictions: ReadonlyArray<PredictionRow>,
): Effect.fn.Return<LoadedJob | undefined, StoreFailure> {
  const { stored, deployed } = claim;
  const loaded = yield* loadJob(claimant.store, stored, deployed);
  const epoch = stored.epoch + 1;
  const now = yield* Clock.currentTimeMillis;
  const { providers } = claimant;
  const death = { loaded, owner: stored.owner, predictions, now, providers };
  const drafted = draft(loaded, claim, {
    owner: claimant.owner,
    epoch,
    now,
    suspicion: claim.isTakeover ? { isSuspect: isSuspect(death) } : {},
    announcement: claimant.outbox?.announcementOf(deployed.plan.name),
  });
  const record = recordAfter(stored.record, drafted.entries, drafted.snapshot);
  const result = yield* claimant.committer.commit({
    type: "AppendEntries",
    jobId: loaded.jobId,
    epoch: stored.epoch,
    afterSeq: stored.seq,
    entries: drafted.entries,
    record,
    ledger: [],
    timers: timersOf(drafted.snapshot.context),
    consumed: [],
    claim: { owner: claimant.owner, epoch },
    isReleased: false,
    outbox: drafted.outbox,
  });
  if (result.type !== "Committed") return undefined;
  if (drafted.outbox.length > 0) claimant.outbox?.wake();
  const { jobId } = loaded;
  const { entries, snapshot } = drafted;
  if (entries.length > 0)
    claimant.observe({ jobId, pipeline: record.pipeline, entries, snapshot, record });
  const seq = stored.seq + entries.length;
  return {
    ...loaded,
    epoch,
    seq,
    record,
    snapshot,
    entries: [...loaded.entries, ...entries],
  };
});

interface Drafted {
  readonly entries: ReadonlyArray<Entry>;
  readonly snapshot: JobSnapshot;
  /** That a poisoned job has failed. */
  readonly outbox: ReadonlyArray<NewNotification>;
}

interface Moment {
  readonly owner: string;
  readonly epoch: number;
  readonly now: number;
  readonly suspicion: Pick<FactOf<"Claimed">, "isSuspect">;
  readonly announcement: Announcement | undefined;
}

const draft = (
  loaded: LoadedJob,
  { isTakeover, starts }: Claim,
  { owner, epoch, now, suspicion, announcement }: Moment,
): Drafted => {
  const entries: Array<Entry> = [];
  const outbox: Array<NewNotification> = [];
  let { snapshot } = loaded;
  const append = (fact: Fact): void => {
    const entry: Entry = { ...fact, seq: loaded.seq + entries.length + 1, at: now };
    const advanced = loaded.deployed.driver.advance(snapshot, entry);
    if (!advanced.isAccepted) return;
    entries.push(entry);
    const advance = { jobId: loaded.jobId, entry, before: snapshot, after: advanced.snapshot };
    if (announcement !== undefined) outbox.push(...notificationsOf(advance, announcement));
    snapshot = advanced.snapshot;
  };
  // Who only watches the predictions of a job that rests has nothing to add to its story.
  if (!isAtRest(snapshot) || !starts)
    append({ type: "Claimed", owner, epoch, isTakeover, ...suspicion });
  if (statusOf(snapshot) === "pending" && starts) append({ type: "JobStarted" });
  const poison = poisonIn(snapshot);
  if (poison !== null) append(poison);
  return { entries, snapshot, outbox };
};

export interface SubmittedJob {
  readonly jobId: string;
  readonly input: Value;
  readonly idempotencyKey: string | null;
  readonly tenant: string | null;
  /** Who starts it at once; null where it waits for its turn. */
  readonly owner: string | null;
  readonly now: number;
}

/** A new job as it is written: its row, its first entries, and where they lead. */
export const submittedJob = (
  deployed: Deployed,
  { jobId, input, owner, now, ...asked }: SubmittedJob,
): {
  readonly job: StoredJob;
  readonly entries: ReadonlyArray<Entry>;
  readonly snapshot: JobSnapshot;
} => {
  const { plan, fingerprint } = deployed;
  const { name: pipeline, version } = plan;
  const submitted: FactOf<"JobSubmitted"> = {
    type: "JobSubmitted",
    pipeline,
    version,
    fingerprint,
    input,
  };
  const rest: ReadonlyArray<Fact> =
    owner === null
      ? []
      : [{ type: "Claimed", owner, epoch: 1, isTakeover: false }, { type: "JobStarted" }];
  const { entries, snapshot, record } = newJob(deployed, jobId, { submitted, rest, now });
  const epoch = owner === null ? 0 : 1;
  return { job: { record, ...asked, seq: entries.length, epoch, owner }, entries, snapshot };
};

/** A new job's first entries, and the row they make. */
export const newJob = (
  deployed: Deployed,
  jobId: string,
  facts: {
    readonly submitted: FactOf<"JobSubmitted">;
    readonly rest: ReadonlyArray<Fact>;
    readonly now: number;
  },
): {
  readonly entries: ReadonlyArray<Entry>;
  readonly snapshot: JobSnapshot;
  readonly record: StateRecord;
} => {
  const entries = [facts.submitted, ...facts.rest].map(
    (fact, index): Entry => ({ ...fact, seq: index + 1, at: facts.now }),
  );
  const snapshot = deployed.driver.fold(entries);
  const { plan, fingerprint } = deployed;
  const empty: StateRecord = {
    jobId,
    pipeline: plan.name,
    version: plan.version,
    fingerprint,
    status: "pending",
    detail: null,
    currentStep: null,
    attempt: 0,
    inputPayload: facts.submitted.input,
    normalizedOutput: null,
    errorMessage: null,
    failureKind: null,
    rawReference: null,
    costMicros: 0,
    waiting: null,
    createdAt: facts.now,
    updatedAt: facts.now,
    erasedAt: null,
  };
  return { entries, snapshot, record: recordAfter(empty, entries, snapshot) };
};
