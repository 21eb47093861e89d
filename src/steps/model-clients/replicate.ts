/**
 * Models at Replicate, or at a server that speaks its API, over the official client: asynchronous
 * creates with a deadline, one request a call, every answer decoded, the token in no error.
 */
import { Clock, Effect, Option, Redacted, Result, Schema } from "effect";
import { ProviderFailure } from "../failure.ts";
import {
  SubmitRejected,
  SubmitUnknown,
  type ModelClient,
  type ModelDescription,
  type Prediction,
  type SubmitRequest,
} from "../model-client.ts";
import { download } from "./download.ts";
import { badResponse, failureOfReply, submitFailure } from "./replicate-errors.ts";
import { makeSendRequest, type Reply, type SendRequest } from "./replicate-fetch.ts";
import { listPredictions } from "./replicate-listing.ts";
import {
  createRoute,
  describeRoute,
  parseModelName,
  readDescription,
  unknownDescription,
  type ModelName,
} from "./replicate-models.ts";
import { intentParameter, jsonOf, readPrediction } from "./replicate-prediction.ts";
import { streamText } from "./replicate-stream.ts";
import { makePresent } from "./replicate-uploads.ts";

export interface ReplicateOptions {
  /** Refused when empty: the official client would take one from the environment. */
  readonly token: string | Redacted.Redacted;
  /** Default: `https://api.replicate.com/v1`. */
  readonly baseUrl?: string;
  /** Where the provider reports an ended prediction; the intent's key is added to its query. */
  readonly webhook?: string;
  /** Hosts (`cdn.example.com`, `127.0.0.1:4000`, `*.example.com`) beside `replicate.delivery` to fetch files from. */
  readonly downloadHosts?: ReadonlyArray<string>;
  /** Files may also come from the origin of `baseUrl`, as a compatible server has them. Default: false. */
  readonly allowOwnOriginDownloads?: boolean;
  /** Files may come over plain http, still only from the hosts above. Default: false. */
  readonly allowInsecureDownloads?: boolean;
  /** The name in receipts and the ledger. Default: `replicate`. */
  readonly provider?: string;
  /** Default: the global fetch. */
  readonly fetch?: typeof globalThis.fetch;
  /** Default: 100 MiB. */
  readonly maxFileBytes?: number;
  /** Of one answer of the API; what is longer counts as no answer. Default: 128 MiB. */
  readonly maxAnswerBytes?: number;
  /** For one API request, answer included. Default: 30 s. */
  readonly requestTimeoutMs?: number;
  /** For one file, up or down. Default: 5 minutes. */
  readonly transferTimeoutMs?: number;
  /** Requests a minute beside creates; Replicate takes 3,000 of an account. Default: 2,400. */
  readonly looksPerMinute?: number;
}

export interface ReplicateClient extends ModelClient {
  /** The same client, some of its options changed. */
  readonly with: (changed: Partial<ReplicateOptions>) => ReplicateClient;
}

const mebibyte = 1_048_576;
const defaultBaseUrl = "https://api.replicate.com/v1";
const deliveryHosts = ["replicate.delivery", "*.replicate.delivery"];
const streamHosts = ["replicate.com", "*.replicate.com"];

/** Models change their schemas; five minutes spare a look-up per step and notice a change soon enough. */
const descriptionTtlMs = 300_000;

/** Leaves an account room for other users of its token, and for bursts. */
const defaultLooksPerMinute = 2_400;

/** Input, output and files of an ended prediction are removed after an hour. */
const keepsMs = 3_600_000;

/** Replicate takes no deadline under this. */
const minCancelAfterSeconds = 5;

interface Api {
  readonly provider: string;
  readonly send: SendRequest;
}

const optionNames = Object.keys({
  token: true,
  baseUrl: true,
  webhook: true,
  downloadHosts: true,
  allowOwnOriginDownloads: true,
  allowInsecureDownloads: true,
  provider: true,
  fetch: true,
  maxFileBytes: true,
  maxAnswerBytes: true,
  requestTimeoutMs: true,
  transferTimeoutMs: true,
  looksPerMinute: true,
} satisfies Record<keyof ReplicateOptions, true>);

