/**
 * What a write does to what is stored, decided here once so that every adapter decides alike: the moves
 * of the ledger, which rows are open, and the shape a batch must have.
 */
import type { Entry, EntryOf } from "../../machines/entry.ts";
import type {
  JobFilter,
  LedgerChange,
  PredictionRow,
  PredictionState,
  StateRecord,
  StoredJob,
  Write,
  WriteResult,
} from "../journal-store.ts";

export type Conflict = Extract<WriteResult, { readonly type: "Conflict" }>;

export const committed: WriteResult = { type: "Committed" };
export const jobConflict: Conflict = { type: "Conflict", over: "Job" };
export const predictionConflict: Conflict = { type: "Conflict", over: "Prediction" };
export const messageConflict: Conflict = { type: "Conflict", over: "Message" };
export const letterConflict: Conflict = { type: "Conflict", over: "Letter" };
export const notificationConflict: Conflict = { type: "Conflict", over: "Notification" };

const openStates: ReadonlySet<PredictionState> = new Set(["intended", "unknown", "accepted"]);

/** Nobody knows yet whether anything was made of the intent. */
export const isUnanswered = ({ state }: Pick<PredictionRow, "state">): boolean =>
  state === "intended" || state === "unknown";

/** A row the watcher still has to follow. */
export const isOpen = (row: Pick<PredictionRow, "state" | "settledAt">): boolean =>
  openStates.has(row.state) || (row.state === "duplicate" && row.settledAt === null);

/** A report on it makes somebody look: it may have ended, or show a double of what seemed absent. */
export const mayBeHinted = (row: PredictionRow): boolean => isOpen(row) || row.state === "absent";

/** What of a row the ledger's moves depend on. */
export type LedgerPosition = Pick<
  PredictionRow,
  "jobId" | "state" | "predictionId" | "settledAt" | "cancelRequestedAt"
>;

type Move = Partial<Pick<PredictionRow, "state" | "predictionId" | "cancelRequestedAt">>;
type ChangeOfRow = Exclude<LedgerChange, { readonly type: "intend" | "reuse" }>;

const nothing: Move = {};

/** The columns to set; none where the ledger knows as much or more; null where it contradicts. */
export const moveOf = (row: LedgerPosition, change: ChangeOfRow): Move | null => {
  switch (change.type) {
    case "accept":
      if (isUnanswered(row)) return { state: "accepted", predictionId: change.predictionId };
      return row.predictionId === change.predictionId ? nothing : null;
    case "reject":
      if (isUnanswered(row)) return { state: "rejected" };
      return row.state === "rejected" ? nothing : null;
    case "unknown":
      return row.state === "intended" ? { state: "unknown" } : nothing;
    case "requestCancel":
      return isOpen(row) && row.cancelRequestedAt === null
        ? { cancelRequestedAt: change.at }
        : nothing;
  }
};

/** A job that goes on, or begins, with whoever claims it. */
export const waitsForPlace = ({ status, detail }: StateRecord): boolean =>
  status === "pending" || (status === "processing" && detail === "queued");

/** Which entries of a write hold the values of its state record. */
export interface Holders {
  readonly input: EntryOf<"JobSubmitted"> | undefined;
  readonly output: EntryOf<"StepSucceeded" | "JobCompleted"> | undefined;
  readonly raw: EntryOf<"PredictionSettled" | "PredictionReused"> | undefined;
}

/** The last of each kind. A value is stored once, in its entry, however many columns name it. */
export const holdersIn = (entries: ReadonlyArray<Entry>): Holders => {
  let [input, output, raw]: [Holders["input"], Holders["output"], Holders["raw"]] = [
    undefined,
    undefined,
    undefined,
  ];
  for (const entry of entries) {
    if (entry.type === "JobSubmitted") input = entry;
    else if (entry.type === "StepSucceeded" || entry.type === "JobCompleted") output = entry;
    else if (entry.type === "PredictionSettled" || entry.type === "PredictionReused") raw = entry;
  }
  return { input, output, raw };
};

/** Whether a listing shows the job, its place in the order aside. */
export const fits = ({ record, tenant }: StoredJob, filter: JobFilter): boolean => {
  const { createdFrom = -Infinity, createdBefore = Infinity } = filter;
  const isEqual = (wanted: unknown, is: unknown): boolean => wanted === undefined || wanted === is;
  return (
    isEqual(filter.status, record.status) &&
    isEqual(filter.pipeline, record.pipeline) &&
    isEqual(filter.tenant, tenant) &&
    isEqual(filter.failureKind, record.failureKind) &&
    record.createdAt >= createdFrom &&
    record.createdAt < createdBefore &&
    (filter.text === undefined || holdsText(record, asciiLower(filter.text)))
  );
};

const asciiLower = (text: string): string =>
  text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());

const holdsText = ({ jobId, inputPayload: input }: StateRecord, needle: string): boolean => {
  if (jobId.includes(needle)) return true;
  if (!("json" in input)) return false;
  const text = typeof input.json === "string" ? input.json : JSON.stringify(input.json);
  return asciiLower(text).includes(needle);
};

const checkEntries = (write: Write): void => {
  if (write.type !== "CreateJob" && write.type !== "AppendEntries") return;
  const afterSeq = write.type === "CreateJob" ? 0 : write.afterSeq;
  const isInOrder = write.entries.every((entry, index) => entry.seq === afterSeq + index + 1);
  const isCounted = write.type !== "CreateJob" || write.job.seq === write.entries.length;
  if (!isInOrder || !isCounted) {
    throw new Error(
      `${write.type}: entries must follow seq ${afterSeq} without holes, and the job's seq be the last`,
    );
  }
};

/** Throws where a batch is wrong by itself: a bug of the caller, not a failure of the store. */
export const checkWrites = (writes: ReadonlyArray<Write>): void => {
  for (const write of writes) checkEntries(write);
};
