/** How the HTTP API is served: the options checked, and what stands where nothing was said. */
import { Redacted } from "effect";
import { pauseOf, positiveInteger, refuseStrangers, StartError } from "../options.ts";
import { checkKeys, type CheckedKey } from "./api-keys.ts";
import type { HttpApiOptions } from "./http-options.ts";
import { isWebhookSecret } from "./webhook-signature.ts";

type BasePath = "" | `/${string}`;

export interface HttpSettings {
  readonly keys: ReadonlyArray<CheckedKey>;
  readonly caller: HttpApiOptions["caller"];
  readonly publicUrl: string | null;
  /** Empty, or with a slash in front and none behind. */
  readonly basePath: BasePath;
  readonly corsOrigins: ReadonlyArray<string>;
  readonly maxBodyBytes: number;
  readonly maxAssetBytes: number;
  readonly requestsPerMinute: number;
  readonly heartbeatMs: number;
  readonly hasDocs: boolean;
  readonly webhookSecrets: ReadonlyMap<string, Redacted.Redacted>;
}

const mebibyte = 1_048_576;

/** Throws StartError where an option is not of its kind, or where a mount path is a pipeline's name. */
export const httpSettings = (
  options: HttpApiOptions | undefined,
  pipelines: ReadonlyArray<string>,
): HttpSettings => {
  const { keys, caller, docs = true, ...rest } = objectOf(options ?? {});
  if (caller !== undefined && typeof caller !== "function")
    throw new StartError("http.caller", "a function", caller);
  if (typeof docs !== "boolean") throw new StartError("http.docs", "true or false", docs);
  const publicUrl = rest.publicUrl === undefined ? null : checkPublicUrl(rest.publicUrl);
  const pathOfUrl = publicUrl === null ? "" : new URL(publicUrl).pathname;
  const basePath = checkBasePath(rest.basePath ?? pathOfUrl);
  const first = basePath.split("/")[1] ?? "";
  if (pipelines.includes(first))
    throw new StartError("http.basePath", "a path that begins with no pipeline's name", basePath);
  return {
    keys: keys === undefined ? [] : checkKeys(keys),
    caller,
    publicUrl,
    basePath,
    corsOrigins: checkOrigins(rest.corsOrigins ?? []),
    maxBodyBytes: positiveInteger("http.maxBodyBytes", rest.maxBodyBytes, mebibyte),
    maxAssetBytes: positiveInteger("http.maxAssetBytes", rest.maxAssetBytes, 100 * mebibyte),
    requestsPerMinute: positiveInteger("http.requestsPerMinute", rest.requestsPerMinute, 600),
    heartbeatMs: pauseOf("http.heartbeatEvery", rest.heartbeatEvery, 15_000),
    hasDocs: docs,
    webhookSecrets: checkSecrets(rest.webhookSecrets ?? {}),
  };
};

const names = Object.keys({
  keys: true,
  caller: true,
  publicUrl: true,
  basePath: true,
  corsOrigins: true,
  maxBodyBytes: true,
  maxAssetBytes: true,
  requestsPerMinute: true,
  heartbeatEvery: true,
  webhookSecrets: true,
  docs: true,
} satisfies Record<keyof HttpApiOptions, true>);

const objectOf = (options: HttpApiOptions): HttpApiOptions => {
  if (typeof options !== "object" || options === null)
    throw new StartError("http", "an object of options", typeof options);
  refuseStrangers("http", options, names);
  return options;
};

const checkPublicUrl = (text: unknown): string => {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : null;
  const isPlain =
    url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.search === "";
  if (isPlain && url.hash === "") return url.href.replace(/\/+$/, "");
  throw new StartError(
    "http.publicUrl",
    "an http or https URL without user, query or hash",
    "another",
  );
};

const checkBasePath = (path: unknown): BasePath => {
  if (path === "" || path === "/") return "";
  if (typeof path === "string" && /^(\/[A-Za-z0-9._~-]+)+\/?$/.test(path))
    return `/${path.replace(/^\/|\/$/g, "")}`;
  throw new StartError("http.basePath", 'a path such as "/api"', path);
};

const checkSecrets = (
  secrets: NonNullable<HttpApiOptions["webhookSecrets"]>,
): ReadonlyMap<string, Redacted.Redacted> =>
  new Map(
    Object.entries(secrets).map(([provider, secret]) => {
      const text: unknown = Redacted.isRedacted(secret) ? Redacted.value(secret) : secret;
      if (typeof text === "string" && isWebhookSecret(text)) return [provider, Redacted.make(text)];
      const expected = "a signing secret such as whsec_…";
      throw new StartError(`http.webhookSecrets.${provider}`, expected, typeof text);
    }),
  );

const checkOrigins = (origins: unknown): ReadonlyArray<string> => {
  const isOrigin = (one: unknown): one is string =>
    typeof one === "string" && URL.canParse(one) && new URL(one).origin === one;
  if (Array.isArray(origins) && origins.every(isOrigin)) return origins;
  throw new StartError(
    "http.corsOrigins",
    'a list of origins such as "https://app.example.com"',
    "another",
  );
};