/** Throws a TypeError at once for an option that does not exist, an empty token, a base URL, webhook or rate that is none. */
const client = (options: ReplicateOptions): ReplicateClient => {
  refuseStrangers(options);
  const { provider = "replicate", webhook, fetch = globalThis.fetch } = options;
  const baseUrl = validUrl("baseUrl", options.baseUrl ?? defaultBaseUrl).href;
  if (webhook !== undefined) validUrl("webhook", webhook);
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  const token = validToken(options.token);
  const maxAnswerBytes = options.maxAnswerBytes ?? 128 * mebibyte;
  const send = makeSendRequest({ token, baseUrl, fetch, requestTimeoutMs, maxAnswerBytes });
  const api: Api = { provider, send };
  const timeoutMs = options.transferTimeoutMs ?? 300_000;
  const downloadRules = {
    provider,
    fetch,
    isAllowed: downloadFilter(options, baseUrl),
    maxBytes: options.maxFileBytes ?? 100 * mebibyte,
    timeoutMs,
  };
  const get = (id: string) => predictionAt(api, id, "GET");
  const describe = makeDescribe(api);
  const isAllowed = streamFilter(baseUrl);
  const streaming = { get, describe, fetch, isAllowed, timeoutMs: requestTimeoutMs };
  return {
    provider,
    canFind: true,
    limits: { looksPerMinute: validRate(options.looksPerMinute ?? defaultLooksPerMinute), keepsMs },
    submit: (request) => submit(api, request, webhook),
    get,
    cancel: (id) => predictionAt(api, id, "POST"),
    find: (createdAfter, createdBefore) =>
      listPredictions({ provider, baseUrl, send }, { createdAfter, createdBefore }),
    describe,
    download: (url) => download(downloadRules, url),
    stream: (prediction) => streamText(streaming, prediction),
    present: makePresent({ provider, send, timeoutMs }),
    with: (changed) => client({ ...options, ...changed }),
    webhookSecret: Effect.suspend(() => webhookSecret(api)),
  };
};

/** The name alone is said: the value of a misspelt token is a secret. */
const refuseStrangers = (options: object): void => {
  const stranger = Object.keys(options).find((name) => !optionNames.includes(name));
  if (stranger !== undefined)
    throw new TypeError(
      `Replicate.client: expected nothing but ${optionNames.join(", ")}, got ${JSON.stringify(stranger)}`,
    );
};

const validToken = (token: unknown): Redacted.Redacted => {
  const text: unknown = Redacted.isRedacted(token) ? Redacted.value(token) : token;
  if (typeof text === "string" && text.trim() !== "") return Redacted.make(text);
  const got = typeof text === "string" ? "an empty one" : typeof text;
  throw new TypeError(`Replicate.client: expected token to be a text or Redacted, got ${got}`);
};

const validUrl = (name: string, text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError(`${name} must be an http or https URL`);
  // Credentials in a URL would stand in every message about it.
  if (url.username !== "" || url.password !== "")
    throw new TypeError(`${name} must not hold credentials`);
  return url;
};

const validRate = (looksPerMinute: number): number => {
  if (Number.isFinite(looksPerMinute) && looksPerMinute >= 1) return looksPerMinute;
  throw new TypeError("looksPerMinute must be a number from 1 on");
};

const hostMatches = (url: URL, allowed: string): boolean => {
  const host = allowed.toLowerCase();
  if (host.startsWith("*.")) return url.hostname.endsWith(host.slice(1)) && url.port === "";
  return url.host === host;
};

const downloadFilter = (options: ReplicateOptions, baseUrl: string) => {
  const hosts = [...deliveryHosts, ...(options.downloadHosts ?? [])];
  const ownOrigin = options.allowOwnOriginDownloads === true ? new URL(baseUrl).origin : null;
  const schemes = options.allowInsecureDownloads === true ? ["https:", "http:"] : ["https:"];
  return (url: URL): boolean => {
    if (url.username !== "" || url.password !== "") return false;
    if (url.origin === ownOrigin) return true;
    return schemes.includes(url.protocol) && hosts.some((host) => hostMatches(url, host));
  };
};

/** The provider's own hosts over https, or wherever its API is. */
const streamFilter = (baseUrl: string) => {
  const { origin } = new URL(baseUrl);
  return (url: URL): boolean => {
    if (url.username !== "" || url.password !== "") return false;
    const isOwn = streamHosts.some((host) => hostMatches(url, host));
    return url.origin === origin || (url.protocol === "https:" && isOwn);
  };
};

const submit = Effect.fnUntraced(function* (
  api: Api,
  request: SubmitRequest,
  webhook: string | undefined,
) {
  const name = parseModelName(request.model);
  if (Option.isNone(name))
    return yield* new SubmitRejected({ failure: notAModel(api.provider, request.model) });
  const reply = yield* api.send(createRoute(name.value), {
    method: "POST",
    headers: { "Cancel-After": cancelAfter(request.cancelAfterMs) },
    data: {
      ...(name.value.version === null ? {} : { version: name.value.version }),
      input: request.input,
      ...webhookFields(webhook ?? request.webhook, request.key),
    },
  });
  if (!isSuccess(reply)) {
    return yield* submitFailure(reply, {
      provider: api.provider,
      now: yield* Clock.currentTimeMillis,
    });
  }
  const prediction = predictionIn(reply.body);
  return Result.isSuccess(prediction)
    ? prediction.success
    : yield* new SubmitUnknown({ detail: `HTTP ${reply.status}: ${prediction.failure}` });
});

