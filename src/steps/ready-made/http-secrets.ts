/**
 * Keeps what a request was authorised with out of everything that is said about it. Servers echo what they
 * were sent, in error pages above all; what is left of them here names no header value and no query.
 */
import { Redacted } from "effect";

export type HeaderValue = string | Redacted.Redacted;
export type HeaderFields = Readonly<Record<string, HeaderValue>>;

/** Headers that say what a request is like, never who sends it. Every other value is taken for a secret. */
const harmless: ReadonlySet<string> = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-language",
  "content-type",
  "user-agent",
]);

export const plainValue = (value: HeaderValue): string =>
  typeof value === "string" ? value : Redacted.value(value);

/** Strikes the secrets of a request out of a text, however they are written in it. */
export const concealing = (headers: HeaderFields, url: URL): ((text: string) => string) => {
  const secrets = [...Object.entries(headers).flatMap(secretsIn), ...secretsInUrl(url)]
    .flatMap(spellingsOf)
    .filter((secret) => secret !== "")
    .toSorted((one, other) => other.length - one.length);
  return (text) => secrets.reduce((left, secret) => left.replaceAll(secret, "<hidden>"), text);
};

const secretsIn = ([name, value]: readonly [string, HeaderValue]): ReadonlyArray<string> => {
  if (typeof value === "string" && harmless.has(name.toLowerCase())) return [];
  const whole = plainValue(value).trim();
  const [, scheme, credentials] = /^(\w+)\s+(\S.*)$/.exec(whole) ?? [];
  if (scheme === undefined || credentials === undefined) return [whole];
  return scheme.toLowerCase() === "basic"
    ? [whole, credentials, ...secretsInBasic(credentials)]
    : [whole, credentials];
};

/** `user:password`, which servers show decoded. */
const secretsInBasic = (credentials: string): ReadonlyArray<string> => {
  const decoded = Buffer.from(credentials, "base64").toString("utf8");
  return [decoded, decoded.slice(decoded.indexOf(":") + 1)];
};

/** Shorter values are page numbers and path names, and would be struck out of every text. */
const minQuerySecret = 8;
const minPathSecret = 16;

const secretsInUrl = (url: URL): ReadonlyArray<string> => [
  url.href,
  ...[...url.searchParams.values()].filter(({ length }) => length >= minQuerySecret),
  ...url.pathname.split("/").filter(({ length }) => length >= minPathSecret),
];

const spellingsOf = (secret: string): ReadonlyArray<string> => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
];
