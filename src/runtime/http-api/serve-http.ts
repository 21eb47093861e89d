/** A server of our own, for the command line and for hosts that have none. */
import { createServer, type Server } from "node:http";
import { Data, Effect, type Scope } from "effect";
import type { CatenaService } from "../catena-service.ts";
import type { HttpApiOptions } from "./http-options.ts";
import { type HttpSettings, httpSettings } from "./http-settings.ts";
import { nodeHandler } from "./node-handler.ts";

export interface ServeOptions {
  /** Default: `127.0.0.1`. Any other address but loopback needs keys. */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly http?: HttpApiOptions;
}

/** The server does not listen; `message` says why and what to do. */
export class CannotListen extends Data.TaggedError("CannotListen")<{ readonly message: string }> {}

/** How long (ms) a client may take over its headers, and over its whole request. */
const headersTimeoutMs = 20_000;
const requestTimeoutMs = 300_000;

const loopback: ReadonlySet<string> = new Set(["localhost", "::1"]);
const isLoopback = (host: string): boolean =>
  loopback.has(host) || /^127(\.\d{1,3}){3}$/.test(host);

const defaultHost = "127.0.0.1";

/**
 * The settings of an API at this place. Fails with: CannotListen where others could reach it and nobody would need
 * a key. Throws StartError for an option that cannot be.
 */
export const settingsAt = (
  { host = defaultHost, http }: Pick<ServeOptions, "host" | "http">,
  pipelines: ReadonlyArray<string>,
): Effect.Effect<HttpSettings, CannotListen> =>
  Effect.suspend(() => {
    const settings = httpSettings(http, pipelines);
    return isOpen(settings) && !isLoopback(host)
      ? Effect.fail(new CannotListen({ message: needsKeys(host) }))
      : Effect.succeed(settings);
  });

const isOpen = ({ keys, caller }: HttpSettings): boolean =>
  keys.length === 0 && caller === undefined;

/**
 * Listens for as long as the scope lives; answers the address. Without keys it listens on loopback only, where
 * whoever is on this machine may call. Fails with: CannotListen. Throws StartError for an option that cannot be.
 */
export const serveHttp = Effect.fnUntraced(function* (
  service: CatenaService["Service"],
  { host = defaultHost, port, http }: ServeOptions,
): Effect.fn.Return<string, CannotListen, Scope.Scope> {
  const names = [...service.engine.deployed.values()].map(({ plan }) => plan.name);
  const settings = yield* settingsAt({ host, ...(http !== undefined && { http }) }, names);
  // Loaded here, so that who only imports the package does not pay for it.
  const { makeWebApi } = yield* Effect.promise(() => import("./web-api.ts"));
  const fetch = yield* makeWebApi(service, settings, isOpen(settings) ? "loopback" : "keys");
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs },
    nodeHandler(fetch),
  );
  yield* Effect.acquireRelease(listen(server, host, port), () => close(server));
  return addressOf(server, host) + settings.basePath;
});

const needsKeys = (host: string): string =>
  `Expected http.keys before listening on ${host}, where others can reach it: without keys this service` +
  " listens on 127.0.0.1 only. Make one with newApiKey() from catena-ai: give its secret to the caller and" +
  ' start with http: { keys: [{ id: "me", sha256, scopes: ["submit", "read", "operate"] }] }';

const listen = (server: Server, host: string, port: number): Effect.Effect<void, CannotListen> =>
  Effect.callback((resume) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const message = `Cannot listen on ${host} port ${port}: ${error.code ?? error.message}`;
      resume(Effect.fail(new CannotListen({ message })));
    });
    server.listen(port, host, () => {
      resume(Effect.void);
    });
  });

/** Open requests are cut off: by then every stream has ended, and who waits asks again. */
const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => {
      resume(Effect.void);
    });
    server.closeAllConnections();
  });

const addressOf = (server: Server, host: string): string => {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
};
