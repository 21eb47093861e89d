/** How content leaves the shared journals, and what may be taken away. */
import { Option } from "effect";
import type { Entry } from "../../../machines/entry.ts";
import type { ForgetHolders, RecordUpload } from "../../journal-holdings.ts";
import type {
  EraseJob,
  EraseRawAnswers,
  FreeQuery,
  JobContent,
  Leftover,
  NameAssets,
  RestedQuery,
  ReuseQuery,
  TidyAssets,
} from "../../journal-retention.ts";
import type { PredictionRow, WriteResult } from "../../journal-store.ts";
import {
  assetsNamedBy,
  emptied,
  isErasable,
  isErased,
  sizeOf,
  tombstoneOf,
  withoutRaw,
} from "../retention-rules.ts";
import { committed, isOpen, jobConflict } from "../write-rules.ts";
import type { JobFile, MemoryJournals } from "./journals.ts";

const rowsOf = (journals: MemoryJournals, file: JobFile): ReadonlyArray<PredictionRow> =>
  file.predictionKeys.flatMap((key) => journals.predictions.get(key) ?? []);

const mayBeErased = (journals: MemoryJournals, file: JobFile): boolean =>
  isErasable(file.job.record) &&
  file.isReleased &&
  file.job.owner === null &&
  file.inbox.size === 0 &&
  !rowsOf(journals, file).some(isOpen);

/** The file, if its content may be taken away and it stands where it was seen. */
const erasable = (
  journals: MemoryJournals,
  { jobId, seq }: Pick<EraseJob, "jobId" | "seq">,
): JobFile | undefined => {
  const file = journals.files.get(jobId);
  return file?.job.seq === seq && mayBeErased(journals, file) ? file : undefined;
};

export const eraseJob = (journals: MemoryJournals, write: EraseJob): WriteResult => {
  const file = erasable(journals, write);
  if (file === undefined) return jobConflict;
  const { at, jobId, leavesBehind } = write;
  const { job } = file;
  const rows = rowsOf(journals, file);
  journals.forgetKey(job);
  journals.place(file, {
    ...job,
    record: tombstoneOf(job.record, at),
    idempotencyKey: null,
    epoch: job.epoch + 1,
  });
  file.entries.length = 0;
  file.timers = [];
  journals.letters.forgetJob(jobId);
  journals.outbox.dropOfJob(jobId);
  for (const row of rows) journals.putPrediction(file, emptied(row, at));
  journals.names.drop(jobId, {
    restedAt: job.record.updatedAt,
    isLeft: (isPayload) => leavesBehind === "assets" || isPayload,
  });
  return committed;
};

export const eraseRawAnswers = (journals: MemoryJournals, write: EraseRawAnswers): WriteResult => {
  const file = erasable(journals, write);
  if (file === undefined) return jobConflict;
  const { at, jobId } = write;
  const { record } = file.job;
  const mark = { erasedAt: at };
  const rawReference = record.rawReference === null ? null : mark;
  journals.place(file, { ...file.job, record: { ...record, rawReference } });
  file.rawErasedAt = Math.max(at, record.updatedAt);
  file.entries.splice(0, Infinity, ...file.entries.map((entry) => withoutRaw(entry, at)));
  for (const row of rowsOf(journals, file))
    if (row.raw !== null) journals.putPrediction(file, { ...row, raw: mark });
  journals.names.dropRaw(jobId, file.job.record.updatedAt);
  return committed;
};

export const nameAssets = (journals: MemoryJournals, write: NameAssets): WriteResult => {
  const file = journals.files.get(write.jobId);
  if (file === undefined) journals.names.addEarly(write.jobId, write.names, write.at);
  else if (file.job.record.erasedAt !== null) return jobConflict;
  else {
    journals.names.add(write.jobId, write.names);
    holdOwn(journals, file, write);
  }
  return committed;
};

/** What the job was given or made is its tenant's. */
const holdOwn = (
  { holders }: MemoryJournals,
  { job: { tenant } }: JobFile,
  { names, at }: NameAssets,
): void => {
  if (tenant === null) return;
  for (const { sha256, isOwn } of names)
    if (isOwn === true) holders.add(sha256, tenant, { isUpload: false, at });
};

export const recordUpload = (
  { holders }: MemoryJournals,
  { sha256, tenant, at }: RecordUpload,
): WriteResult => {
  holders.add(sha256, tenant, { isUpload: true, at });
  return committed;
};

