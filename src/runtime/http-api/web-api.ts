/**
 * The API as one function from Request to Response: the routes described to effect/http-api, which brings
 * the router, the OpenAPI document and the reference page. The only file that puts those modules together.
 */
import { Effect, Latch, Layer, type Scope } from "effect";
import { HttpRouter, HttpServer, type HttpServerResponse } from "effect/http";
import { HttpApi, HttpApiBuilder, HttpApiGroup, HttpApiScalar, OpenApi } from "effect/http-api";
import type { CatenaService } from "../catena-service.ts";
import { answering, type Limit, makeLimit, type Routed } from "./answering.ts";
import { type Access, Authorized, authorizedLayer, type CurrentCaller } from "./authorized.ts";
import { healthRoutes } from "./health-routes.ts";
import type { HttpSettings } from "./http-settings.ts";
import { withLastAnswers } from "./last-answers.ts";
import { notFound } from "./problem.ts";
import { problemResponse } from "./problem-response.ts";
import type { ApiHost } from "./route.ts";
import { type RouteGroup, routeGroups } from "./route-groups.ts";
import { RequestErrors, requestErrorsLayer } from "./schema-errors.ts";
import { webhookRoute } from "./webhook-route.ts";
import { guarded } from "./web-guard.ts";

export type Fetch = (request: Request) => Promise<Response>;

/** The API of a running service, for as long as the scope lives; streams end before it closes. */
export const makeWebApi = Effect.fnUntraced(function* (
  service: CatenaService["Service"],
  settings: HttpSettings,
  access: Access,
): Effect.fn.Return<Fetch, never, Scope.Scope> {
  const closed = Latch.makeUnsafe(false);
  const host: ApiHost = {
    service,
    settings,
    engine: service.engine,
    basePath: settings.basePath,
    assetBase: settings.publicUrl ?? settings.basePath,
    closing: closed.await,
  };
  const app = appLayer(host, access).pipe(Layer.provide(HttpServer.layerServices));
  const { handler, dispose } = HttpRouter.toWebHandler(app, { disableLogger: true });
  const { answer, close } = withLastAnswers((request) => handler(request));
  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      Effect.sync(() => closed.openUnsafe()),
      Effect.ensuring(Effect.promise(dispose), Effect.sync(close)),
    ),
  );
  return guarded(settings, answer);
});

const appLayer = (host: ApiHost, access: Access) => {
  const { hasDocs, requestsPerMinute } = host.settings;
  const groups = routeGroups(host);
  const api = apiOf(groups, host.basePath);
  const limit = makeLimit(requestsPerMinute);
  const handlers = Layer.mergeAll(
    Layer.empty,
    ...groups.map((group) => handlersOf(api, group, limit)),
  ).pipe(Layer.provide([authorizedLayer(host.settings, access), requestErrorsLayer]));
  const routes = HttpApiBuilder.layer(api, hasDocs ? { openapiPath: "/openapi.json" } : {});
  const reference = hasDocs ? HttpApiScalar.layer(api, { path: "/docs" }) : Layer.empty;
  return Layer.mergeAll(
    Layer.provide(routes, handlers),
    reference,
    healthRoutes(host),
    webhookRoute(host),
    nothingElse,
  );
};

/** Not for HEAD: the router asks the routes of GET for it, and leaves out the body. */
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

const nothingElse = HttpRouter.addAll(
  methods.map((method) =>
    HttpRouter.route(method, "/*", Effect.succeed(problemResponse(notFound("address")))),
  ),
);

type Api = HttpApi.HttpApi<"catena", HttpApiGroup.Constraint>;

const apiOf = (groups: ReadonlyArray<RouteGroup>, basePath: string): Api => {
  const none = HttpApi.make("catena")
    .annotate(OpenApi.Title, "Catena")
    .annotate(OpenApi.Servers, [{ url: basePath === "" ? "/" : basePath }]);
  // Which groups there are is known at run time only.
  let api = none as unknown as Api;
  for (const { title, description, routes } of groups) {
    const [first, ...others] = routes.map(({ endpoint }) => endpoint);
    if (first === undefined) continue;
    const group = HttpApiGroup.make(title).add(first, ...others);
    const guardedGroup = group.middleware(Authorized).middleware(RequestErrors);
    api = api.add(guardedGroup.annotate(OpenApi.Description, description));
  }
  return api;
};

/** What is used of the builder's handlers: which endpoints there are is known at run time only. */
interface RawHandlers {
  handleRaw(
    identifier: string,
    handler: (
      routed: Routed,
    ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, CurrentCaller>,
  ): unknown;
}

const handlersOf = (api: Api, { title, routes }: RouteGroup, limit: Limit) =>
  HttpApiBuilder.group(api, title, (handlers) => {
    // The types of the endpoints were forgotten where pipelines became a list.
    const raw = handlers as unknown as RawHandlers;
    for (const route of routes) raw.handleRaw(route.endpoint.identifier, answering(route, limit));
    // All are handled, which the compiler could only count if it knew them.
    return handlers as never;
  });
