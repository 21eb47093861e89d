/** Dead letters of every pipeline: searched, counted by cause, gone on with, or left at that. */
import { Effect, Option, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint, HttpApiSchema } from "effect/http-api";
import { LetterUnavailable } from "../dead-letters.ts";
import type { StoreFailure } from "../journal-store.ts";
import { askedIn, askedOf, limitOf, pageOf, pageWords } from "./asking.ts";
import { CauseView, causeView, doneView, LetterView, letterView } from "./letter-view.ts";
import { letterFilterOf, letterWords } from "./letter-search.ts";
import { Problem, wrongField } from "./problem.ts";
import { problemSchemas } from "./problem-response.ts";
import { readJson } from "./request-body.ts";
import type { ApiHost, Incoming, Route } from "./route.ts";

export const letterRoutes = (host: ApiHost): ReadonlyArray<Route> => [
  listRoute(host),
  causesRoute(host),
  redriveRoute(host),
  discardRoute(host),
  redriveAllRoute(host),
  discardAllRoute(host),
];

const text = Schema.optionalKey(Schema.String);
const words = {
  source: text,
  pipeline: text,
  step: text,
  kind: text,
  cause: text,
  from: text,
  to: text,
};
const id = { id: Schema.String };
const noStore = { "cache-control": "no-store" };

const listRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.get("letters", "/dead-letters", {
    query: { ...words, ...pageWords },
    success: Schema.Struct({
      letters: Schema.Array(LetterView),
      next_cursor: Schema.NullOr(Schema.String),
    }),
    error: problemSchemas(400, 401, 403, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ query, caller }) {
    const filter = yield* letterFilterOf(yield* askedIn(query, letterWords), caller);
    const { rows, next_cursor } = yield* pageOf(query, {
      isPlace: (cursor) => isPlace(host, cursor, caller),
      find: (page) => host.engine.letters.list(filter, page),
      idOf: ({ id }) => id,
    });
    const letters = rows.map((letter) => letterView(letter, host.basePath));
    return HttpServerResponse.jsonUnsafe({ letters, next_cursor }, { headers: noStore });
  }),
});

/** A letter that was closed between two pages still has its place. */
const isPlace = Effect.fnUntraced(function* (
  { engine: { store } }: ApiHost,
  id: string,
  { tenant }: Incoming["caller"],
): Effect.fn.Return<boolean, StoreFailure> {
  const notification = Option.getOrNull(yield* store.notification(id));
  if (notification !== null && notification.job === null) return tenant === null;
  const job = Option.getOrNull(yield* store.job(notification?.job?.jobId ?? id));
  return job !== null && (tenant === null || tenant === job.tenant);
});

const causesRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.get("causes", "/dead-letters/causes", {
    query: { ...words, limit: text },
    success: Schema.Struct({ causes: Schema.Array(CauseView) }),
    error: problemSchemas(400, 401, 403, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ query, caller }) {
    const limit = yield* limitOf(query);
    const filter = yield* letterFilterOf(yield* askedIn(query, letterWords), caller);
    const causes = (yield* host.engine.letters.causes(filter, limit)).map(causeView);
    return HttpServerResponse.jsonUnsafe({ causes }, { headers: noStore });
  }),
});

// --- one by one

const redriveRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.post("redrive", "/dead-letters/:id/redrive", {
    params: id,
    query: { fresh: text },
    success: Schema.Struct(id).pipe(HttpApiSchema.status(202)),
    error: problemSchemas(400, 401, 403, 404, 409, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const { caller, query } = incoming;
    const isFresh = yield* freshOf(query.get("fresh") ?? "false");
    const wanted = wantedBy(incoming);
    const redriven = host.engine.letters.redrive(wanted, { by: `api:${caller.id}`, isFresh });
    yield* foundOr409(host, wanted, redriven);
    return HttpServerResponse.jsonUnsafe({ id: wanted.id }, { status: 202, headers: noStore });
  }),
});

const discardRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.post("discard", "/dead-letters/:id/discard", {
    params: id,
    success: Schema.Struct(id),
    error: problemSchemas(401, 403, 404, 429, 503),
  }),
  answer: Effect.fnUntraced(function* (incoming) {
    const wanted = wantedBy(incoming);
    yield* foundOr409(host, wanted, host.engine.letters.discard(wanted));
    return HttpServerResponse.jsonUnsafe({ id: wanted.id }, { headers: noStore });
  }),
});

interface Wanted {
  readonly id: string;
  readonly tenant?: string;
}

const wantedBy = ({ params, caller }: Incoming): Wanted => ({
  id: params["id"] ?? "",
  ...(caller.tenant === null ? {} : { tenant: caller.tenant }),
});

/** A letter that is there but cannot be dealt with is a conflict; one that is not there looks like any other. */
const foundOr409 = (
  { engine }: ApiHost,
  wanted: Wanted,
  dealt: Effect.Effect<void, StoreFailure | LetterUnavailable>,
): Effect.Effect<void, StoreFailure | Problem> =>
  Effect.catchIf(
    dealt,
    (error): error is LetterUnavailable => error instanceof LetterUnavailable,
    ({ message }) =>
      Effect.flatMap(engine.letters.count(wanted), (open) =>
        Effect.fail(
          open > 0
            ? new Problem({ status: 409, detail: message })
            : new Problem({
                status: 404,
                detail: "There is no open dead letter with this id here",
              }),
        ),
      ),
  );

const freshOf = (value: unknown): Effect.Effect<boolean, Problem> => {
  if (value === "true" || value === true) return Effect.succeed(true);
  if (value === "false" || value === false) return Effect.succeed(false);
  return Effect.fail(wrongField(400, "fresh", "Expected true or false"));
};

// --- by the many

const redriveAllRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.post("redriveAll", "/dead-letters/redrive", {
    payload: Schema.Struct({ ...words, fresh: Schema.optionalKey(Schema.Boolean) }),
    success: doneOf("redriven").pipe(HttpApiSchema.status(202)),
    error: problemSchemas(400, 401, 403, 413, 415, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ request, caller }) {
    const body = yield* readJson(request, host.settings.maxBodyBytes);
    const asked = yield* askedOf(body, [...letterWords, "fresh"]);
    const { fresh = false, ...words } = asked;
    // How is not which.
    yield* askedOf(words, letterWords);
    const filter = yield* letterFilterOf(words, caller);
    const isFresh = yield* freshOf(fresh);
    const done = yield* host.engine.letters.redriveAll(filter, { by: `api:${caller.id}`, isFresh });
    return HttpServerResponse.jsonUnsafe(doneView("redriven", done), {
      status: 202,
      headers: noStore,
    });
  }),
});

const discardAllRoute = (host: ApiHost): Route => ({
  scope: "operate",
  endpoint: HttpApiEndpoint.post("discardAll", "/dead-letters/discard", {
    payload: Schema.Struct(words),
    success: doneOf("discarded"),
    error: problemSchemas(400, 401, 403, 413, 415, 429, 503),
  }),
  answer: Effect.fnUntraced(function* ({ request, caller }) {
    const body = yield* readJson(request, host.settings.maxBodyBytes);
    const filter = yield* letterFilterOf(yield* askedOf(body, letterWords), caller);
    const done = yield* host.engine.letters.discardAll(filter);
    return HttpServerResponse.jsonUnsafe(doneView("discarded", done), { headers: noStore });
  }),
});

const doneOf = (verb: "redriven" | "discarded") =>
  Schema.Struct({
    [verb]: Schema.Int,
    skipped: Schema.Int,
    reasons: Schema.Array(Schema.String),
    is_complete: Schema.Boolean,
  });
