/**
 * Journals in memory, for tests and for work that may be lost: every guarantee of the port but
 * durability. An owner is dead once its scope has closed or a test has killed it.
 */
import { Effect, Layer, Option } from "effect";
import { JournalStore } from "../journal-store.ts";
import type { JobFilter, PredictionRow, StoredJob } from "../journal-store.ts";
import { sumsOn } from "./memory/job-spending.ts";
import { MemoryJournals } from "./memory/journals.ts";
import type { JobFile } from "./memory/journals.ts";
import * as retention from "./memory/retention.ts";
import * as vitals from "./memory/vitals.ts";
import { applyWrite } from "./memory/writes.ts";
import { amountOf, scopeOfTenant, spendingIn } from "./spending-rules.ts";
import { checkWrites, fits, isUnanswered } from "./write-rules.ts";

export { MemoryJournals };

const oldestFirst = (left: JobFile, right: JobFile): number => left.ordinal - right.ordinal;

const jobsIn = (files: Iterable<JobFile>): ReadonlyArray<StoredJob> =>
  [...files].sort(oldestFirst).map((file) => file.job);

const listed = (journals: MemoryJournals, filter: JobFilter): ReadonlyArray<StoredJob> => {
  const { olderThan } = filter;
  const before = olderThan === undefined ? Infinity : journals.files.get(olderThan)?.ordinal;
  return jobsIn(
    [...journals.files.values()].filter(
      (file) => before !== undefined && file.ordinal < before && fits(file.job, filter),
    ),
  )
    .toReversed()
    .slice(0, filter.limit ?? 100);
};

const rowsOf = (journals: MemoryJournals, keys: Iterable<string>): ReadonlyArray<PredictionRow> =>
  [...keys].flatMap((key) => journals.predictions.get(key) ?? []);

const ownerOf = (journals: MemoryJournals, jobId: string): string | null =>
  journals.files.get(jobId)?.job.owner ?? null;

