/**
 * The port to where notifications go.
 *
 * Guarantees of every adapter. `deliver` succeeds only once the receiver has taken the notification, hands
 * over its id with it, comes to an end within a minute whatever the receiver does, and lets everything go
 * at once when it is interrupted. What it fails with holds no secret. Whoever calls it may do so again with
 * the same notification: delivery is at-least-once, and the id is how a receiver tells.
 */
import { type Effect, Schema } from "effect";
import type { NotificationType } from "./journal-outbox.ts";

export type { NotificationType };

/** What is told. */
export interface Notification {
  /** The same in every try. Letters, digits, `_` and `-`. */
  readonly id: string;
  readonly type: NotificationType;
  /** When it happened (ms). */
  readonly at: number;
  readonly data: Schema.Json;
}

/** The receiver did not take it. `detail` is for operators and holds no secret. */
export class NotDelivered extends Schema.TaggedError<NotDelivered>()("NotDelivered", {
  detail: Schema.String,
  /** Trying again is of no use. */
  isPermanent: Schema.Boolean,
  /** How long the receiver asked us to wait (ms). */
  retryAfterMs: Schema.optionalKey(Schema.Finite),
}) {
  override get message(): string {
    return this.detail;
  }
}

export interface NotificationChannel {
  /** What it is, for operators: `webhook`, `email`. */
  readonly kind: string;
  /** Fails with: NotDelivered. */
  readonly deliver: (notification: Notification) => Effect.Effect<void, NotDelivered>;
}
