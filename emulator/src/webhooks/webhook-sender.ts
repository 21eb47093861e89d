/**
 * Sends webhooks as the provider does: signed, redirects not followed, `start`, `output` and `logs` once and never
 * again, the terminal one again with growing pauses for about a minute, then given up. Messages of one prediction
 * leave one after the other, unless a fault plan holds one back.
 */
import type { Clock } from "../clock.ts";
import type { FaultPlan } from "../faults/fault-plan.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { wireJson } from "../http/wire-json.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";
import type { Prediction, WebhookEvent } from "../predictions/prediction.ts";
import type { Settings } from "../settings.ts";
import type { PredictionStore } from "../storage/prediction-store.ts";
import type { Delivery, DeliveryLog } from "./delivery-log.ts";
import { hmacBase64 } from "./signature.ts";

export interface WebhookParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly predictions: PredictionStore;
  readonly plan: FaultPlan;
  readonly deliveries: DeliveryLog;
  readonly secret: string;
  readonly origin: () => string;
}

interface Message {
  readonly prediction: Prediction;
  readonly event: WebhookEvent;
  readonly webhookId: string;
  readonly attempt: number;
  /** Aborted when this message is not to be sent any more. */
  readonly signal: AbortSignal;
}

/** Events sent when the request named none. */
const DEFAULT_EVENTS: readonly WebhookEvent[] = ["output", "completed"];
/** Outputs and logs of one prediction are told this often at most; what comes sooner is left out. */
const PROGRESS_INTERVAL_MS = 500;
const ANSWER_TIMEOUT_MS = 10_000;

export class WebhookSender {
  readonly #parts: WebhookParts;
  readonly #lastProgressAt = new Map<string, number>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #closing = new AbortController();
  #count = 0;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  /** Tells that a prediction started or grew, if it was asked for; failures are ignored. */
  progress(prediction: Prediction, event: "start" | "output" | "logs"): void {
    if (!isWanted(prediction, event)) return;
    if (event !== "start" && !this.#isProgressDue(prediction.id)) return;
    this.#count += 1;
    const webhookId = `msg_${prediction.id}_${event}_${this.#count}`;
    const { signal } = this.#closing;
    const message = { prediction, event, webhookId, attempt: 1, signal };
    void this.#inTurn(prediction.id, () => this.#send(message));
  }

  /** Tells that a prediction ended, and again until the answer is no error or the last try failed. */
  async completed(prediction: Prediction): Promise<void> {
    const { id } = prediction;
    this.#lastProgressAt.delete(id);
    if (prediction.webhook === undefined) return;
    const { signal } = this.#closing;
    if (isWanted(prediction, "completed")) await this.#tryAndRetry(prediction, signal);
    if (!signal.aborted) this.#parts.predictions.update(id, { webhookDone: true });
  }

  /** Gives up everything under way, here and now; what is told later is sent again. */
  abandon(): void {
    this.#closing.abort();
    this.#closing = new AbortController();
    this.#lastProgressAt.clear();
    this.#queues.clear();
  }

  close(): void {
    this.#closing.abort();
  }

  async #tryAndRetry(prediction: Prediction, signal: AbortSignal): Promise<void> {
    const webhookId = `msg_${prediction.id}_completed`;
    const pauses = [0, ...this.#parts.settings.webhookRetryDelaysMs];
    for (const [index, pauseMs] of pauses.entries()) {
      if (index > 0 && !(await this.#parts.clock.sleep(pauseMs, signal))) return;
      const attempt = index + 1;
      const message = { prediction, event: "completed", webhookId, attempt, signal } as const;
      const isOver = await this.#inTurn(prediction.id, () => this.#send(message));
      if (isOver || signal.aborted) return;
    }
  }

  #isProgressDue(id: string): boolean {
    const now = this.#parts.clock.now();
    if (now - (this.#lastProgressAt.get(id) ?? -Infinity) < PROGRESS_INTERVAL_MS) return false;
    this.#lastProgressAt.set(id, now);
    return true;
  }

  /** After what is under way for this prediction; the clock stands still meanwhile. */
  async #inTurn<Value>(id: string, work: () => Promise<Value>): Promise<Value> {
    const turn = (this.#queues.get(id) ?? Promise.resolve()).then(work);
    const settled = this.#parts.clock.during(turn).catch(() => undefined);
    this.#queues.set(id, settled);
    await settled;
    if (this.#queues.get(id) === settled) this.#queues.delete(id);
    return turn;
  }

  /** True when the delivery is over: answered without an error, or lost on the way without anyone noticing. */
  async #send(message: Message): Promise<boolean> {
    if (message.signal.aborted) return false;
    const fault = this.#parts.plan.take("webhook", message.prediction.model).answer;
    if (fault?.type === "dropped-webhook") {
      this.#log(message, { outcome: "dropped" });
      return true;
    }
    if (fault?.type === "delayed-webhook") {
      void this.#postLater(message, fault);
      return true;
    }
    if (fault?.type === "duplicated-webhook") await this.#post(message);
    return this.#post(message);
  }

  async #postLater(
    message: Message,
    { delayMs }: Extract<AnswerFault, { type: "delayed-webhook" }>,
  ): Promise<void> {
    const { clock } = this.#parts;
    if (await clock.sleep(delayMs, message.signal)) await clock.during(this.#post(message));
  }

  async #post(message: Message): Promise<boolean> {
    const { body, headers } = this.#sealed(message);
    const signal = AbortSignal.any([message.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    const url = String(message.prediction.webhook);
    try {
      const init = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const { status: httpStatus, body: answer } = await fetch(url, init);
      await answer?.cancel();
      this.#log(message, { outcome: outcomeOf(httpStatus), httpStatus });
      return httpStatus < 400;
    } catch {
      if (!message.signal.aborted) this.#log(message, { outcome: "failed" });
      return false;
    }
  }

  /** The body as it is signed and sent. The timestamp is the real time: the receiver's clock is not advanced. */
  #sealed({ prediction, webhookId }: Message): {
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  } {
    const { origin, settings, clock, secret } = this.#parts;
    const body = wireJson(viewPrediction(prediction, { origin: origin(), settings }));
    const timestamp = String(Math.floor(clock.realNow() / 1_000));
    const headers = {
      "content-type": "application/json",
      "webhook-id": webhookId,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${hmacBase64(secret, `${webhookId}.${timestamp}.${body}`)}`,
      "x-catena-emulator": "1",
    };
    return { body, headers };
  }

  #log(
    { prediction, event, webhookId, attempt }: Message,
    answer: Pick<Delivery, "outcome" | "httpStatus">,
  ): void {
    this.#parts.deliveries.add({
      webhookId,
      predictionId: prediction.id,
      event,
      attempt,
      url: String(prediction.webhook),
      sentAt: new Date(this.#parts.clock.now()).toISOString(),
      status: prediction.status,
      ...answer,
    });
  }
}

function isWanted(
  { webhook, webhookEvents = DEFAULT_EVENTS }: Prediction,
  event: WebhookEvent,
): boolean {
  return webhook !== undefined && webhookEvents.includes(event);
}

function outcomeOf(httpStatus: number): Delivery["outcome"] {
  if (httpStatus >= 400) return "refused";
  return httpStatus >= 300 ? "redirected" : "delivered";
}
