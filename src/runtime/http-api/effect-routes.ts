/** The API as routes of a host's own Effect router. */
import { Effect, type Layer } from "effect";
import { HttpEffect, HttpRouter } from "effect/http";
import { CatenaService } from "../catena-service.ts";
import type { HttpApiOptions } from "./http-options.ts";
import { httpSettings } from "./http-settings.ts";
import { makeWebApi } from "./web-api.ts";

/**
 * Adds every address of the API under `basePath` (or the path of `publicUrl`) to the router. Throws StartError
 * for an option that cannot be.
 */
export const httpRoutes = (
  options?: HttpApiOptions,
): Layer.Layer<never, never, CatenaService | HttpRouter.HttpRouter> =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const service = yield* CatenaService;
      const names = [...service.engine.deployed.values()].map(({ plan }) => plan.name);
      const settings = httpSettings(options, names);
      const fetch = yield* makeWebApi(service, settings, "keys");
      yield* router.add(
        "*",
        `${settings.basePath}/*`,
        Effect.orDie(HttpEffect.fromWebHandler(fetch)),
      );
    }),
  );
