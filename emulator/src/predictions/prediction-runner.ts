/**
 * The life of a prediction: starting, processing, and exactly one terminal state. Whatever the service under test
 * does, a prediction made runs on; after a restart of the emulator the unfinished ones run again.
 */
import { setTimeout as pause } from "node:timers/promises";
import { distortAnswer } from "../faults/distort-output.ts";
import type { ModelAnswer, ModelEngine } from "../models/engine.ts";
import { modelNamed } from "../models/catalog.ts";
import { readImageInput } from "../models/image-input.ts";
import type { Settings } from "../settings.ts";
import type { FileStore } from "../storage/file-store.ts";
import type { PredictionStore } from "../storage/prediction-store.ts";
import type { WebhookSender } from "../webhooks/webhook-sender.ts";
import { endDueByClock, endPrediction } from "./ending.ts";
import { isTerminal, type Prediction } from "./prediction.ts";

export interface RunnerParts {
  readonly settings: Settings;
  readonly predictions: PredictionStore;
  readonly files: FileStore;
  readonly engine: ModelEngine;
  readonly webhooks: WebhookSender;
}

export class PredictionRunner {
  readonly #parts: RunnerParts;
  readonly #running = new Map<string, AbortController>();
  #isClosed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Starts or restarts the work of a stored prediction that has not ended. */
  start(prediction: Prediction): void {
    const controller = new AbortController();
    this.#running.set(prediction.id, controller);
    this.#armDeadlines(prediction, controller.signal);
    void this.#work(prediction, controller.signal);
  }

  /** Runs again what a stopped process left unfinished, and sends the terminal webhooks it still owes. */
  resume(): void {
    for (const prediction of this.#parts.predictions.all()) {
      if (!isTerminal(prediction.status)) this.start(prediction);
      else if (prediction.webhookDone === false) void this.#parts.webhooks.completed(prediction);
    }
  }

  /** Ends an unfinished prediction as `canceled` and returns it; a finished one stays as it is. */
  cancel(id: string): Prediction | undefined {
    const prediction = this.#parts.predictions.get(id);
    if (prediction === undefined || isTerminal(prediction.status)) return prediction;
    const at = this.#parts.settings.now();
    return this.#settle(id, { status: "canceled", startedAt: prediction.startedAt ?? at });
  }

  /** The prediction, after what its deadlines ask for was done. */
  look(id: string): Prediction | undefined {
    const prediction = this.#parts.predictions.get(id);
    if (prediction === undefined || isTerminal(prediction.status)) return prediction;
    const end = endDueByClock(prediction, this.#parts.settings);
    return end === undefined ? prediction : this.#settle(id, end);
  }

  /** True while some model works; predictions that a fault plan lets hang do not count. */
  isBusy(): boolean {
    return [...this.#running.keys()].some(
      (id) => this.#parts.predictions.get(id)?.outcome?.kind !== "hang",
    );
  }

  /** Stops all work and leaves the predictions unfinished, as a killed process would. */
  close(): void {
    this.#isClosed = true;
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  async #work(prediction: Prediction, signal: AbortSignal): Promise<void> {
    const { id, outcome } = prediction;
    try {
      await this.#boot(prediction, signal);
      if (outcome?.kind === "failed" || outcome?.kind === "hang") this.#begin(id);
      if (outcome?.kind === "hang") return;
      if (outcome?.kind === "failed")
        return void this.#settle(id, { status: "failed", error: outcome.error });
      const answer = await this.#runModel(prediction, signal);
      if (!signal.aborted) this.#succeed(prediction, distortAnswer(answer, outcome));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) this.#settle(id, { status: "failed", error: message });
    }
  }

  async #boot({ outcome, startedAt }: Prediction, signal: AbortSignal): Promise<void> {
    const bootMs = outcome?.kind === "slow-boot" ? outcome.bootMs : this.#parts.settings.bootMs;
    if (bootMs > 0 && startedAt === undefined) await pause(bootMs, undefined, { signal });
  }

  async #runModel({ id, model, input }: Prediction, signal: AbortSignal): Promise<ModelAnswer> {
    const definition = modelNamed(model);
    if (definition === undefined) throw new Error(`E9243: the model ${model} is gone`);
    const image =
      definition.kind === "moderator"
        ? await readImageInput(input["image"], this.#parts)
        : undefined;
    const parts: string[] = [];
    return this.#parts.engine.run(definition, {
      predictionId: id,
      input,
      ...(image && { image }),
      signal,
      onStart: () => this.#begin(id),
      onPart: (part) => {
        parts.push(part);
        this.#grow(id, parts);
      },
    });
  }

  #begin(id: string): void {
    const prediction = this.#parts.predictions.get(id);
    if (this.#isClosed || prediction === undefined || prediction.status !== "starting") return;
    const started = this.#parts.predictions.update(id, {
      status: "processing",
      startedAt: this.#parts.settings.now(),
    });
    if (started) this.#parts.webhooks.progress(started, "start");
  }

  #grow(id: string, parts: readonly string[]): void {
    const prediction = this.#parts.predictions.get(id);
    if (this.#isClosed || prediction?.status !== "processing" || prediction.outcome !== undefined)
      return;
    const grown = this.#parts.predictions.show(id, { output: [...parts] });
    if (grown) this.#parts.webhooks.progress(grown, "output");
  }

  #succeed(prediction: Prediction, { output, files, metrics, logs }: ModelAnswer): void {
    if (this.#isEnded(prediction.id)) return;
    const paths = files?.map((file) =>
      this.#parts.files.addOutput(file, prediction.id, this.#parts.settings.now()),
    );
    this.#settle(prediction.id, { status: "succeeded", output: paths ?? output, metrics, logs });
  }

  #settle(id: string, change: Partial<Prediction>): Prediction | undefined {
    const prediction = this.#parts.predictions.get(id);
    if (this.#isEnded(id) || prediction === undefined) return prediction;
    const ended = endPrediction(prediction, change, this.#parts.settings.now());
    this.#parts.predictions.save(ended);
    this.#running.get(id)?.abort();
    this.#running.delete(id);
    void this.#parts.webhooks.completed(ended);
    return ended;
  }

  #isEnded(id: string): boolean {
    const prediction = this.#parts.predictions.get(id);
    return this.#isClosed || prediction === undefined || isTerminal(prediction.status);
  }

  #armDeadlines({ id, deadlineAt }: Prediction, signal: AbortSignal): void {
    if (deadlineAt === undefined) return;
    const timer = setTimeout(
      () => this.look(id),
      Math.max(0, deadlineAt - this.#parts.settings.now()),
    );
    timer.unref();
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }
}
