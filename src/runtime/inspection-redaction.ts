/**
 * What an inspector may see of a job: an allow-list of plain facts. Everything else is shown by its size
 * alone, unless payloads are asked for; the keys of intents are never shown, only a name for each.
 */
import { createHash } from "node:crypto";
import { Schema } from "effect";

export interface RedactionOptions {
  /** `sizes`: inputs, outputs, requests, answers and failures show their size only. Default: `sizes`. */
  readonly payloads?: "sizes" | "shown";
  /** Has the last word on every event and context that is sent; it gets and answers plain JSON. */
  readonly redact?: (json: Schema.Json) => Schema.Json;
}

/** Fields of entries that say nothing of what a job is about, with those within a retry or a receipt. */
const plainFields: ReadonlySet<string> = new Set(
  [
    "type seq at path key attempt round call repair status kind owner epoch version pipeline",
    "isTakeover isSuspect isQueued isAdopted isCertain isFresh by awaited timeoutMs estimateMicros provider model",
    "retry timeout wakeAt delayMs receipt costMicros basis predictionId metrics source jobId settledAt",
  ].flatMap((names) => names.split(" ")),
);

const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json));

/** Plain JSON, as `toJSON` of whatever has one says; what JSON cannot say is null. */
const toJson = (value: unknown): Schema.Json => decodeJson(JSON.stringify(value) ?? "null");

/** One job's redaction: it knows the keys that it has met, and finds them wherever they stand. */
export class Redaction {
  readonly #options: RedactionOptions;
  readonly #aliases = new Map<string, string>();

  constructor(options: RedactionOptions) {
    this.#options = options;
  }

  /** An entry, ready to be sent. */
  entry(entry: object): Readonly<Record<string, Schema.Json>> {
    if ("key" in entry && typeof entry.key === "string") this.#remember(entry.key);
    const json = toJson(entry);
    const shown = this.#options.payloads === "shown" ? json : bySize(json);
    const sent = this.#finished(shown);
    return isRecord(sent) ? sent : {};
  }

  /** A machine's context: references, counts and phases, in which only keys are secret. */
  context(context: { readonly open: object; readonly steps: object }): Schema.Json {
    for (const key of Object.keys(context.open)) this.#remember(key);
    for (const step of Object.values(context.steps)) this.#rememberCall(step);
    return this.#finished(toJson(context));
  }

  #finished(json: Schema.Json): Schema.Json {
    let text = JSON.stringify(json);
    for (const [key, alias] of this.#aliases) text = text.replaceAll(key, alias);
    const named = decodeJson(text);
    return this.#options.redact?.(named) ?? named;
  }

  #rememberCall(step: unknown): void {
    if (typeof step !== "object" || step === null || !("call" in step)) return;
    const { call } = step;
    if (typeof call !== "object" || call === null || !("key" in call)) return;
    if (typeof call.key === "string") this.#remember(call.key);
  }

  /** The name is the same in every process, so that an intent can be found again; it gives nothing away. */
  #remember(key: string): void {
    if (key === "" || this.#aliases.has(key)) return;
    const digest = createHash("sha256").update(key).digest("hex");
    this.#aliases.set(key, `intent-${digest.slice(0, 8)}`);
  }
}

const isRecord = (json: Schema.Json): json is { readonly [key: string]: Schema.Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json);

const bySize = (json: Schema.Json): Schema.Json => {
  if (!isRecord(json)) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      name,
      plainFields.has(name) ? inner(name, value) : sizeOf(value),
    ]),
  );
};

/** What a provider measured has names of its own, and numbers only. */
const inner = (name: string, value: Schema.Json): Schema.Json =>
  name === "metrics" ? value : bySize(value);

const sizeOf = (value: Schema.Json): string =>
  `[${new TextEncoder().encode(JSON.stringify(value)).length} bytes]`;
