/** Where the HTTP API plugs in: what `catena serve` and `catena dev` start beside the service. */
import type { Effect, Scope } from "effect";
import type { Trouble } from "./ending.ts";
import type { RunningService } from "./job-service.ts";
import type { Settings } from "./settings.ts";

/** Listens for as long as the scope lives; answers the address. Fails with: Trouble where it cannot listen. */
export type ServeHttp = (
  service: RunningService,
  settings: Settings,
) => Effect.Effect<string, Trouble, Scope.Scope>;

/** Null: this version has none, and the commands say so. */
export const serveHttp: ServeHttp | null = null;