export const forgetHolders = ({ holders }: MemoryJournals, write: ForgetHolders): WriteResult => {
  holders.forget(write);
  return committed;
};

/** What these entries of a job that is there name. */
export const nameIn = (
  journals: MemoryJournals,
  jobId: string,
  entries: ReadonlyArray<Entry>,
): void => {
  for (const entry of entries) {
    const names = assetsNamedBy(entry, JSON.stringify(entry));
    if (names.length > 0) journals.names.add(jobId, names);
  }
};

export const tidyAssets = (journals: MemoryJournals, write: TidyAssets): WriteResult => {
  for (const sha256 of write.gone) journals.names.tidy(sha256);
  journals.names.dropEarly(write.earlyBefore);
  return committed;
};

const contentOf = (journals: MemoryJournals, file: JobFile): JobContent => {
  const { record, seq } = file.job;
  const raws = rowsOf(journals, file).filter(({ raw }) => raw !== null && !isErased(raw));
  return {
    jobId: record.jobId,
    seq,
    restedAt: record.updatedAt,
    bytes: file.entries.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)), 0),
    rawAnswers: raws.length,
    rawBytes: raws.reduce((sum, { raw }) => sum + sizeOf(raw), 0),
    payloads: journals.names.payloadsOf(record.jobId),
  };
};

type Place = NonNullable<RestedQuery["after"]>;

const compare = (left: Place, right: Place): number => {
  if (left.restedAt !== right.restedAt) return left.restedAt - right.restedAt;
  if (left.jobId === right.jobId) return 0;
  return left.jobId < right.jobId ? -1 : 1;
};

export const rested = (
  journals: MemoryJournals,
  { before, hasRaw, after, limit }: RestedQuery,
): ReadonlyArray<JobContent> =>
  [...journals.files.values()]
    .filter((file) => file.job.record.updatedAt < before && mayBeErased(journals, file))
    .filter(({ job: { record }, rawErasedAt }) => {
      const { jobId, updatedAt: restedAt } = record;
      const isAfter = after === null || compare({ jobId, restedAt }, after) > 0;
      return isAfter && (!hasRaw || rawErasedAt < restedAt);
    })
    .map((file) => contentOf(journals, file))
    .toSorted(compare)
    .slice(0, limit);

export const content = (journals: MemoryJournals, jobId: string): Option.Option<JobContent> =>
  Option.fromNullishOr(journals.files.get(jobId)).pipe(
    Option.filter((file) => mayBeErased(journals, file)),
    Option.map((file) => contentOf(journals, file)),
  );

export const freeAssets = (
  journals: MemoryJournals,
  { sha256s, asIf }: FreeQuery,
): ReadonlySet<string> => {
  const counts = (jobId: string, isRawOnly: boolean): boolean => {
    const file = journals.files.get(jobId);
    if (asIf === null || file === undefined || !mayBeErased(journals, file)) return true;
    const { updatedAt } = file.job.record;
    return updatedAt >= asIf.jobsBefore && !(isRawOnly && updatedAt < asIf.rawBefore);
  };
  return new Set(sha256s.filter((sha256) => !journals.names.isNamed(sha256, counts)));
};

export const leftovers = (
  journals: MemoryJournals,
  after: string,
  limit: number,
): ReadonlyArray<Leftover> =>
  [...journals.names.leftovers]
    .map(([sha256, restedAt]) => ({ sha256, restedAt }))
    .filter(({ sha256 }) => sha256 > after)
    .toSorted((left, right) => (left.sha256 < right.sha256 ? -1 : 1))
    .slice(0, limit);

export const reusable = (
  journals: MemoryJournals,
  { provider, model, inputHash, since, notOf, tenant }: ReuseQuery,
): Option.Option<PredictionRow> => {
  const isOfTenant = (jobId: string): boolean =>
    tenant === undefined || journals.files.get(jobId)?.job.tenant === tenant;
  let newest: PredictionRow | undefined;
  for (const row of journals.predictions.values()) {
    const isWanted =
      row.state === "settled" &&
      row.status === "succeeded" &&
      row.inputHash === inputHash &&
      row.provider === provider &&
      row.model === model &&
      row.jobId !== notOf &&
      isOfTenant(row.jobId) &&
      row.raw !== null &&
      !isErased(row.raw);
    if (!isWanted || (row.settledAt ?? 0) < since) continue;
    if ((newest?.settledAt ?? 0) <= (row.settledAt ?? 0)) newest = row;
  }
  return Option.fromNullishOr(newest);
};
