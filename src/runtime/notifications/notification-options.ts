/** What a host may say of its notifications. Types only: the checks are in `subscriptions.ts`. */
import type { NotificationType } from "../journal-outbox.ts";
import type { NotificationChannel } from "../notification-channel.ts";

/** Who is told what. */
export interface SubscriptionOptions {
  /** Where it goes: `Notify.webhook`, `Notify.email`, or a channel of one's own. */
  readonly channel: NotificationChannel;
  /** What is told. Default: `job.complete`, `job.failed` and `job.cancelled`. */
  readonly events?: ReadonlyArray<NotificationType>;
  /** Of which pipelines' jobs, by name. Default: of all. */
  readonly pipelines?: ReadonlyArray<string>;
}

/**
 * By name: letters, digits, `_` and `-`. The name is part of every id, so that it has to stay what it is
 * over restarts: what is due to a name that is no longer there waits for it.
 */
export type NotificationOptions = Readonly<Record<string, SubscriptionOptions>>;
