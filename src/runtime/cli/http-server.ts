/** The HTTP API beside the service of a command: where it listens and who may call, by config and environment. */
import { Effect, Exit, Scope } from "effect";
import { allScopes } from "../http-api/api-keys.ts";
import type { HttpApiOptions } from "../http-api/http-options.ts";
import { type CannotListen, serveHttp, settingsAt } from "../http-api/serve-http.ts";
import type { ConfigOptions } from "./config-file.ts";
import { asUsage, Trouble, type UsageError } from "./ending.ts";
import type { RunningService } from "./job-service.ts";
import type { Settings } from "./settings.ts";

/** The config's options for HTTP, with what the environment says over them; undefined where neither says any. */
export const httpOptions = (
  http: HttpApiOptions | undefined,
  { apiKeys, publicUrl, webhookSecret }: Settings,
): HttpApiOptions | undefined => {
  const said: HttpApiOptions = {
    ...(publicUrl !== null && { publicUrl }),
    ...(apiKeys.length > 0 && {
      keys: apiKeys.map((secret, index) => ({
        id: `environment-${index + 1}`,
        secret,
        scopes: allScopes,
      })),
    }),
    ...(webhookSecret !== null && {
      webhookSecrets: { ...http?.webhookSecrets, replicate: webhookSecret },
    }),
  };
  return http === undefined && Object.keys(said).length === 0 ? undefined : { ...http, ...said };
};

export interface HttpPlace {
  /** Whether an API of these options may be served here. Fails with: UsageError, Trouble. */
  check(options: ConfigOptions): Effect.Effect<void, UsageError | Trouble>;
  /** Serves this service from now on, and the one before no more; answers the address. Fails with: UsageError, Trouble where it cannot listen. */
  show(
    service: RunningService,
    options: ConfigOptions,
  ): Effect.Effect<string, UsageError | Trouble>;
}

/** One address for as long as the scope lives, whoever stands behind it. */
export const makeHttpPlace = Effect.fnUntraced(function* ({
  host,
  port,
}: Settings): Effect.fn.Return<HttpPlace, never, Scope.Scope> {
  const around = yield* Effect.scope;
  let current: { readonly scope: Scope.Closeable; readonly port: number } | null = null;
  return {
    check: ({ http, pipelines }) => {
      const names = pipelines.map(({ plan }) => plan.name);
      return asked(Effect.asVoid(settingsAt({ host, ...(http !== undefined && { http }) }, names)));
    },
    show: Effect.fnUntraced(function* (service: RunningService, { http }: ConfigOptions) {
      const before = current;
      if (before !== null) yield* Scope.close(before.scope, Exit.void);
      const scope = yield* Scope.fork(around);
      const served = serveHttp(service, {
        host,
        // Whatever was free at first stays the address.
        port: before?.port ?? port,
        ...(http !== undefined && { http }),
      });
      const address = yield* asked(Effect.provideService(served, Scope.Scope, scope));
      current = { scope, port: Number(new URL(address).port) };
      return address;
    }),
  };
});

/** What cannot be, in the words of a command. */
const asked = <A>(effect: Effect.Effect<A, CannotListen>): Effect.Effect<A, UsageError | Trouble> =>
  asUsage(
    Effect.mapError(
      effect,
      ({ message }) => new Trouble({ message: `${message}${hint(message)}` }),
    ),
  );

/** What of it can be done from a command line. */
const hint = (message: string): string => {
  if (message.includes("EADDRINUSE"))
    return ": somebody else listens there; CATENA_PORT names another port, 0 any that is free";
  return message.includes("http.keys") ? ", or in the environment as CATENA_API_KEYS" : "";
};
