/** What was sent to webhooks and how it was answered, for tests to read; the last thousand, in memory only. */
import type { Status, WebhookEvent } from "../predictions/prediction.ts";

export interface Delivery {
  /** `webhook-id`; the same for every try of one message. */
  readonly webhookId: string;
  readonly predictionId: string;
  readonly event: WebhookEvent;
  /** From 1. */
  readonly attempt: number;
  readonly url: string;
  /** The emulated instant, ISO 8601. */
  readonly sentAt: string;
  /** The prediction's status in the body. */
  readonly status: Status;
  /** 2xx; 3xx, which nobody follows or repeats; 4xx or 5xx; no answer; never sent, by a fault plan. */
  readonly outcome: "delivered" | "redirected" | "refused" | "failed" | "dropped";
  readonly httpStatus?: number;
}

const LIMIT = 1_000;

export class DeliveryLog {
  #deliveries: readonly Delivery[] = [];

  add(delivery: Delivery): void {
    this.#deliveries = [...this.#deliveries, delivery].slice(-LIMIT);
  }

  /** Oldest first; with an id those of one prediction. */
  all(predictionId?: string | null): readonly Delivery[] {
    return predictionId === undefined || predictionId === null
      ? this.#deliveries
      : this.#deliveries.filter((delivery) => delivery.predictionId === predictionId);
  }

  clear(): void {
    this.#deliveries = [];
  }
}
