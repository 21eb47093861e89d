/** One prediction as the emulator stores it: the facts, of which the HTTP answers are views (prediction-view.ts). */
import type { Outcome } from "../faults/fault.ts";
import { isJsonObject, type JsonObject } from "../json.ts";

export type Status = "starting" | "processing" | "succeeded" | "failed" | "canceled" | "aborted";
export type WebhookEvent = "start" | "output" | "logs" | "completed";
export type Metrics = Readonly<Record<string, number>>;

export interface Prediction {
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly input: JsonObject;
  readonly status: Status;
  /** Instants in milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt?: number;
  readonly completedAt?: number;
  readonly deadlineAt?: number;
  /** File outputs are paths on this server; the view puts the current origin before them. */
  readonly output?: unknown;
  readonly error?: string;
  readonly logs: string;
  readonly metrics?: Metrics;
  /** `owner/name` of the deployment it was made by. */
  readonly deployment?: string;
  /** Names the stream of its output, where the model supports one. */
  readonly streamToken?: string;
  readonly webhook?: string;
  readonly webhookEvents?: readonly WebhookEvent[];
  /** True once the terminal webhook was answered with 2xx or given up. */
  readonly webhookDone?: boolean;
  /** What a fault plan or the control API decided for this prediction; it outlives a restart. */
  readonly outcome?: Outcome;
}

/** True when nothing more will happen to a prediction with this status. */
export function isTerminal(status: Status): boolean {
  return status !== "starting" && status !== "processing";
}

/** True for what this emulator wrote as a prediction; the log file has no other author. */
export function isPrediction(value: unknown): value is Prediction {
  return (
    isJsonObject(value) &&
    typeof value["id"] === "string" &&
    typeof value["status"] === "string" &&
    typeof value["createdAt"] === "number" &&
    isJsonObject(value["input"])
  );
}
