/** The outbox in memory: what is written to it, and what is asked of it. */
import type {
  ChangeNotification,
  NewNotification,
  NotificationFilter,
  NotificationRow,
  TakeNotifications,
  TidyNotifications,
  Topic,
} from "../../journal-outbox.ts";
import type { WriteResult } from "../../journal-store.ts";
import { committed, notificationConflict } from "../write-rules.ts";

export class MemoryOutbox {
  /** In the order in which they were written. */
  readonly #rows = new Map<string, NotificationRow>();
  /** What is due, so that what was delivered costs nobody anything. */
  readonly #due = new Set<string>();

  /** By topic: which notifications told of it. */
  readonly #topics = new Map<string, Set<string>>();

  add(notifications: ReadonlyArray<NewNotification>, topic?: Topic): WriteResult {
    for (const one of notifications) {
      if (this.#rows.has(one.id) || this.#isTold(one, topic)) continue;
      const isNow = { attempts: 0, nextAt: one.at, lastError: null, updatedAt: one.at };
      this.#put({ ...one, ...isNow, state: "due" });
      if (topic === undefined) continue;
      const told = this.#topics.get(topic.name) ?? new Set();
      this.#topics.set(topic.name, told.add(one.id));
    }
    return committed;
  }

  #isTold({ subscription }: NewNotification, topic: Topic | undefined): boolean {
    if (topic === undefined) return false;
    return [...(this.#topics.get(topic.name) ?? [])].some((id) => {
      const row = this.#rows.get(id);
      return row?.subscription === subscription && row.at > topic.toldAfter;
    });
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

  /** The ids of those that went. */
  tidy({ before }: TidyNotifications): ReadonlyArray<string> {
    return this.#drop(
      ({ job, state, updatedAt, nextAt }) =>
        job === null && updatedAt < before && (state !== "due" || nextAt < before),
    );
  }

  dropOfJob(jobId: string): void {
    this.#drop(({ job }) => job?.jobId === jobId);
  }

  #drop(isDropped: (row: NotificationRow) => boolean): ReadonlyArray<string> {
    const gone = [...this.#rows.values()].filter(isDropped).map(({ id }) => id);
    for (const id of gone) {
      this.#rows.delete(id);
      this.#due.delete(id);
    }
    // A topic that nobody was told of is none.
    for (const [name, told] of gone.length === 0 ? [] : this.#topics) {
      for (const id of gone) told.delete(id);
      if (told.size === 0) this.#topics.delete(name);
    }
    return gone;
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
