/**
 * The part of the journal store's port that holds what is to be told to the outside: the outbox.
 *
 * Guarantees of every adapter. A notification is written in the transaction of the append that made it, or
 * not at all. Its id is unique for ever: what is posted again under a known id changes nothing. A change is
 * conditional on the row as it was read, so that of two processes one changes it. Erasing a job takes away
 * all notifications of it, whatever their state.
 */
import type { Effect, Option, Schema } from "effect";

export type NotificationType =
  | "job.complete"
  | "job.failed"
  | "job.cancelled"
  | "alert.raised"
  | "alert.cleared";

/** `due`: to be sent, now or later. `undeliverable`: given up, kept, and sent again on request. */
export type NotificationState = "due" | "delivered" | "undeliverable";

/** What is to be told to one subscription. */
export interface NewNotification {
  /** The same in every try, so that a receiver knows a repetition: `evt_<jobId>_<seq>_<subscription>`. No full stops. */
  readonly id: string;
  readonly subscription: string;
  readonly type: NotificationType;
  /** When it happened (ms). */
  readonly at: number;
  /** The job it tells of, which then holds what is told; null where it belongs to none. */
  readonly job: NotifiedJob | null;
  /** What is told where no job holds it: plain JSON, free of secrets. */
  readonly data: Schema.Json;
  /** The process that sends it. */
  readonly owner: string;
}

export interface NotifiedJob {
  readonly jobId: string;
  /** The entry that says what happened. */
  readonly seq: number;
  /** What the job had cost by then, in millionths of a US dollar. */
  readonly costMicros: number;
}

export interface NotificationRow extends NewNotification {
  readonly state: NotificationState;
  /** Tries that failed; 0 again once it is to be sent again. */
  readonly attempts: number;
  /** When it is sent next (ms); of a row that is not due, when it would have been. */
  readonly nextAt: number;
  /** Why the last try failed, in words without secrets; null where none did. */
  readonly lastError: string | null;
  /** When its state or its tries last changed (ms). */
  readonly updatedAt: number;
}

/** What several processes may have to tell, each under an id of its own: the first does. */
export interface Topic {
  readonly name: string;
  /** A subscription that was told of it after this instant (ms) is not told again. */
  readonly toldAfter: number;
}

/** Notifications that belong to no append. Those whose id is known, or whose topic was told, are passed over. */
export interface PostNotifications {
  readonly type: "PostNotifications";
  readonly notifications: ReadonlyArray<NewNotification>;
  /** Of all of them. */
  readonly topic?: Topic;
}

/** What came of a try, or the wish to send it again; in conflict over the Notification where the row is another by now. */
export interface ChangeNotification {
  readonly type: "ChangeNotification";
  readonly id: string;
  readonly from: Pick<NotificationRow, "state" | "attempts" | "owner">;
  readonly to: Pick<
    NotificationRow,
    "state" | "attempts" | "nextAt" | "lastError" | "owner" | "updatedAt"
  >;
}

/** What a dead owner was to send to these subscriptions is another's from now on. */
export interface TakeNotifications {
  readonly type: "TakeNotifications";
  readonly from: string;
  readonly to: string;
  readonly subscriptions: ReadonlyArray<string>;
}

/**
 * Notifications of no job that have been over since before this instant (ms) go, with their dead letters:
 * delivered or given up, or to be sent by then to a subscription that nobody has any more.
 */
export interface TidyNotifications {
  readonly type: "TidyNotifications";
  readonly before: number;
}

export type OutboxWrite =
  | PostNotifications
  | ChangeNotification
  | TakeNotifications
  | TidyNotifications;

export interface NotificationFilter {
  readonly state?: NotificationState;
  readonly subscription?: string;
  /** Null: those that belong to no job. */
  readonly jobId?: string | null;
  /** Notifications that were written before this one. */
  readonly olderThan?: string;
  /** Newest first; default 100. */
  readonly limit?: number;
}

/** What the port answers about the outbox; each fails with: StoreFailure. */
export interface JournalOutbox<StoreFailure> {
  /** As they were written, newest first. */
  notifications(
    filter: NotificationFilter,
  ): Effect.Effect<ReadonlyArray<NotificationRow>, StoreFailure>;
  notification(id: string): Effect.Effect<Option.Option<NotificationRow>, StoreFailure>;
  /** What this owner has to send to this subscription, now or later: next first. */
  dueNotifications(
    owner: string,
    subscription: string,
    limit: number,
  ): Effect.Effect<ReadonlyArray<NotificationRow>, StoreFailure>;
  /** Owners, dead ones as well, that have something to send to these subscriptions. */
  sendersTo(
    subscriptions: ReadonlyArray<string>,
  ): Effect.Effect<ReadonlyArray<string>, StoreFailure>;
}
