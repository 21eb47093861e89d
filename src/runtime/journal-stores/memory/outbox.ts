/** The outbox in memory: what is written to it, and what is asked of it. */
import type {
  ChangeNotification,
  NewNotification,
  NotificationFilter,
  NotificationRow,
  TakeNotifications,
  TidyNotifications,
} from "../../journal-outbox.ts";
import type { WriteResult } from "../../journal-store.ts";
import { committed, notificationConflict } from "../write-rules.ts";

export class MemoryOutbox {
  /** In the order in which they were written. */
  readonly #rows = new Map<string, NotificationRow>();
  /** What is due, so that what was delivered costs nobody anything. */
  readonly #due = new Set<string>();

  add(notifications: ReadonlyArray<NewNotification>): WriteResult {
    for (const one of notifications)
      if (!this.#rows.has(one.id))
        this.#put({
          ...one,
          state: "due",
          attempts: 0,
          nextAt: one.at,
          lastError: null,
          updatedAt: one.at,
        });
    return committed;
  }

  #put(row: NotificationRow): void {
    this.#rows.set(row.id, row);
    if (row.state === "due") this.#due.add(row.id);
    else this.#due.delete(row.id);
  }

  change({ id, from, to }: ChangeNotification): WriteResult {
    const row = this.#rows.get(id);
    const isAsRead =
      row?.state === from.state && row.attempts === from.attempts && row.owner === from.owner;
    if (row === undefined || !isAsRead) return notificationConflict;
    this.#put({ ...row, ...to });
    return committed;
  }

  take({ from, to, subscriptions }: TakeNotifications): WriteResult {
    for (const row of this.#dueRows())
      if (row.owner === from && subscriptions.includes(row.subscription))
        this.#put({ ...row, owner: to });
    return committed;
  }

  tidy({ deliveredBefore }: TidyNotifications): WriteResult {
    this.#drop(
      ({ job, state, updatedAt }) =>
        job === null && state === "delivered" && updatedAt < deliveredBefore,
    );
    return committed;
  }

  dropOfJob(jobId: string): void {
    this.#drop(({ job }) => job?.jobId === jobId);
  }

  #drop(isDropped: (row: NotificationRow) => boolean): void {
    for (const row of this.#rows.values())
      if (isDropped(row)) {
        this.#rows.delete(row.id);
        this.#due.delete(row.id);
      }
  }

  get(id: string): NotificationRow | undefined {
    return this.#rows.get(id);
  }

  list({ olderThan, limit = 100, ...filter }: NotificationFilter): ReadonlyArray<NotificationRow> {
    const all = [...this.#rows.values()];
    const before =
      olderThan === undefined ? all.length : all.findIndex(({ id }) => id === olderThan);
    const isWanted = (asked: string | null | undefined, is: string | null): boolean =>
      asked === undefined || asked === is;
    return all
      .slice(0, Math.max(0, before))
      .filter(
        ({ state, subscription, job }) =>
          isWanted(filter.state, state) &&
          isWanted(filter.subscription, subscription) &&
          isWanted(filter.jobId, job?.jobId ?? null),
      )
      .toReversed()
      .slice(0, limit);
  }

  dueOf(owner: string, subscription: string, limit: number): ReadonlyArray<NotificationRow> {
    return this.#dueRows()
      .filter((row) => row.owner === owner && row.subscription === subscription)
      .toSorted((left, right) => left.nextAt - right.nextAt)
      .slice(0, limit);
  }

  sendersTo(subscriptions: ReadonlyArray<string>): ReadonlyArray<string> {
    const rows = this.#dueRows().filter(({ subscription }) => subscriptions.includes(subscription));
    return [...new Set(rows.map(({ owner }) => owner))];
  }

  #dueRows(): ReadonlyArray<NotificationRow> {
    return [...this.#due].flatMap((id) => this.#rows.get(id) ?? []);
  }
}
