/** Catena among the routes of an Effect application, mounted under /api. */
import { Layer } from "effect";
import { HttpRouter, HttpServerResponse } from "effect/http";
import { Catena, type HttpApiOptions, httpRoutes } from "../../src/index.ts";
import { slogans } from "./shop.ts";

const shop = HttpRouter.add("GET", "/", HttpServerResponse.text("the shop"));

/** Serve it with `HttpRouter.serve`, or make a handler of it with `HttpRouter.toWebHandler`. */
export const routes = (keys: NonNullable<HttpApiOptions["keys"]>) =>
  Layer.merge(shop, httpRoutes({ basePath: "/api", keys })).pipe(
    Layer.provide(Catena.layer({ pipelines: [slogans] })),
  );
