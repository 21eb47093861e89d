/** How one write changes the shared journals: every condition is looked at before anything is touched. */
import type {
  AddDuplicate,
  AppendEntries,
  ChangePrediction,
  CreateJob,
  LedgerChange,
  PostInbox,
  PredictionRow,
  Write,
  WriteResult,
} from "../../journal-store.ts";
import type { HintPrediction } from "../../journal-hints.ts";
import type { ChangeNotification } from "../../journal-outbox.ts";
import { closesLetter, letterMoveOf, letterOfNotification } from "../letter-rules.ts";
import {
  committed,
  holdersIn,
  jobConflict,
  letterConflict,
  mayBeHinted,
  messageConflict,
  moveOf,
  predictionConflict,
} from "../write-rules.ts";
import { changeOfErased } from "../retention-rules.ts";
import { overBudgetIn } from "../spending-rules.ts";
import { sumsOn } from "./job-spending.ts";
import type { JobFile, MemoryJournals } from "./journals.ts";
import {
  eraseJob,
  eraseRawAnswers,
  forgetHolders,
  nameAssets,
  nameIn,
  recordUpload,
  tidyAssets,
} from "./retention.ts";

const rests: ReadonlySet<string> = new Set(["failed", "complete", "cancelled"]);

const freeKey = (journals: MemoryJournals, jobId: string, before: number): void => {
  const file = journals.files.get(jobId);
  const record = file?.job.record;
  if (file !== undefined && record !== undefined && rests.has(record.status))
    if (record.updatedAt < before) journals.freeKey(file);
};

const create = (journals: MemoryJournals, write: CreateJob): WriteResult => {
  const { job, entries, keysFreeBefore } = write;
  const key = job.idempotencyKey;
  const holder = key === null ? undefined : journals.jobWithKey(job.record.pipeline, key);
  if (holder !== undefined && keysFreeBefore !== undefined)
    freeKey(journals, holder, keysFreeBefore);
  const known = key === null ? undefined : journals.jobWithKey(job.record.pipeline, key);
  if (known !== undefined) {
    journals.names.dropEarlyOf(job.record.jobId);
    return { type: "Duplicate", jobId: known };
  }
  if (journals.files.has(job.record.jobId)) return jobConflict;
  journals.add(job, entries);
  journals.names.arrive(job.record.jobId);
  nameIn(journals, job.record.jobId, entries);
  return committed;
};

const isIdTaken = (journals: MemoryJournals, row: PredictionRow): boolean => {
  if (row.predictionId === null) return false;
  const holder = journals.keyOfPrediction(row.provider, row.predictionId);
  return holder !== undefined && holder !== row.key;
};

/** The rows as they will be after these changes; null where one contradicts the ledger. */
const rowsAfter = (
  journals: MemoryJournals,
  jobId: string,
  changes: ReadonlyArray<LedgerChange>,
): ReadonlyMap<string, PredictionRow> | null => {
  const rows = new Map<string, PredictionRow>();
  for (const change of changes) {
    const key = "row" in change ? change.row.key : change.key;
    const before = rows.get(key) ?? journals.predictions.get(key);
    const after = rowAfter(before, jobId, change);
    if (after === null || isIdTaken(journals, after)) return null;
    rows.set(key, after);
  }
  const ids = [...rows.values()].flatMap((row) =>
    row.predictionId === null ? [] : [JSON.stringify([row.provider, row.predictionId])],
  );
  return new Set(ids).size === ids.length ? rows : null;
};

const rowAfter = (
  before: PredictionRow | undefined,
  jobId: string,
  change: LedgerChange,
): PredictionRow | null => {
  if ("row" in change) return before === undefined ? change.row : null;
  if (before?.jobId !== jobId) return null;
  const move = moveOf(before, change);
  return move === null ? null : { ...before, ...move };
};

const append = (journals: MemoryJournals, write: AppendEntries): WriteResult => {
  const file = journals.files.get(write.jobId);
  if (file === undefined || file.job.epoch !== write.epoch || file.job.seq !== write.afterSeq)
    return jobConflict;
  const over = overBudgetIn(write, (day) => sumsOn(journals, write.jobId, day));
  if (over !== null) return over;
  const rows = rowsAfter(journals, write.jobId, write.ledger);
  if (rows === null) return predictionConflict;
  for (const entry of write.entries) file.entries.push(entry);
  nameIn(journals, write.jobId, write.entries);
  moveLetter(journals, file, write);
  for (const row of rows.values()) journals.putPrediction(file, row);
  journals.consume(file, write.consumed);
  if (write.outbox !== undefined) journals.outbox.add(write.outbox);
  if (write.timers !== null) file.timers = write.timers;
  file.isReleased = write.isReleased;
  const { record } = file.job;
  const { jobId, pipeline, version, fingerprint, inputPayload, createdAt, erasedAt } = record;
  const { output, raw } = holdersIn(write.entries);
  const normalizedOutput = output?.output ?? record.normalizedOutput;
  const rawReference = raw?.raw ?? record.rawReference;
  const constant = { jobId, pipeline, version, fingerprint, inputPayload, createdAt, erasedAt };
  journals.place(file, {
    ...file.job,
    ...write.claim,
    record: { ...write.record, ...constant, normalizedOutput, rawReference },
    seq: write.afterSeq + write.entries.length,
  });
  journals.settleRelease(file);
  return committed;
};

