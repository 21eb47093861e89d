/**
 * The life of a prediction: starting, processing, and exactly one terminal state. Whatever the service under test
 * does, a prediction made runs on; after a restart of the emulator the unfinished ones run again.
 */
import type { Clock } from "../clock.ts";
import { distortAnswer } from "../faults/distort-output.ts";
import type { ModelAnswer, ModelEngine } from "../models/engine.ts";
import { modelNamed } from "../models/catalog.ts";
import { readImageInput } from "../models/image-input.ts";
import type { Settings } from "../settings.ts";
import type { FileStore } from "../storage/file-store.ts";
import type { PredictionStore } from "../storage/prediction-store.ts";
import type { Retention } from "../storage/retention.ts";
import type { WebhookSender } from "../webhooks/webhook-sender.ts";
import { endDueByClock, endPrediction } from "./ending.ts";
import { isTerminal, type Prediction } from "./prediction.ts";

export interface RunnerParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly predictions: PredictionStore;
  readonly files: FileStore;
  readonly retention: Retention;
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
    this.#running.get(prediction.id)?.abort();
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
    const at = this.#parts.clock.now();
    return this.#settle(id, { status: "canceled", startedAt: prediction.startedAt ?? at }, at);
  }

  /** Ends an unfinished prediction as the change says and returns it; a finished one stays as it is. */
  settle(id: string, change: Partial<Prediction>): Prediction | undefined {
    const at = this.#parts.clock.now();
    const startedAt = this.#parts.predictions.get(id)?.startedAt ?? at;
    // Only an aborted one never began.
    return this.#settle(id, { ...change, ...(change.status !== "aborted" && { startedAt }) }, at);
  }

  /** Stops the work of an unfinished prediction until it is released, settled or cancelled. */
  hold(id: string): Prediction | undefined {
    return this.#rerun(id, { outcome: { kind: "hang", in: "starting" } });
  }

  /** Lets a prediction that hangs do its model's work from the beginning. */
  release(id: string): Prediction | undefined {
    return this.#rerun(id, { outcome: undefined });
  }

  /** Adds to the output of an unfinished prediction, which has begun by then. */
  write(id: string, parts: readonly string[]): Prediction | undefined {
    this.#begin(id);
    const { predictions, webhooks } = this.#parts;
    const before = predictions.get(id)?.output;
    const written: readonly unknown[] = Array.isArray(before) ? before : [];
    const output = [...written, ...parts];
    const grown = predictions.show(id, { output });
    if (grown) webhooks.progress(grown, "output");
    return grown;
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
  abandon(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  /** Abandons all work, and takes on no more. */
  close(): void {
    this.#isClosed = true;
    this.abandon();
  }

  #rerun(
    id: string,
    { outcome }: { readonly outcome: Prediction["outcome"] | undefined },
  ): Prediction | undefined {
    const before = this.#parts.predictions.get(id);
    if (before === undefined || isTerminal(before.status)) return before;
    const { outcome: _outcome, ...rest } = before;
    const prediction = { ...rest, ...(outcome && { outcome }) };
    this.#parts.predictions.save(prediction);
    this.start(prediction);
    return prediction;
  }

  async #work(prediction: Prediction, signal: AbortSignal): Promise<void> {
    const { id, outcome } = prediction;
    try {
      if (!(await this.#boot(prediction, signal))) return;
      if (outcome?.kind === "hang" && outcome.in === "starting") return;
      if (outcome?.kind === "failed" || outcome?.kind === "hang") this.#begin(id);
      if (outcome?.kind === "hang") return;
      if (outcome?.kind === "failed")
        return void this.#settle(id, { status: "failed", error: outcome.error });
      const answer = await this.#parts.clock.during(this.#runModel(prediction, signal));
      if (!signal.aborted) this.#succeed(prediction, distortAnswer(answer, outcome));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) this.#settle(id, { status: "failed", error: message });
    }
  }

  /** False where it was ended meanwhile. */
  async #boot({ outcome, startedAt }: Prediction, signal: AbortSignal): Promise<boolean> {
    const bootMs = outcome?.kind === "slow-boot" ? outcome.bootMs : this.#parts.settings.bootMs;
    return bootMs > 0 && startedAt === undefined
      ? this.#parts.clock.sleep(bootMs, signal)
      : !signal.aborted;
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
    const { predictions, clock, webhooks } = this.#parts;
    const prediction = predictions.get(id);
    if (this.#isClosed || prediction === undefined || prediction.status !== "starting") return;
    const startedAt = clock.now();
    const started = predictions.update(id, { status: "processing", startedAt });
    const signal = this.#running.get(id)?.signal;
    if (started === undefined || signal === undefined) return;
    void this.#lookAt(id, this.#latestEnd(startedAt), signal);
    webhooks.progress(started, "start");
    webhooks.progress(started, "logs");
  }

  #grow(id: string, parts: readonly string[]): void {
    const prediction = this.#parts.predictions.get(id);
    if (this.#isClosed || prediction?.status !== "processing" || prediction.outcome !== undefined)
      return;
    const grown = this.#parts.predictions.show(id, { output: [...parts] });
    if (grown) this.#parts.webhooks.progress(grown, "output");
  }

  #succeed({ id }: Prediction, { output, files, metrics, logs }: ModelAnswer): void {
    if (this.#isEnded(id)) return;
    const paths = files?.map((file) => this.#store(file, id));
    const result = paths ?? output;
    const { predictions, webhooks } = this.#parts;
    const grown = predictions.show(id, { output: result, logs });
    if (grown) webhooks.progress(grown, "output");
    if (grown) webhooks.progress(grown, "logs");
    this.#settle(id, { status: "succeeded", output: result, metrics, logs });
  }

  #store(file: NonNullable<ModelAnswer["files"]>[number], id: string): string {
    const { files, retention, clock } = this.#parts;
    const path = files.addOutput(file, id, clock.now());
    const stored = files.ofOutput(path);
    if (stored !== undefined) retention.keep(stored);
    return path;
  }

  #settle(
    id: string,
    change: Partial<Prediction>,
    at: number = this.#parts.clock.now(),
  ): Prediction | undefined {
    const prediction = this.#parts.predictions.get(id);
    if (this.#isEnded(id) || prediction === undefined) return prediction;
    const ended = endPrediction(prediction, change, at);
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

  #armDeadlines({ id, startedAt, deadlineAt }: Prediction, signal: AbortSignal): void {
    if (deadlineAt !== undefined) void this.#lookAt(id, deadlineAt, signal);
    if (startedAt !== undefined) void this.#lookAt(id, this.#latestEnd(startedAt), signal);
  }

  #latestEnd(startedAt: number): number {
    return startedAt + this.#parts.settings.maximumRunMs;
  }

  async #lookAt(id: string, instant: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    if (await clock.sleep(Math.max(0, instant - clock.now()), signal)) this.look(id);
  }
}
