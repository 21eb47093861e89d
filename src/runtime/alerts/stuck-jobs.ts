/**
 * Jobs that get nowhere: the instant they wait for is long over, or they are silent although they wait for
 * nobody; and words that were left for a job and that nobody reads. A job that was paused, that waits for a slot,
 * or for a signal without a time limit, is not stuck.
 */
import { Effect, type Option } from "effect";
import type { JournalVitals, LongestWait, UnfinishedJob } from "../journal-vitals.ts";
import { inWords, type Reading, someOf } from "./alert.ts";
import type { AlertSettings } from "./alert-settings.ts";

type Settings = NonNullable<AlertSettings["stuckJobs"]>;

export interface StuckJobs {
  /** How many jobs, and the ids of the oldest. */
  readonly count: number;
  readonly jobIds: ReadonlyArray<string>;
  /** Of one of them, for example. */
  readonly waitingFor: string | null;
}

/** So many rows are read at once: a store with many jobs under way must not hold up who works. */
const pageSize = 1_000;
const betweenPages = "20 millis";
const maxNamed = 10;

/** Looks at all jobs under way, page by page. */
export const findStuck = Effect.fnUntraced(function* <E>(
  store: Pick<JournalVitals<E>, "unfinished">,
  settings: Settings,
  now: number,
): Effect.fn.Return<StuckJobs, E> {
  let after: string | null = null;
  let count = 0;
  const jobIds: Array<string> = [];
  let waitingFor: string | null = null;
  while (true) {
    const page: ReadonlyArray<UnfinishedJob> = yield* store.unfinished(after, pageSize);
    for (const job of page) {
      if (!isStuck(job, settings, now)) continue;
      count += 1;
      waitingFor ??= job.waitingFor;
      if (jobIds.length < maxNamed) jobIds.push(job.jobId);
    }
    after = page.at(-1)?.jobId ?? null;
    if (page.length < pageSize) return { count, jobIds, waitingFor };
    yield* Effect.sleep(betweenPages);
  }
});

const isStuck = (
  { until, detail, updatedAt }: UnfinishedJob,
  { overdueMs, quietMs }: Settings,
  now: number,
): boolean => {
  // Who waits for a slot is looked at as the queue's.
  if (detail === "paused" || detail === "queued") return false;
  if (until !== null) return now - until > overdueMs;
  // Who waits without a limit waits for somebody to say something.
  return detail !== "waiting" && now - updatedAt > quietMs;
};

export const stuckJobs = (
  { count, jobIds, waitingFor }: StuckJobs,
  message: Option.Option<LongestWait>,
  { settings, now }: { readonly settings: Settings; readonly now: number },
): ReadonlyArray<Reading> => {
  const stuck: Reading = {
    name: "stuck-jobs",
    subject: "jobs",
    what: `${count} ${count === 1 ? "job gets" : "jobs get"} nowhere: ${someOf(jobIds)}${waitingFor === null ? "" : `; the first waits for ${waitingFor}`}`,
    value: count,
    threshold: 1,
    state: count > 0 ? "bad" : "good",
    action:
      "Look at them with GET /jobs/{job_id}; decide, cancel, or start a process that has their pipeline.",
  };
  if (message._tag === "None") return [stuck];
  const { jobId, since } = message.value;
  const ageMs = Math.max(now - since, 0);
  const unread: Reading = {
    name: "stuck-jobs",
    subject: "messages",
    what: `a word for job ${jobId} has not been read for ${inWords(ageMs)}`,
    value: ageMs,
    threshold: settings.overdueMs,
    state: ageMs > settings.overdueMs ? "bad" : "good",
    action: "Start a process that has the job's pipeline in its version.",
  };
  return [stuck, unread];
};
