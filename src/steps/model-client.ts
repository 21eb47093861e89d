/**
 * The port to a provider of models. A client makes exactly one request per call and never retries: what
 * an unclear answer means is decided by the ledger, which knows what was intended.
 *
 * Guarantee: `submit` either returns the prediction the provider accepted, or says for certain that
 * none exists (`SubmitRejected`), or admits that nobody knows (`SubmitUnknown`). No error, snapshot or
 * log of a client ever holds a credential.
 */
import { Schema } from "effect";
import type { Effect, JsonSchema, Redacted, Stream } from "effect";
import { ProviderFailure, ValidationFailure } from "./failure.ts";

export const PredictionStatus = Schema.Literals([
  "starting",
  "processing",
  "succeeded",
  "failed",
  "canceled",
  "aborted",
]);
export type PredictionStatus = typeof PredictionStatus.Type;

const terminal: ReadonlySet<PredictionStatus> = new Set([
  "succeeded",
  "failed",
  "canceled",
  "aborted",
]);
export const isTerminal = (status: PredictionStatus): boolean => terminal.has(status);

/** A prediction as the provider last showed it. `raw` is the whole answer, kept for the operator. */
export interface Prediction {
  readonly id: string;
  readonly status: PredictionStatus;
  readonly output: Schema.Json;
  readonly error: string | null;
  /** The input as sent, while the provider still keeps it. */
  readonly input: Schema.Json;
  /** The intent's key, read from the webhook URL where the provider shows it. */
  readonly key: string | null;
  readonly source: "api" | "web" | null;
  /** Instants in ms since the epoch; null where not (yet) known. */
  readonly createdAt: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  /** Seconds of compute, token counts, image counts: whatever the provider measured, numbers only. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The provider has removed input, output and files. */
  readonly isDataRemoved: boolean;
  readonly raw: Schema.Json;
}

/** The schemas a model publishes of itself, in JSON Schema; null where it publishes none. */
export interface ModelDescription {
  readonly model: string;
  readonly version: string | null;
  readonly input: ModelSchema | null;
  readonly output: ModelSchema | null;
}

/** One schema with the definitions its `$ref`s point to (OpenAPI 3.0 dialect, as Replicate serves it). */
export interface ModelSchema {
  readonly schema: JsonSchema.JsonSchema;
  readonly definitions: Readonly<Record<string, JsonSchema.JsonSchema>>;
}

export interface SubmitRequest {
  readonly model: string;
  readonly input: Schema.JsonObject;
  /** The intent's unguessable key; put into the webhook URL where there is one. */
  readonly key: string;
  /** The provider must end the prediction this long (ms) after its creation. */
  readonly cancelAfterMs: number;
  /** Where the provider may report that the prediction ended, where the client knows no other place. */
  readonly webhook?: string;
}

/** A definite no: nothing was created and nothing is owed. */
export class SubmitRejected extends Schema.TaggedError<SubmitRejected>()("SubmitRejected", {
  failure: Schema.Union([ProviderFailure, ValidationFailure]),
}) {}

/** No answer that says whether the prediction exists: network error, 5xx, unreadable body. */
export class SubmitUnknown extends Schema.TaggedError<SubmitUnknown>()("SubmitUnknown", {
  detail: Schema.String,
}) {}

export interface DownloadedFile {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** An accepted prediction that somebody wants to see at work. */
export interface StreamedPrediction {
  readonly id: string;
  readonly model: string;
}

/** What a provider allows and keeps; a client without it has no such limits. */
export interface ProviderLimits {
  /** Requests a minute beside creates, of this client. */
  readonly looksPerMinute: number;
  /** How long (ms) after its end a prediction's output can be had. */
  readonly keepsMs: number;
}

export interface ModelClient {
  /** Names the provider in receipts and the ledger, such as `replicate`. */
  readonly provider: string;
  /** What the provider can do after a lost answer; without it, creates are at-least-once by policy. */
  readonly canFind: boolean;
  /** Its models run in this process, and die with it. Default: they run elsewhere. */
  readonly runsHere?: true;
  readonly limits?: ProviderLimits;
  /** Creates one prediction, asynchronously, with exactly one request. Fails with: SubmitRejected, SubmitUnknown. */
  submit(request: SubmitRequest): Effect.Effect<Prediction, SubmitRejected | SubmitUnknown>;
  /**
   * Fails with: ProviderFailure; with status 404 where the provider knows no such prediction, permanent only
   * where it is certain that it never will again.
   */
  get(id: string): Effect.Effect<Prediction, ProviderFailure>;
  /**
   * Returns once the prediction has ended, at once where it has or where there is none: whoever watches it looks then,
   * instead of after the next pause. Absent where only looking tells.
   */
  ended?(id: string): Effect.Effect<void>;
  /** Asks for the end of a prediction; a finished one stays as it is. Confirm with `get`. Fails with: ProviderFailure. */
  cancel(id: string): Effect.Effect<Prediction, ProviderFailure>;
  /**
   * Every prediction created at or after the instant (ms), all pages, newest first; up to `createdBefore` where
   * that is given, which spares reading all that was made since, so later ones may be left out. Providers show times
   * as coarse as a second, so others of the instant's own second may be among them. A listing that could
   * not be read to its end fails: half a list proves nothing. Fails with: ProviderFailure.
   */
  find(
    createdAfter: number,
    createdBefore?: number,
  ): Effect.Effect<ReadonlyArray<Prediction>, ProviderFailure>;
  /**
   * Cached by the adapter for some minutes; the same object until then, so that what is compiled from it
   * can be kept beside it. Fails with: ProviderFailure, permanent where there is no such model.
   */
  describe(model: string): Effect.Effect<ModelDescription, ProviderFailure>;
  /** Fetches an output file: https and the provider's hosts only, unless the client was told otherwise;
   * size, type and length are checked. Fails with: ProviderFailure (OutputExpired, BadResponse, Unavailable). */
  download(url: string): Effect.Effect<DownloadedFile, ProviderFailure>;
  /** What the provider signs its webhooks with; absent where it sends none. Fails with: ProviderFailure. */
  readonly webhookSecret?: Effect.Effect<Redacted.Redacted, ProviderFailure>;
  /**
   * What the model writes while it writes it: texts in order, none twice, from the beginning where the
   * provider still shows that. Only a view, for whoever is listening: it may miss some, it ends when nothing
   * more is to be seen, whatever the reason, and does not fail; what the model answered is what `get` says.
   * Whoever stops reading closes the connection. Absent where the provider shows nothing before the end.
   */
  stream?(prediction: StreamedPrediction): Stream.Stream<string>;
  /**
   * Makes bytes readable for a model, for an hour at least: as a data URI up to 256 kB, else as an upload.
   * Fails with: ProviderFailure.
   */
  present(file: DownloadedFile, sha256: string): Effect.Effect<string, ProviderFailure>;
}
