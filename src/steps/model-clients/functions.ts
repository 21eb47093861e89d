/**
 * Models that are functions of this process: for tests, and for models of one's own. Predictions live
 * in the client object and pass through the same states as a provider's, so the same object survives a
 * restart of whatever runs on it; with the process they are gone, and `get` says so with a 404.
 */
import { randomUUID } from "node:crypto";
import { Clock, Effect, Exit, Fiber, Latch, Schema, Stream } from "effect";
import type { JsonSchema } from "effect";
import { ProviderFailure, ValidationFailure } from "../failure.ts";
import { followText, GrowingText } from "../growing-text.ts";
import {
  isTerminal,
  SubmitRejected,
  type ModelClient,
  type ModelSchema,
  type Prediction,
  type PredictionStatus,
  type SubmitRequest,
} from "../model-client.ts";
import { checkRequest } from "../model-schema.ts";
import { download } from "./download.ts";

export interface FunctionModel {
  /** JSON Schemas (OpenAPI 3.0 dialect, no references); absent means that nothing is checked. */
  readonly input?: JsonSchema.JsonSchema;
  readonly output?: JsonSchema.JsonSchema;
  /**
   * Answers JSON, a file as a `data:` URI; what it throws is the prediction's error. An async iterable of
   * texts (an async generator, a `textStream`) is one text, shown to listeners as it is written.
   */
  readonly run: (input: Schema.JsonObject, context: { readonly signal: AbortSignal }) => unknown;
}

export interface FunctionsOptions {
  /** Default: `functions`. */
  readonly provider?: string;
  readonly models: Readonly<Record<string, FunctionModel>>;
  /** The id of the nth prediction (1-based). Default: never the same twice, in this process or the next. */
  readonly makeId?: (ordinal: number) => string;
  /** Default: 100 MiB. */
  readonly maxFileBytes?: number;
}

/** Like a provider, ended predictions are forgotten; an hour later than that nobody asks for them. */
const retentionMs = 3_600_000;

interface Held {
  prediction: Prediction;
  /** What a streamed answer has written so far; null once it is over, when it is the output. */
  text: GrowingText | null;
  fiber: Fiber.Fiber<void> | null;
  /** Opened by its end. */
  readonly over: Latch.Latch;
}

interface Shop {
  readonly provider: string;
  readonly held: Map<string, Held>;
  readonly models: Readonly<Record<string, FunctionModel>>;
  readonly nextId: () => string;
}

const client = (options: FunctionsOptions): ModelClient => {
  const { provider = "functions", models } = options;
  const shop: Shop = { provider, held: new Map(), models, nextId: counter(options.makeId) };
  const files = {
    provider,
    fetch: globalThis.fetch,
    isAllowed: () => false,
    maxBytes: options.maxFileBytes ?? 104_857_600,
    timeoutMs: 60_000,
  };
  const described = new Map(
    Object.entries(models).map(([name, model]) => [name, describe(name, model)]),
  );
  return {
    provider,
    canFind: true,
    runsHere: true,
    submit: (request) => submit(shop, described.get(request.model)?.input ?? null, request),
    get: (id) => Effect.map(find(shop, id), ({ prediction }) => prediction),
    ended: (id) => Effect.suspend(() => shop.held.get(id)?.over.await ?? Effect.void),
    cancel: (id) => cancel(shop, id),
    find: (createdAfter) => Effect.sync(() => since(shop, createdAfter)),
    describe: (model) => {
      const description = described.get(model);
      return description === undefined
        ? Effect.fail(unknownModel(provider, model))
        : Effect.succeed(description);
    },
    download: (url) => download(files, url),
    stream: ({ id }) => written(shop, id),
    present: ({ bytes, contentType }) =>
      Effect.sync(() => `data:${contentType};base64,${Buffer.from(bytes).toString("base64")}`),
  };
};

const counter = (makeId: FunctionsOptions["makeId"]): (() => string) => {
  const prefix = randomUUID();
  let ordinal = 0;
  return () => {
    ordinal += 1;
    return makeId === undefined ? `${prefix}-${ordinal}` : makeId(ordinal);
  };
};

const describe = (model: string, { input, output }: FunctionModel) => ({
  model,
  version: null,
  input: alone(input),
  output: alone(output),
});

const alone = (schema: JsonSchema.JsonSchema | undefined): ModelSchema | null =>
  schema === undefined ? null : { schema, definitions: {} };

/** For certain: nothing that a process held comes back. */
const notFound = (provider: string, detail: string): ProviderFailure =>
  new ProviderFailure({ provider, reason: "BadResponse", detail, status: 404, isPermanent: true });

const unknownModel = (provider: string, model: string): ProviderFailure =>
  notFound(provider, `there is no model ${model}`);

const find = ({ provider, held }: Shop, id: string): Effect.Effect<Held, ProviderFailure> => {
  const found = held.get(id);
  return found === undefined
    ? Effect.fail(notFound(provider, `there is no prediction ${id}`))
    : Effect.succeed(found);
};

const written = ({ held }: Shop, id: string): Stream.Stream<string> =>
  Stream.suspend(() => {
    const text = held.get(id)?.text ?? null;
    return text === null ? Stream.empty : Stream.map(followText(text), (part) => part.text);
  });

