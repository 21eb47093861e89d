/**
 * Who calls: the holder of a bearer key, whom the host vouches for, or anybody where the server listens on
 * loopback only and has no keys. What is refused looks the same whatever was wrong with it.
 */
import { Context, Effect, Layer, Redacted } from "effect";
import { HttpServerRequest, type HttpServerResponse } from "effect/http";
import { HttpApiMiddleware, HttpApiSecurity } from "effect/http-api";
import { allScopes, callerOf, isScope, isTenant } from "./api-keys.ts";
import type { Caller, CallerInput } from "./http-options.ts";
import type { HttpSettings } from "./http-settings.ts";
import { Problem } from "./problem.ts";
import { problemResponse } from "./problem-response.ts";

export class CurrentCaller extends Context.Service<CurrentCaller, Caller>()(
  "catena-ai/runtime/http-api/CurrentCaller",
) {}

/** Gives every handler behind it its caller, or answers 401 itself. */
export class Authorized extends HttpApiMiddleware.Service<
  Authorized,
  { provides: CurrentCaller; requires: never }
>()("catena-ai/runtime/http-api/Authorized", {
  security: { bearer: HttpApiSecurity.bearer },
}) {}

/** `loopback`: a server of our own that nobody reaches from another machine. */
export type Access = "keys" | "loopback";

export const authorizedLayer = (settings: HttpSettings, access: Access): Layer.Layer<Authorized> =>
  Layer.succeed(Authorized, {
    bearer: (next, { credential }) =>
      Effect.matchEffect(identify(settings, access, Redacted.value(credential)), {
        onFailure: (problem): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
          Effect.succeed(problemResponse(problem)),
        onSuccess: (caller) => Effect.provideService(next, CurrentCaller, caller),
      }),
  });

const identify = Effect.fnUntraced(function* (
  settings: HttpSettings,
  access: Access,
  secret: string,
): Effect.fn.Return<Caller, Problem, HttpServerRequest.HttpServerRequest> {
  const request = yield* HttpServerRequest.HttpServerRequest;
  if (secret !== "" && settings.keys.length > 0) {
    const holder = callerOf(settings.keys, secret);
    return holder ?? (yield* unauthorized("This key is not known here"));
  }
  if (settings.caller !== undefined) return yield* vouchedFor(settings.caller, request);
  if (settings.keys.length > 0) return yield* unauthorized("Expected Authorization: Bearer <key>");
  if (access === "loopback" && isFromHere(request)) return anybody;
  return yield* unauthorized(noKeys);
});

const noKeys =
  "This service has no keys yet, so that nobody may call it. Make one with newApiKey() and start with" +
  ' http: { keys: [{ id: "me", sha256, scopes: ["submit", "read", "operate"] }] }, or say who calls with http.caller';

const unauthorized = (detail: string): Problem =>
  new Problem({ status: 401, detail, headers: { "www-authenticate": "Bearer" } });

const anybody: Caller = { id: "loopback", scopes: allScopes, tenant: null };

/** A page of another site may make a browser call us; and its name may point to this machine. */
const isFromHere = ({ headers }: HttpServerRequest.HttpServerRequest): boolean => {
  const host = headers["host"] ?? "";
  const { origin } = headers;
  return isLoopback(host) && (origin === undefined || origin === `http://${host}`);
};

const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host);

const vouchedFor = Effect.fnUntraced(function* (
  callerOfRequest: NonNullable<HttpSettings["caller"]>,
  request: HttpServerRequest.HttpServerRequest,
): Effect.fn.Return<Caller, Problem> {
  const web = yield* Effect.orDie(HttpServerRequest.toWeb(request));
  // The body is the API's to read: a check that reads it, too, would leave nothing.
  const asked = new Request(web.url, { method: web.method, headers: web.headers });
  const given: unknown = yield* Effect.tryPromise({
    try: async () => callerOfRequest(asked),
    catch: () => cannotTell,
  });
  if (given === null || given === undefined)
    return yield* unauthorized("Nobody vouches for this call");
  return checkedCaller(given) ?? (yield* cannotTell);
});

const cannotTell = new Problem({
  status: 503,
  detail: "The service cannot tell just now who calls",
  headers: { "retry-after": "5" },
});

const callerFields: ReadonlySet<string> = new Set(
  Object.keys({ id: true, scopes: true, tenant: true } satisfies Record<keyof CallerInput, true>),
);

/** Null for what is no caller; also with a field that no caller has: a misspelt tenant would show everything. */
const checkedCaller = (given: unknown): Caller | null => {
  if (typeof given !== "object" || given === null) return null;
  if (Object.keys(given).some((name) => !callerFields.has(name))) return null;
  const { id, scopes, tenant }: { id?: unknown; scopes?: unknown; tenant?: unknown } = given;
  const isSound =
    typeof id === "string" && id !== "" && Array.isArray(scopes) && scopes.every(isScope);
  if (!isSound) return null;
  if (tenant === undefined || tenant === null) return { id, scopes, tenant: null };
  return isTenant(tenant) ? { id, scopes, tenant } : null;
};
