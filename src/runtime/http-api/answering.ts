/** What stands between a request and a route's answer: scope, rate, and one place where trouble gets its words. */
import { Cause, Clock, Effect } from "effect";
import { HttpServerRequest, type HttpServerResponse } from "effect/http";
import { CatenaStopped } from "../outcome.ts";
import type { Caller } from "./http-options.ts";
import { CurrentCaller } from "./authorized.ts";
import { CallerRates } from "./caller-rates.ts";
import { Problem, unavailable } from "./problem.ts";
import { problemResponse } from "./problem-response.ts";
import type { Route } from "./route.ts";

type Response = HttpServerResponse.HttpServerResponse;

/** A request as the router gives it. */
export interface Routed {
  readonly request: HttpServerRequest.HttpServerRequest;
  readonly params?: Readonly<Record<string, string>>;
}

export type Limit = (caller: Caller) => Effect.Effect<void, Problem>;

/** As many requests of each caller as `requestsPerMinute` says. */
export const makeLimit = (requestsPerMinute: number): Limit => {
  const rates = new CallerRates(requestsPerMinute);
  return (caller) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const waitMs = rates.take(caller, now);
      return waitMs === 0 ? Effect.void : Effect.fail(tooMany(waitMs));
    });
};

const tooMany = (waitMs: number): Problem =>
  new Problem({
    status: 429,
    detail: "This key has asked too often",
    headers: { "retry-after": String(Math.max(1, Math.ceil(waitMs / 1_000))) },
  });

/** The route's answer as a response, whatever comes of it. */
export const answering =
  ({ scope, answer }: Route, limit: Limit) =>
  ({ request, params = {} }: Routed): Effect.Effect<Response, never, CurrentCaller> =>
    Effect.gen(function* () {
      const caller = yield* CurrentCaller;
      yield* limit(caller);
      if (!caller.scopes.includes(scope)) return yield* forbidden(scope);
      const query = new URL(request.url, "http://localhost").searchParams;
      return yield* answer({ request, params, query, caller });
    }).pipe(Effect.catchCause(responseOf));

const forbidden = (scope: string): Problem =>
  new Problem({ status: 403, detail: `This key does not have the scope ${scope}` });

/** What went wrong inside is for the log; a caller gets words that are safe. */
export const responseOf = (cause: Cause.Cause<unknown>): Effect.Effect<Response> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt;
  for (const reason of cause.reasons) {
    if (reason._tag === "Fail")
      return reason.error instanceof Problem
        ? Effect.succeed(problemResponse(reason.error))
        : Effect.succeed(problemResponse(unavailable()));
    if (reason._tag === "Die" && reason.defect instanceof CatenaStopped)
      return Effect.succeed(problemResponse(unavailable()));
  }
  const detail = "Something here is broken; the service's log says what";
  return Effect.as(
    Effect.logError("an HTTP request met a bug", cause),
    problemResponse(new Problem({ status: 500, detail })),
  );
};