const since = ({ held }: Shop, createdAfter: number): ReadonlyArray<Prediction> =>
  [...held.values()]
    .map(({ prediction }) => prediction)
    .filter(({ createdAt }) => createdAt !== null && createdAt >= createdAfter)
    .toReversed();

const submit = Effect.fnUntraced(function* (
  shop: Shop,
  input: ModelSchema | null,
  request: SubmitRequest,
) {
  const model = shop.models[request.model];
  if (model === undefined) {
    const failure = unknownModel(shop.provider, request.model);
    return yield* new SubmitRejected({ failure });
  }
  const check = checkRequest(input, request.input);
  if (check._tag === "Checked" && check.issues.length > 0) {
    const failure = new ValidationFailure({ at: "request", issues: check.issues });
    return yield* new SubmitRejected({ failure });
  }
  const now = yield* Clock.currentTimeMillis;
  forgetOld(shop, now);
  const created = withRaw(starting(shop.nextId(), request, now));
  const over = Latch.makeUnsafe(false);
  const entry: Held = { prediction: created, text: new GrowingText(), fiber: null, over };
  shop.held.set(created.id, entry);
  // Detached: what was submitted runs on when the submitter goes, as it would at a provider.
  entry.fiber = yield* Effect.forkDetach(perform(entry, model, request));
  return created;
});

const forgetOld = ({ held }: Shop, now: number): void => {
  for (const [id, { prediction }] of held) {
    if (prediction.completedAt !== null && prediction.completedAt + retentionMs < now)
      held.delete(id);
  }
};

type Shown = Omit<Prediction, "raw">;

const starting = (id: string, { input, key }: SubmitRequest, createdAt: number): Shown => ({
  id,
  status: "starting",
  output: null,
  error: null,
  input,
  key,
  source: "api",
  createdAt,
  startedAt: null,
  completedAt: null,
  metrics: {},
  isDataRemoved: false,
});

const withRaw = ({ ...shown }: Shown): Prediction => ({
  ...shown,
  raw: { ...shown, metrics: { ...shown.metrics } },
});

const change = (entry: Held, changes: Partial<Shown>): void => {
  const { raw: _, ...shown } = entry.prediction;
  entry.prediction = withRaw({ ...shown, ...changes });
};

const endText = (entry: Held): void => {
  entry.text?.end();
  entry.text = null;
};

const perform = (entry: Held, model: FunctionModel, { input, cancelAfterMs }: SubmitRequest) =>
  Effect.gen(function* () {
    change(entry, { status: "processing", startedAt: yield* Clock.currentTimeMillis });
    const answer: unknown = yield* Effect.tryPromise({
      try: async (signal) => {
        const returned = await model.run(structuredClone(input), { signal });
        return isAsyncIterable(returned) ? wholeText(returned, entry, signal) : returned;
      },
      catch: (error) => (error instanceof Error ? error.message : String(error)),
    });
    return yield* Effect.mapError(asJson(answer ?? null), () => "the model's answer is not JSON");
  }).pipe(
    Effect.timeoutOrElse({ duration: cancelAfterMs, orElse: () => Effect.interrupt }),
    Effect.onExit((exit) => end(entry, exit)),
    Effect.ignore,
  );

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** Whoever is asked for more after the end is told so, as `for await` does it. */
const wholeText = async (
  parts: AsyncIterable<unknown>,
  { text }: Held,
  signal: AbortSignal,
): Promise<string> => {
  let whole = "";
  for await (const part of parts) {
    signal.throwIfAborted();
    if (typeof part !== "string")
      throw new TypeError(
        `expected the parts of a streamed answer to be texts, got ${typeof part}`,
      );
    whole += part;
    text?.append(part);
  }
  return whole;
};

const asJson = Schema.decodeUnknownEffect(Schema.Json);

const end = Effect.fnUntraced(function* (entry: Held, exit: Exit.Exit<Schema.Json, string>) {
  endText(entry);
  if (isTerminal(entry.prediction.status)) return;
  const completedAt = yield* Clock.currentTimeMillis;
  const { startedAt } = entry.prediction;
  const metrics = { predict_time: (completedAt - (startedAt ?? completedAt)) / 1_000 };
  change(entry, { ...outcome(exit), completedAt, metrics });
  entry.over.openUnsafe();
});

const outcome = (exit: Exit.Exit<Schema.Json, string>): Partial<Shown> => {
  if (Exit.isSuccess(exit)) return { status: "succeeded", output: exit.value };
  const failed = exit.cause.reasons.find((reason) => reason._tag === "Fail");
  const status: PredictionStatus = failed === undefined ? "canceled" : "failed";
  return { status, error: failed?.error ?? null };
};

const cancel = Effect.fnUntraced(function* (shop: Shop, id: string) {
  const entry = yield* find(shop, id);
  if (entry.fiber !== null && !isTerminal(entry.prediction.status))
    yield* Fiber.interrupt(entry.fiber);
  if (!isTerminal(entry.prediction.status)) {
    // It had not begun: nothing ran, so nothing observed its end.
    endText(entry);
    change(entry, { status: "aborted", completedAt: yield* Clock.currentTimeMillis });
    entry.over.openUnsafe();
  }
  return entry.prediction;
});

export const Functions = {
  /** A client whose models are the given functions. */
  client,
} as const;