/** One connection to the journals; two of them over one `MemoryJournals` are two processes over one store. */
const make = (journals: MemoryJournals = new MemoryJournals()): JournalStore["Service"] => {
  let ownCommits = 0;
  const filesOf = (owner: string): ReadonlyArray<JobFile> => [...(journals.owned.get(owner) ?? [])];
  return JournalStore.of({
    commit: (writes) =>
      Effect.sync(() => {
        checkWrites(writes);
        if (writes.length > 0) {
          ownCommits += 1;
          journals.commits += 1;
        }
        return writes.map((write) => applyWrite(journals, write));
      }),
    job: (jobId) => Effect.sync(() => Option.fromNullishOr(journals.files.get(jobId)?.job)),
    jobWithKey: (pipeline, idempotencyKey) =>
      Effect.sync(() => {
        const jobId = journals.jobWithKey(pipeline, idempotencyKey) ?? "";
        return Option.fromNullishOr(journals.files.get(jobId)?.job);
      }),
    jobs: (filter) => Effect.sync(() => listed(journals, filter)),
    entries: (jobId) => Effect.sync(() => [...(journals.files.get(jobId)?.entries ?? [])]),
    entry: (jobId, seq) =>
      Effect.sync(() => Option.fromNullishOr(journals.files.get(jobId)?.entries[seq - 1])),
    inbox: (jobId) => Effect.sync(() => [...(journals.files.get(jobId)?.inbox.values() ?? [])]),
    jobsWithInbox: (owner) =>
      Effect.sync(() =>
        [...journals.unread]
          .filter((file) => file.job.owner === owner)
          .map((file) => file.job.record.jobId),
      ),
    pending: (pipelines, limit) =>
      Effect.sync(() => {
        const wanted = new Set(pipelines);
        return jobsIn(journals.pending)
          .filter(({ record }) => wanted.has(`${record.pipeline}@${record.version}`))
          .slice(0, limit);
      }),
    jobsOf: (owner) => Effect.sync(() => jobsIn(filesOf(owner).filter((file) => !file.isReleased))),
    watchedJobs: (owner) =>
      Effect.sync(() => jobsIn(filesOf(owner).filter((file) => file.isReleased))),
    timersOf: (owner) =>
      Effect.sync(() =>
        filesOf(owner)
          .flatMap((file) =>
            file.timers.map((timer) => ({ ...timer, jobId: file.job.record.jobId })),
          )
          .sort((left, right) => left.wakeAt - right.wakeAt),
      ),
    predictions: (jobId) =>
      Effect.sync(() => rowsOf(journals, journals.files.get(jobId)?.predictionKeys ?? [])),
    openPredictions: (owner) =>
      Effect.sync(() =>
        rowsOf(journals, journals.openKeys).filter(({ jobId }) =>
          [owner, null].includes(ownerOf(journals, jobId)),
        ),
      ),
    absentPredictions: (since) =>
      Effect.sync(() =>
        [...journals.predictions.values()].filter(
          ({ state, intendedAt }) => state === "absent" && intendedAt >= since,
        ),
      ),
    unansweredPredictions: (provider, inputHash) =>
      Effect.sync(() =>
        rowsOf(journals, journals.openKeys).filter(
          (row) => isUnanswered(row) && row.provider === provider && row.inputHash === inputHash,
        ),
      ),
    knownPredictions: (provider, ids) =>
      Effect.sync(
        () => new Set(ids.filter((id) => journals.keyOfPrediction(provider, id) !== undefined)),
      ),
    prediction: (key) => Effect.sync(() => Option.fromNullishOr(journals.predictions.get(key))),
    reusable: (query) => Effect.sync(() => retention.reusable(journals, query)),
    spendingOf: (jobId, day) => Effect.sync(() => spendingIn(sumsOn(journals, jobId, day))),
    spendingBy: (tenant, day) =>
      Effect.sync(() => amountOf(journals.spending.sum(day, scopeOfTenant(tenant)))),
    spendingOn: (day, limit) => Effect.sync(() => journals.spending.on(day).slice(0, limit)),
    rested: (query) => Effect.sync(() => retention.rested(journals, query)),
    content: (jobId) => Effect.sync(() => retention.content(journals, jobId)),
    freeAssets: (query) => Effect.sync(() => retention.freeAssets(journals, query)),
    heldAssets: (query) => Effect.sync(() => journals.holders.held(query)),
    leftovers: (after, limit) => Effect.sync(() => retention.leftovers(journals, after, limit)),
    unreadPayloads: () => Effect.succeed([]),
    scrub: Effect.void,
    letters: (filter, page) => Effect.sync(() => journals.letters.list(filter, page)),
    letter: (id) => Effect.sync(() => Option.fromNullishOr(journals.letters.get(id))),
    letterCauses: (filter, limit) => Effect.sync(() => journals.letters.causes(filter, limit)),
    letterCount: (filter) => Effect.sync(() => journals.letters.count(filter)),
    hints: (owner) => Effect.sync(() => vitals.hints(journals, owner)),
    oldestPending: Effect.sync(() => vitals.oldestPending(journals)),
    oldestMessage: Effect.sync(() => vitals.oldestMessage(journals)),
    open: (owner, before) => Effect.sync(() => vitals.open(journals, owner, before)),
    unfinished: (after, limit) => Effect.sync(() => vitals.unfinished(journals, after, limit)),
    notifications: (filter) => Effect.sync(() => journals.outbox.list(filter)),
    notification: (id) => Effect.sync(() => Option.fromNullishOr(journals.outbox.get(id))),
    dueNotifications: (owner, subscription, limit) =>
      Effect.sync(() => journals.outbox.dueOf(owner, subscription, limit)),
    sendersTo: (subscriptions) => Effect.sync(() => journals.outbox.sendersTo(subscriptions)),
    register: Effect.acquireRelease(
      Effect.sync(() => {
        const owner = journals.nextOwner();
        journals.alive.add(owner);
        return owner;
      }),
      (owner) => Effect.sync(() => journals.leave(owner)),
    ),
    deadOwners: (self) =>
      Effect.sync(() =>
        [...journals.owned.keys()].filter((owner) => owner !== self && !journals.alive.has(owner)),
      ),
    livingOwners: Effect.sync(() => [...journals.alive]),
    hasLeft: (owner) => Effect.sync(() => journals.left.has(owner)),
    changeCount: Effect.sync(() => journals.commits - ownCommits),
  });
};

/** A journal store that forgets everything with the process. */
export const MemoryJournalStore = {
  make,
  layer: (journals?: MemoryJournals): Layer.Layer<JournalStore> =>
    Layer.sync(JournalStore, () => make(journals)),
};
