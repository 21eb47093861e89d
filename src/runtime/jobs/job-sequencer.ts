/**
 * The sequencer of one job: puts what has come in into one order, gives every fact its seq, and says
 * what the batch would change. Pure: whether it happens is decided by the commit.
 */
import type { JobDriver, JobSnapshot, Service } from "../../machines/advance.ts";
import type { JobContext } from "../../machines/context.ts";
import type { Entry, EntryOf, Fact } from "../../machines/entry.ts";
import type { OverBudget } from "../journal-spending.ts";
import type { LedgerChange, PredictionRow } from "../journal-store.ts";
import type { NewNotification } from "../journal-outbox.ts";
import { type Announcement, notificationsOf } from "./job-notifications.ts";

export interface Mail {
  readonly facts: ReadonlyArray<Fact>;
  /** The inbox row these facts come from. */
  readonly consumes: string | null;
  /** The service that speaks; what a stopped one says is not heard. */
  readonly from: { readonly id: string; readonly token: symbol } | null;
  readonly reply: (answer: "appended" | "refused" | "overtaken" | OverBudget) => void;
  /** Looked at when the facts have their turn; where it does not hold any more, they are overtaken. */
  readonly isDue?: (context: JobContext) => boolean;
  /** Nobody waits for the answer: it may share the commit of what is said next. */
  readonly isPatient?: true;
}

export interface SequencerView {
  readonly now: number;
  readonly jobId: string;
  readonly driver: JobDriver;
  readonly snapshot: JobSnapshot;
  readonly seq: number;
  readonly isCurrent: (id: string, token: symbol) => boolean;
  /** Who is told when the job comes to rest. Default: nobody. */
  readonly announcement?: Announcement | undefined;
}

export interface Staged {
  readonly snapshot: JobSnapshot;
  readonly entries: ReadonlyArray<Entry>;
  readonly start: ReadonlyArray<Service>;
  readonly stop: ReadonlyArray<string>;
  readonly ledger: ReadonlyArray<LedgerChange>;
  readonly outbox: ReadonlyArray<NewNotification>;
  readonly cancels: ReadonlyArray<{ readonly key: string }>;
  readonly consumed: ReadonlyArray<string>;
  /** Mail that starts new work while the job is paused: looked at again with the next mail. */
  readonly held: ReadonlyArray<Mail>;
  readonly replies: ReadonlyArray<() => void>;
}

interface Draft {
  snapshot: JobSnapshot;
  readonly entries: Array<Entry>;
  readonly start: Array<Service>;
  readonly stop: Array<string>;
  readonly ledger: Array<LedgerChange>;
  readonly outbox: Array<NewNotification>;
  readonly cancels: Array<{ readonly key: string }>;
  readonly consumed: Array<string>;
  readonly held: Array<Mail>;
  readonly replies: Array<() => void>;
}

/** A batch that changes nothing but what the row says of the owner. */
export const nothing: Omit<Staged, "snapshot"> = {
  entries: [],
  start: [],
  stop: [],
  ledger: [],
  outbox: [],
  cancels: [],
  consumed: [],
  held: [],
  replies: [],
};

/** What the mail amounts to, in its order. */
export const stage = (mail: ReadonlyArray<Mail>, view: SequencerView): Staged => {
  const draft: Draft = {
    snapshot: view.snapshot,
    entries: [],
    start: [],
    stop: [],
    ledger: [],
    outbox: [],
    cancels: [],
    consumed: [],
    held: [],
    replies: [],
  };
  for (const one of mail) {
    if (!isHeard(one, draft, view)) continue;
    if (one.isDue?.(draft.snapshot.context) === false)
      draft.replies.push(() => {
        one.reply("overtaken");
      });
    else if (isHeld(one, draft)) draft.held.push(one);
    else append(one, draft, view);
  }
  return draft;
};

/** The mail without what asked for the intent that is over a budget; who asked is told so. */
export const withoutIntent = (mail: ReadonlyArray<Mail>, over: OverBudget): ReadonlyArray<Mail> => {
  const asks = ({ facts }: Mail): boolean =>
    facts.some((fact) => fact.type === "PredictionIntended" && fact.key === over.key);
  const rest = mail.filter((one) => !asks(one));
  if (rest.length === mail.length) throw new Error(`nobody asked for the intent ${over.key}`);
  for (const one of mail) if (asks(one)) one.reply(over);
  return rest;
};

