/**
 * Words for a job that is only a row, read without a place for it: nothing of it runs. One that is to go on
 * by them (RETRY, resume) stands in the queue of pending jobs then, with nobody as its owner, so that whoever
 * has a place claims it; one that is cancelled or paused by them is that at once.
 */
import { Clock, Effect } from "effect";
import type { Fact } from "../../machines/entry.ts";
import type { GroupCommit } from "../group-commit.ts";
import type { InboxRow, JournalStore, StateRecord, StoredJob } from "../journal-store.ts";
import type { StoreFailure } from "../journal-store.ts";
import { isOpen } from "../journal-stores/write-rules.ts";
import { loadJob } from "./claim.ts";
import type { Deployed, Observation } from "./job-host.ts";
import type { JobOutbox } from "./job-notifications.ts";
import type { LoadedJob } from "./job-owner.ts";
import { stage, type Staged } from "./job-sequencer.ts";
import { isAtRest, recordAfter, timersOf } from "./state-record.ts";

interface Reader {
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly observe: (observation: Observation) => void;
  readonly outbox?: JobOutbox;
}

interface Told {
  readonly stored: StoredJob;
  readonly deployed: Deployed;
}

/** Whether such a job waits by itself: it rests, or stands still until somebody tells it to go on. */
export const standsStill = ({ status, detail }: StateRecord): boolean =>
  status === "failed" || (status === "processing" && stillDetails.has(detail ?? ""));

const stillDetails: ReadonlySet<string> = new Set(["queued", "paused", "unknown"]);

const needsOwner = "needs an owner";

/** The row as it is afterwards; `needs an owner` for what it was told. Fails with: StoreFailure. */
export const readAsRow = Effect.fnUntraced(function* (
  reader: Reader,
  { stored, deployed }: Told,
): Effect.fn.Return<StateRecord | "needs an owner" | "has another", StoreFailure> {
  const { store, committer } = reader;
  const rows = yield* store.inbox(stored.record.jobId);
  if (rows.length === 0) return stored.record.detail === "queued" ? stored.record : needsOwner;
  const predictions = yield* store.predictions(stored.record.jobId);
  // Somebody has to watch what is open, until its end.
  if (predictions.some(isOpen)) return needsOwner;
  const loaded = yield* loadJob(store, stored, deployed);
  const staged = staging(reader, loaded, { rows, now: yield* Clock.currentTimeMillis });
  if (!mayStayRow(staged)) return needsOwner;
  const record = recordAfter(stored.record, staged.entries, staged.snapshot);
  const isReleased = isAtRest(staged.snapshot);
  const result = yield* committer.commit({
    type: "AppendEntries",
    jobId: loaded.jobId,
    epoch: loaded.epoch,
    afterSeq: loaded.seq,
    entries: staged.entries,
    record,
    ledger: staged.ledger,
    timers: timersOf(staged.snapshot.context),
    consumed: staged.consumed,
    claim: isReleased ? null : { owner: null, epoch: loaded.epoch + 1 },
    isReleased,
    outbox: staged.outbox,
  });
  // Who was faster has read the words.
  if (result.type !== "Committed") return "has another";
  if (staged.outbox.length > 0) reader.outbox?.wake();
  const { jobId } = loaded;
  const { entries, snapshot } = staged;
  if (entries.length > 0)
    reader.observe({ jobId, pipeline: record.pipeline, entries, snapshot, record });
  return record;
});

const staging = (
  { outbox }: Reader,
  { jobId, deployed, snapshot, seq }: LoadedJob,
  { rows, now }: { readonly rows: ReadonlyArray<InboxRow>; readonly now: number },
): Staged => {
  const mail = rows.map(({ id, facts }) => ({
    facts: facts.map(queued),
    consumes: id,
    from: null,
    reply: () => undefined,
  }));
  const { driver, plan } = deployed;
  const isCurrent = () => false;
  const announcement = outbox?.announcementOf(plan.name);
  return stage(mail, { now, jobId, driver, snapshot, seq, isCurrent, announcement });
};

const queued = (fact: Fact): Fact =>
  fact.type === "RetryRequested" || fact.type === "ResumeRequested"
    ? { ...fact, isQueued: true }
    : fact;

/** It stands in the queue, still stands still, or rests; anything else is at something. */
const mayStayRow = ({ snapshot }: Staged): boolean => {
  const { isPaused, isQueued, open, steps } = snapshot.context;
  if (isAtRest(snapshot)) return true;
  if (Object.keys(open).length > 0) return false;
  // What was sent, or has been answered, is read in a pause as well; a signal is waited for without a place.
  const phases = Object.values(steps).map(({ phase }) => phase);
  return (isPaused || isQueued) && !phases.some((phase) => busyPhases.has(phase));
};

const busyPhases: ReadonlySet<string> = new Set(["awaiting", "signalled", "settled", "calling"]);
