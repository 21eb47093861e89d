/** What waits longest, in memory. */
import { Option } from "effect";
import type { Hint } from "../../journal-hints.ts";
import type {
  LongestInQueue,
  LongestWait,
  OpenPredictions,
  UnfinishedJob,
} from "../../journal-vitals.ts";
import { mayBeHinted } from "../write-rules.ts";
import type { JobFile, MemoryJournals } from "./journals.ts";

const oldestFirst = (left: JobFile, right: JobFile): number => left.ordinal - right.ordinal;

const isNew = ({ job }: JobFile): boolean => job.record.status === "pending";

export const oldestPending = ({ pending }: MemoryJournals): Option.Option<LongestInQueue> => {
  const [first] = [...pending].filter(isNew).sort(oldestFirst);
  const told = [...pending].filter((file) => !isNew(file)).sort(oldestFirst);
  const [oldest] = [...(first === undefined ? [] : [first]), ...told]
    .map((file) => {
      const { jobId, createdAt, updatedAt, pipeline, version } = file.job.record;
      return { jobId, since: isNew(file) ? createdAt : updatedAt, pipeline, version };
    })
    .sort((left, right) => left.since - right.since);
  return Option.fromNullishOr(oldest);
};

export const oldestMessage = ({ unread }: MemoryJournals): Option.Option<LongestWait> => {
  const rows = [...unread].flatMap(({ job, inbox }) =>
    job.record.status === "pending" ? [] : [...inbox.values()],
  );
  const [oldest] = rows.toSorted((left, right) => left.at - right.at);
  return Option.map(Option.fromNullishOr(oldest), ({ jobId, at }) => ({ jobId, since: at }));
};

export const unfinished = (
  { files }: MemoryJournals,
  after: string | null,
  limit: number,
): ReadonlyArray<UnfinishedJob> => {
  const place = after === null ? -1 : (files.get(after)?.ordinal ?? -1);
  return [...files.values()]
    .filter(({ ordinal, job }) => ordinal > place && job.record.status === "processing")
    .slice(0, limit)
    .map(({ job: { record } }) => ({
      jobId: record.jobId,
      pipeline: record.pipeline,
      version: record.version,
      step: record.currentStep,
      detail: record.detail,
      waitingFor: record.waiting?.waitingFor ?? null,
      until: record.waiting?.until ?? null,
      updatedAt: record.updatedAt,
    }));
};

export const open = (
  { openKeys, predictions, files }: MemoryJournals,
  owner: string,
  before: number,
): OpenPredictions => {
  const rows = [...openKeys].flatMap((key) => {
    const row = predictions.get(key);
    if (row === undefined || row.state === "duplicate") return [];
    const own = files.get(row.jobId)?.job.owner ?? null;
    return own === owner || own === null ? [row] : [];
  });
  const counts = new Map<string, number>();
  for (const { provider } of rows) counts.set(provider, (counts.get(provider) ?? 0) + 1);
  const longOpen = rows
    .filter(({ intendedAt }) => intendedAt < before)
    .toSorted((left, right) => left.intendedAt - right.intendedAt)
    .map(({ key, jobId, provider, predictionId, intendedAt }) => ({
      key,
      jobId,
      provider,
      predictionId,
      intendedAt,
    }));
  return { counts, longOpen };
};

export const hints = (
  { hints: all, predictions, files }: MemoryJournals,
  owner: string | null,
): ReadonlyArray<Hint> =>
  [...all].flatMap(([key, hintedAt]) => {
    const row = predictions.get(key);
    if (row === undefined || !mayBeHinted(row)) return [];
    return files.get(row.jobId)?.job.owner === owner ? [{ key, hintedAt }] : [];
  });