const isHeard = (mail: Mail, draft: Draft, view: SequencerView): boolean =>
  mail.from === null ||
  (view.isCurrent(mail.from.id, mail.from.token) && !draft.stop.includes(mail.from.id));

/** What a service says after something held waits as well: a result never stands before its start. */
const isHeld = (mail: Mail, draft: Draft): boolean =>
  draft.held.some(({ from }) => from !== null && from.token === mail.from?.token) ||
  (draft.snapshot.context.isPaused && mail.facts.some(startsWork));

/** No attempt and no intent begins while a job is paused. */
const startsWork = (fact: Fact): boolean =>
  fact.type === "StepStarted" ||
  fact.type === "PredictionIntended" ||
  fact.type === "PredictionReused" ||
  fact.type === "SignalAwaited";

const append = (mail: Mail, draft: Draft, view: SequencerView): void => {
  const { jobId, announcement } = view;
  let isRefused = false;
  for (const fact of mail.facts) {
    const entry: Entry = { ...fact, seq: view.seq + draft.entries.length + 1, at: view.now };
    const advanced = view.driver.advance(draft.snapshot, entry);
    isRefused ||= !advanced.isAccepted;
    if (!advanced.isAccepted) continue;
    for (const change of ledgerChanges(entry, draft.snapshot.context, jobId)) {
      draft.ledger.push(change);
      if (change.type === "requestCancel") draft.cancels.push(change);
    }
    draft.entries.push(entry);
    if (announcement !== undefined) {
      const advance = { jobId, entry, before: draft.snapshot, after: advanced.snapshot };
      draft.outbox.push(...notificationsOf(advance, announcement));
    }
    for (const id of advanced.stop) stopIn(draft, id);
    draft.start.push(...advanced.start);
    draft.snapshot = advanced.snapshot;
  }
  if (mail.consumes !== null) draft.consumed.push(mail.consumes);
  draft.replies.push(() => {
    mail.reply(isRefused ? "refused" : "appended");
  });
};

/** What this batch would have started and stops again never starts. */
const stopIn = (draft: Draft, id: string): void => {
  const started = draft.start.findIndex((service) => service.id === id);
  if (started >= 0) draft.start.splice(started, 1);
  draft.stop.push(id);
};

/** What an entry changes in the ledger, in the same transaction. */
const ledgerChanges = (
  entry: Entry,
  before: JobContext,
  jobId: string,
): ReadonlyArray<LedgerChange> => {
  if (entry.type === "PredictionIntended") return [{ type: "intend", row: rowOf(entry, jobId) }];
  if (entry.type === "PredictionReused") return [{ type: "reuse", row: reusedRow(entry, jobId) }];
  if (entry.type === "AttemptTimedOut")
    return [{ type: "requestCancel", key: entry.key, at: entry.at }];
  if (entry.type !== "CancelRequested") return [];
  return Object.entries(before.open)
    .filter(([, open]) => !open.isClosing)
    .map(([key]) => ({ type: "requestCancel", key, at: entry.at }));
};

/** The ledger's row of an answer that was used again: settled at once, for nothing. */
const reusedRow = (entry: EntryOf<"PredictionReused">, jobId: string): PredictionRow => ({
  ...rowOf({ ...entry, estimateMicros: 0, timeoutMs: 0 }, jobId),
  state: "reused",
  status: "succeeded",
  settledAt: entry.at,
  raw: entry.raw,
  receipt: entry.receipt,
});

type Intended = Omit<EntryOf<"PredictionIntended">, "type" | "repair" | "request">;

/** The ledger's row of a new intent. */
export const rowOf = (entry: Intended, jobId: string): PredictionRow => ({
  key: entry.key,
  jobId,
  path: entry.path,
  attempt: entry.attempt,
  call: entry.call,
  provider: entry.provider,
  model: entry.model,
  inputHash: entry.inputHash,
  estimateMicros: entry.estimateMicros,
  timeoutMs: entry.timeoutMs,
  intendedAt: entry.at,
  state: "intended",
  predictionId: null,
  status: null,
  cancelRequestedAt: null,
  isUnconfirmed: false,
  copying: null,
  settledAt: null,
  raw: null,
  receipt: null,
});