const cancelAfter = (ms: number): string =>
  `${Math.max(minCancelAfterSeconds, Math.ceil(ms / 1_000))}s`;

const webhookFields = (webhook: string | undefined, key: string) => {
  if (webhook === undefined) return {};
  const url = new URL(webhook);
  url.searchParams.set(intentParameter, key);
  return { webhook: url.href, webhook_events_filter: ["start", "completed"] };
};

const notAModel = (provider: string, model: string): ProviderFailure =>
  new ProviderFailure({
    provider,
    reason: "BadResponse",
    detail: `expected owner/name, owner/name:version or a version id, got ${model}`,
    isPermanent: true,
  });

type Success = Extract<Reply, { readonly kind: "answer" }>;

const isSuccess = (reply: Reply): reply is Success =>
  reply.kind === "answer" && reply.status >= 200 && reply.status < 300;

const predictionIn = (body: string): Result.Result<Prediction, string> =>
  Option.match(jsonOf(body), {
    onNone: () => Result.fail("expected a prediction, got no JSON"),
    onSome: readPrediction,
  });

/** The body of a success, or the failure the reply stands for. */
const bodyOf = Effect.fnUntraced(function* (provider: string, reply: Reply) {
  if (isSuccess(reply)) return reply.body;
  return yield* failureOfReply(reply, { provider, now: yield* Clock.currentTimeMillis });
});

/** Looks at it, or asks for its end. */
const predictionAt = Effect.fnUntraced(function* (api: Api, id: string, method: "GET" | "POST") {
  const route = `/predictions/${encodeURIComponent(id)}${method === "POST" ? "/cancel" : ""}`;
  const prediction = predictionIn(yield* bodyOf(api.provider, yield* api.send(route, { method })));
  if (Result.isFailure(prediction)) return yield* badResponse(api.provider, prediction.failure);
  const { success } = prediction;
  // A cache or a proxy between us may mix answers up; this one would be taken for what was paid.
  if (success.id === id) return success;
  return yield* badResponse(api.provider, `expected the prediction ${id}, got ${success.id}`);
});

const readSecret = Schema.decodeUnknownOption(Schema.Struct({ key: Schema.NonEmptyString }));

const webhookSecret = Effect.fnUntraced(function* (api: Api) {
  const reply = yield* api.send("/webhooks/default/secret", {});
  const secret = Option.flatMap(jsonOf(yield* bodyOf(api.provider, reply)), readSecret);
  return Option.isSome(secret)
    ? Redacted.make(secret.value.key)
    : yield* badResponse(api.provider, "expected a webhook secret");
});

const makeDescribe = (api: Api) => {
  const known = new Map<
    string,
    { readonly description: ModelDescription; readonly until: number }
  >();
  return Effect.fnUntraced(function* (model: string) {
    const now = yield* Clock.currentTimeMillis;
    const cached = known.get(model);
    if (cached !== undefined && cached.until > now) return cached.description;
    const name = parseModelName(model);
    if (Option.isNone(name)) return yield* notAModel(api.provider, model);
    const description = yield* fetchDescription(api, model, name.value);
    known.set(model, { description, until: now + descriptionTtlMs });
    return description;
  });
};

const fetchDescription = Effect.fnUntraced(function* (api: Api, model: string, name: ModelName) {
  const route = describeRoute(name);
  if (route === null) return unknownDescription(model, name.version);
  const reply = yield* api.send(route, {});
  if (reply.kind === "answer" && reply.status === 404) return yield* noModel(api.provider, model);
  const body = jsonOf(yield* bodyOf(api.provider, reply));
  const description = Option.flatMap(body, (json: Schema.Json) =>
    readDescription(model, name, json),
  );
  return Option.isSome(description)
    ? description.value
    : yield* badResponse(api.provider, `expected the model ${model}`);
});

const noModel = (provider: string, model: string): ProviderFailure =>
  new ProviderFailure({
    provider,
    reason: "BadResponse",
    detail: `there is no model ${model}`,
    status: 404,
    isPermanent: true,
  });

export const Replicate = {
  /** A client of Replicate's API; makes no request by itself. */
  client,
} as const;
