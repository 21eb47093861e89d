/** The API as routes of a host's own Effect router. */
import { Effect, Layer } from "effect";
import type { HttpRouter } from "effect/http";
import { CatenaService } from "../catena-service.ts";
import type { HttpApiOptions } from "./http-options.ts";
import { httpSettings } from "./http-settings.ts";

/**
 * Adds every address of the API under `basePath` (or the path of `publicUrl`) to the router. Throws StartError
 * for an option that cannot be.
 */
export const httpRoutes = (
  options?: HttpApiOptions,
): Layer.Layer<never, never, CatenaService | HttpRouter.HttpRouter> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const service = yield* CatenaService;
      const names = [...service.engine.deployed.values()].map(({ plan }) => plan.name);
      const settings = httpSettings(options, names);
      // Loaded here, so that who only imports the package does not pay for it.
      const { HttpEffect, HttpRouter } = yield* Effect.promise(() => import("effect/http"));
      const { makeWebApi } = yield* Effect.promise(() => import("./web-api.ts"));
      return HttpRouter.use((router) =>
        Effect.flatMap(makeWebApi(service, settings, "keys"), (fetch) =>
          router.add("*", `${settings.basePath}/*`, Effect.orDie(HttpEffect.fromWebHandler(fetch))),
        ),
      );
    }),
  );
