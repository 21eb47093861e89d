/** What does the models' work: a port with two adapters, the toys (worker-engine.ts) and canned answers (instant-engine.ts). */
import type { JsonObject } from "../json.ts";
import type { Metrics } from "../predictions/prediction.ts";
import type { Model } from "./model.ts";

/** A picture or other bytes that a model was given, already fetched. */
export interface ModelRequest {
  readonly predictionId: string;
  readonly input: JsonObject;
  /** For a model that takes a picture: its bytes. */
  readonly image?: Uint8Array;
  readonly signal: AbortSignal;
  /** Called once when the work begins; until then the prediction is `starting`. */
  readonly onStart: () => void;
  /** Called with each part of an output that grows. */
  readonly onPart?: (part: string) => void;
}

export interface OutputFile {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface ModelAnswer {
  /** The output itself, or files whose URLs will be the output. */
  readonly output: unknown;
  readonly files?: readonly OutputFile[];
  readonly metrics: Metrics;
  readonly logs: string;
}

export interface ModelEngine {
  /** Rejects with an Error whose message is the prediction's `error`; an aborted run may reject with anything. */
  readonly run: (model: Model, request: ModelRequest) => Promise<ModelAnswer>;
  /** Loads what takes time to load, without waiting for it. */
  readonly warm: () => void;
  readonly close: () => Promise<void>;
}
