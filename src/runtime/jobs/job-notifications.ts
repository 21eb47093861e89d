/** What an entry tells the outside: that its job has come to rest. Pure, as the ledger's changes are. */
import type { JobSnapshot } from "../../machines/advance.ts";
import type { Entry } from "../../machines/entry.ts";
import type { JobStatus } from "../journal-store.ts";
import type { NewNotification, NotificationType } from "../journal-outbox.ts";
import { statusOf } from "./state-record.ts";

/** Who is told of a pipeline's jobs, and which process tells it. */
export interface Announcement {
  readonly owner: string;
  readonly to: ReadonlyArray<{
    readonly name: string;
    readonly events: ReadonlySet<NotificationType>;
  }>;
}

/** What jobs need of the outbox. */
export interface JobOutbox {
  /** Undefined where nobody wants to know. */
  readonly announcementOf: (pipeline: string) => Announcement | undefined;
  /** Something was committed that is to be told. */
  readonly wake: () => void;
}

interface Advance {
  readonly jobId: string;
  readonly entry: Entry;
  readonly before: JobSnapshot;
  readonly after: JobSnapshot;
}

const types: { readonly [Status in JobStatus]?: NotificationType } = {
  complete: "job.complete",
  failed: "job.failed",
  cancelled: "job.cancelled",
};

/** One for each subscription that wants to know; none where the entry brings the job to no rest. */
export const notificationsOf = (
  { jobId, entry, before, after }: Advance,
  { owner, to }: Announcement,
): ReadonlyArray<NewNotification> => {
  const status = statusOf(after);
  const type = types[status];
  if (type === undefined || status === statusOf(before)) return [];
  const { seq, at } = entry;
  const job = { jobId, seq, costMicros: after.context.costMicros };
  return to
    .filter(({ events }) => events.has(type))
    .map(({ name: subscription }) => ({
      id: `evt_${jobId}_${seq}_${subscription}`,
      subscription,
      type,
      at,
      job,
      data: null,
      owner,
    }));
};