const moveLetter = ({ letters }: MemoryJournals, { job }: JobFile, write: AppendEntries): void => {
  const move = letterMoveOf(write);
  if (move?.type === "open") letters.open({ ...move.letter, tenant: job.tenant });
  if (move?.type === "close") letters.close(write.jobId);
};

const post = (journals: MemoryJournals, { row }: PostInbox): WriteResult => {
  const file = journals.files.get(row.jobId);
  if (file === undefined || file.job.record.erasedAt !== null) return jobConflict;
  if (journals.messageIds.has(row.id)) return messageConflict;
  journals.post(file, row);
  if (closesLetter(row.facts)) journals.letters.close(row.jobId);
  return committed;
};

const changePrediction = (journals: MemoryJournals, write: ChangePrediction): WriteResult => {
  const before = journals.predictions.get(write.key);
  if (before === undefined || !write.from.includes(before.state)) return predictionConflict;
  const after = { ...before, ...changeOf(journals, before, write.change) };
  if (isIdTaken(journals, after)) return predictionConflict;
  if (write.inbox !== null) {
    const posted = post(journals, { type: "PostInbox", row: write.inbox });
    if (posted.type !== "Committed") return posted;
  }
  const file = journals.files.get(before.jobId);
  if (file === undefined) return jobConflict;
  journals.putPrediction(file, after);
  journals.settleRelease(file);
  return committed;
};

/** Of a double of an erased job no answer is kept. */
const changeOf = (
  { files }: MemoryJournals,
  row: PredictionRow,
  change: ChangePrediction["change"],
): ChangePrediction["change"] => {
  const erasedAt = files.get(row.jobId)?.job.record.erasedAt ?? null;
  return erasedAt === null ? change : changeOfErased(change, erasedAt);
};

const addDuplicate = (journals: MemoryJournals, { row }: AddDuplicate): WriteResult => {
  const file = journals.files.get(row.jobId);
  if (file === undefined) return jobConflict;
  if (journals.predictions.has(row.key) || isIdTaken(journals, row)) return predictionConflict;
  const isErased = file.job.record.erasedAt !== null;
  journals.putPrediction(file, isErased ? { ...row, inputHash: "" } : row);
  return committed;
};

const hintPrediction = (
  { predictions, hints }: MemoryJournals,
  { key, provider, at }: HintPrediction,
): WriteResult => {
  const row = predictions.get(key);
  if (row?.provider !== provider || !mayBeHinted(row)) return predictionConflict;
  if (at === null) hints.delete(key);
  else hints.set(key, at);
  return committed;
};

const changeNotification = (
  { outbox, letters, files }: MemoryJournals,
  write: ChangeNotification,
): WriteResult => {
  const result = outbox.change(write);
  const row = outbox.get(write.id);
  if (result.type !== "Committed" || row === undefined) return result;
  const { subscription, type } = row;
  const jobId = row.job?.jobId ?? null;
  const job = jobId === null ? undefined : files.get(jobId)?.job;
  const tenant = job?.tenant ?? null;
  const pipeline = job?.record.pipeline ?? null;
  if (write.to.state === "undeliverable")
    letters.open(letterOfNotification(write, { subscription, type, jobId, tenant, pipeline }));
  else if (write.from.state === "undeliverable") letters.close(write.id);
  return result;
};

/** Applies one write whole, or changes nothing. */
export const applyWrite = (journals: MemoryJournals, write: Write): WriteResult => {
  switch (write.type) {
    case "CreateJob":
      return create(journals, write);
    case "AppendEntries":
      return append(journals, write);
    case "PostInbox":
      return post(journals, write);
    case "ChangePrediction":
      return changePrediction(journals, write);
    case "AddDuplicate":
      return addDuplicate(journals, write);
    case "HintPrediction":
      return hintPrediction(journals, write);
    case "DiscardLetter":
      return journals.letters.close(write.id) ? committed : letterConflict;
    case "EraseJob":
      return eraseJob(journals, write);
    case "EraseRawAnswers":
      return eraseRawAnswers(journals, write);
    case "NameAssets":
      return nameAssets(journals, write);
    case "TidyAssets":
      return tidyAssets(journals, write);
    case "RecordUpload":
      return recordUpload(journals, write);
    case "ForgetHolders":
      return forgetHolders(journals, write);
    case "PostNotifications":
      return journals.outbox.add(write.notifications, write.topic);
    case "ChangeNotification":
      return changeNotification(journals, write);
    case "TakeNotifications":
      return journals.outbox.take(write);
    case "TidyNotifications":
      for (const id of journals.outbox.tidy(write)) journals.letters.forget(id);
      return committed;
  }
};
