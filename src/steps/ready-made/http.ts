/**
 * One HTTP request as a step: sent under the step's own key, so that a service that honours the key does
 * what is asked once, however often an answer is lost or a process dies.
 */
import { Clock, Effect, Result, Schema } from "effect";
import { AssetStore } from "../asset-store.ts";
import { ValidationFailure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import { checkMediaType, normaliseMediaType } from "../media-type.ts";
import { issuesOf } from "../schema-issues.ts";
import { type AnySchema, type DeclaredFailure, Step } from "../step.ts";
import { type Answered, exchange } from "./http-exchange.ts";
import {
  type Asked,
  bodyFailure,
  lostFailure,
  statusFailure,
  unreadableFailure,
} from "./http-failure.ts";
import { httpRequest, methods, type RequestOptions } from "./http-request.ts";
import { isFile, isText, schemaOr } from "./picked.ts";
import { effectSettingNames, effectSettings, type EffectSettings } from "./effect-settings.ts";

/** What a step without a response schema answers. */
export const HttpDone = Schema.Struct({ status: Schema.Int });
export type HttpDone = typeof HttpDone.Type;

/** Timeout: 30 seconds an attempt by default. */
export interface HttpOptions<I, O> extends RequestOptions<I>, EffectSettings {
  /** Text for string schemas, a file for assets (checked and kept in the asset store), JSON for everything else. Default: the status alone. */
  readonly response?: AnySchema<O>;
  /** The longest body that is taken. Default: 10 MiB, 100 MiB where a file is wanted. */
  readonly maxBytes?: number;
}

const mebibyte = 1_048_576;

const optionNames = Object.keys({
  ...effectSettingNames,
  input: true,
  method: true,
  url: true,
  headers: true,
  body: true,
  keyHeader: true,
  response: true,
  maxBytes: true,
} satisfies Record<keyof HttpOptions<unknown, unknown>, true>);

/**
 * A step that sends a request. Answers 429, 408, 409, 425 and 5xx and lost answers may pass and are asked
 * again under the same key; where the step may not run again, lost answers and 5xx rest as OutcomeUnknown
 * instead. Fails with: ProviderFailure by status, ValidationFailure for what the other side refuses to
 * read (400, 413, 415, 422, …), for a URL that is none, and for a response that does not decode.
 */
export const http = <const Name extends string, I, O = HttpDone>(
  name: Name,
  options: HttpOptions<I, O>,
): Step<Name, I, O, DeclaredFailure<"provider">, AssetStore> => {
  refuseUnknownOptions(name, options, optionNames);
  const response = schemaOr(options.response, HttpDone);
  const wanted = options.response;
  const wantsFile = wanted !== undefined && isFile(wanted);
  const { maxBytes = (wantsFile ? 100 : 10) * mebibyte } = options;
  const accept = wantsFile ? "*/*" : "application/json, */*;q=0.5";
  refuseOptions(name, { ...options, maxBytes });
  return Step.make(name, {
    ...effectSettings({ timeout: "30 seconds", ...options }),
    input: options.input,
    output: response,
    fails: ["provider"],
    run: Effect.fnUntraced(function* (input, { key }) {
      const request = yield* httpRequest(options, input, { key, accept });
      const reply = yield* exchange(request, maxBytes);
      const now = yield* Clock.currentTimeMillis;
      const asked: Asked = { request, isRepeatable: options.isRepeatable ?? true, now };
      if (reply.kind === "lost") return yield* lostFailure(asked, reply);
      if (reply.status < 200 || reply.status > 299) return yield* statusFailure(asked, reply);
      const read =
        wanted === undefined ? { status: reply.status } : yield* readResponse(asked, reply, wanted);
      return yield* decodeResponse(asked, response, read);
    }),
  });
};

/** Plain JavaScript has no types to keep it from these. Throws a TypeError that names the option. */
const refuseOptions = (
  name: string,
  {
    method = "POST",
    maxBytes,
    body,
  }: Pick<HttpOptions<never, never>, "method" | "maxBytes" | "body">,
): void => {
  const refuse = (what: string): never => {
    throw new TypeError(`step "${name}": expected ${what}`);
  };
  if (!methods.includes(method)) refuse(`method to be one of ${methods.join(", ")}, got ${method}`);
  if (method === "GET" && body !== undefined) refuse("no body, as it is a GET");
  if (!(Number(maxBytes) > 0)) refuse(`maxBytes to be a number above 0, got ${maxBytes}`);
};

const readResponse = Effect.fnUntraced(function* (
  asked: Asked,
  { status, headers, body }: Answered,
  wanted: AnySchema<unknown>,
) {
  if (Result.isFailure(body)) return yield* bodyFailure(asked, status, body.failure);
  const bytes = body.success;
  const contentType = headers.get("content-type");
  if (isFile(wanted)) return yield* keepFile(asked, status, { bytes, contentType });
  const text = Buffer.from(bytes).toString("utf8");
  if (isText(wanted) && !isJsonType(contentType)) return text;
  // No content is no value, which a schema may well allow.
  if (text.trim() === "") return null;
  return yield* Effect.mapError(decodeJson(text), () =>
    unreadableFailure(asked, status, "its body is no JSON"),
  );
});

const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json));

const isJsonType = (header: string | null): boolean => /[/+]json$/.test(normaliseMediaType(header));

const keepFile = Effect.fnUntraced(function* (
  asked: Asked,
  status: number,
  { bytes, contentType }: { readonly bytes: Uint8Array; readonly contentType: string | null },
) {
  if (bytes.length === 0) return yield* unreadableFailure(asked, status, "the file is empty");
  const checked = checkMediaType(contentType, bytes);
  if (Result.isFailure(checked)) return yield* unreadableFailure(asked, status, checked.failure);
  const assets = yield* AssetStore;
  return yield* Effect.orDie(assets.put({ bytes, contentType: checked.success }));
});

const decodeResponse = <O>(
  { request }: Asked,
  response: AnySchema<O>,
  read: unknown,
): Effect.Effect<O, ValidationFailure> =>
  Schema.decodeUnknownEffect(Schema.toCodecJson(response), { errors: "all" })(read).pipe(
    Effect.mapError(({ issue }) => {
      const issues = issuesOf(issue).map(({ path, message }) => ({
        path,
        message: request.conceal(message),
      }));
      return new ValidationFailure({ at: "output", issues });
    }),
  );
