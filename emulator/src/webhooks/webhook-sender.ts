/**
 * Sends webhooks as the provider does: signed, redirects not followed, `start` and `output` once and never again,
 * the terminal one again with growing pauses for about a minute, then given up.
 */
import { createHmac } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { FaultPlan } from "../faults/fault-plan.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";
import type { Prediction, WebhookEvent } from "../predictions/prediction.ts";
import type { Settings } from "../settings.ts";
import type { PredictionStore } from "../storage/prediction-store.ts";

export interface WebhookParts {
  readonly settings: Settings;
  readonly predictions: PredictionStore;
  readonly plan: FaultPlan;
  readonly secret: string;
  readonly origin: () => string;
}

/** Events sent when the request named none. */
const DEFAULT_EVENTS: readonly WebhookEvent[] = ["output", "completed"];
const OUTPUT_INTERVAL_MS = 500;
const ANSWER_TIMEOUT_MS = 10_000;

export class WebhookSender {
  readonly #parts: WebhookParts;
  readonly #closing = new AbortController();
  readonly #lastOutputAt = new Map<string, number>();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  /** Tells that a prediction started or grew, if it was asked for; failures are ignored. */
  progress(prediction: Prediction, event: "start" | "output"): void {
    if (!isWanted(prediction, event) || (event === "output" && !this.#isOutputDue(prediction.id)))
      return;
    void this.#send(prediction, `msg_${prediction.id}_${event}_${this.#parts.settings.now()}`);
  }

  /** Tells that a prediction ended, and again until the answer is 2xx or the last try failed. */
  async completed(prediction: Prediction): Promise<void> {
    this.#lastOutputAt.delete(prediction.id);
    if (prediction.webhook === undefined) return;
    const messageId = `msg_${prediction.id}_completed`;
    const pauses = isWanted(prediction, "completed")
      ? [0, ...this.#parts.settings.webhookRetryDelaysMs]
      : [];
    for (const delayMs of pauses) {
      if (!(await this.#rest(delayMs))) return;
      if (await this.#send(prediction, messageId)) break;
    }
    if (!this.#closing.signal.aborted)
      this.#parts.predictions.update(prediction.id, { webhookDone: true });
  }

  close(): void {
    this.#closing.abort();
  }

  async #rest(delayMs: number): Promise<boolean> {
    if (delayMs === 0) return !this.#closing.signal.aborted;
    return pause(delayMs, true, { signal: this.#closing.signal, ref: false }).catch(() => false);
  }

  #isOutputDue(id: string): boolean {
    const now = this.#parts.settings.now();
    if (now - (this.#lastOutputAt.get(id) ?? -Infinity) < OUTPUT_INTERVAL_MS) return false;
    this.#lastOutputAt.set(id, now);
    return true;
  }

  /** True when the delivery is over: answered with 2xx, or lost on the way without anyone noticing. */
  async #send(prediction: Prediction, messageId: string): Promise<boolean> {
    const fault = this.#parts.plan.take("webhook", prediction.model).answer?.type;
    if (fault === "dropped-webhook") return true;
    if (fault === "duplicated-webhook") await this.#post(prediction, messageId);
    return this.#post(prediction, messageId);
  }

  async #post(prediction: Prediction, messageId: string): Promise<boolean> {
    const body = JSON.stringify(
      viewPrediction(prediction, { origin: this.#parts.origin(), settings: this.#parts.settings }),
    );
    const timestamp = String(Math.floor(this.#parts.settings.now() / 1000));
    const headers = {
      "content-type": "application/json",
      "webhook-id": messageId,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${sign(this.#parts.secret, `${messageId}.${timestamp}.${body}`)}`,
      "x-catena-emulator": "1",
    };
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    try {
      const response = await fetch(String(prediction.webhook), {
        method: "POST",
        headers,
        body,
        signal,
        redirect: "manual",
      });
      await response.body?.cancel();
      return response.status < 400;
    } catch {
      return false;
    }
  }
}

function isWanted(
  { webhook, webhookEvents = DEFAULT_EVENTS }: Prediction,
  event: WebhookEvent,
): boolean {
  return webhook !== undefined && webhookEvents.includes(event);
}

/** Standard Webhooks: HMAC-SHA256 under the base64-decoded part after `whsec_`. */
function sign(secret: string, content: string): string {
  return createHmac("sha256", Buffer.from(secret.replace(/^whsec_/u, ""), "base64"))
    .update(content)
    .digest("base64");
}
